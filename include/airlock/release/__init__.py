"""A release while it runs: its ledger, the shape that all its steps share, its verdict."""
