"""What the plugin hands to Airflow: light, since every component of Airflow loads every plugin.

The application itself (FastAPI, routes, the ledger) is imported in the API server alone, by the first
request that comes.
"""

from __future__ import annotations

from typing import Any

PREFIX = "/airlock"
"""Airflow keeps ``/ui``, ``/api/v2``, ``/auth``, ``/execution`` and ``/pluginsv2`` for itself."""


class Web:
    """An ASGI application that is imported when it is first asked."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on to ``include.airlock.web.app``."""
        from include.airlock.web.app import app

        await app(scope, receive, send)
