"""Status pages over HTTP: one look at a time, each on a fresh connection."""
