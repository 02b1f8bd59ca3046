"""Airflow connections, the only place where addresses of clouds and secrets come from."""

from __future__ import annotations

from typing import Any

from include.airlock.errors import ConnectionMissing


def connection_of(conn_id: str, kind: str) -> tuple[Any, dict[str, Any]]:
    """An Airflow connection and its extra; must run in a task or a trigger.

    Raises:
        ConnectionMissing: there is no such connection, or its extra is not JSON. ``kind`` is the
            type that it must have, for the hint.
    """
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowException

    try:
        connection = BaseHook.get_connection(conn_id)
    except AirflowException as fault:
        raise ConnectionMissing(
            f"there is no connection '{conn_id}'; create it (type {kind}) under Admin > Connections"
        ) from fault
    try:
        return connection, connection.extra_dejson
    except ValueError as fault:
        raise ConnectionMissing(f"connection '{conn_id}': its extra is not JSON") from fault
