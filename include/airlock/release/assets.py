"""The asset under which a service's ledger is kept: light, as every DAG file's parsing needs it."""

from __future__ import annotations

from airflow.sdk import Asset


def asset_of(service: str) -> Asset:
    """The asset of a service. It has no URI: one with a scheme would load every provider."""
    return Asset(name=f"airlock_{service}")
