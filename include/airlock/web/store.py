"""A service's ledger as the API server reads it: from Airflow's asset state store, and never written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow.models.asset import AssetModel
from airflow.models.dagrun import DagRun
from airflow.state import AssetScope, get_state_backend
from sqlalchemy import select

from include.airlock.release.assets import asset_of
from include.airlock.release.ledger import Ledger

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class ReadOnly(TypeError):
    """Pages only read; who would have them write has made a mistake in the code."""


class ReadStore:
    """The ``Store`` of ``include.airlock.release.ledger``, without its writing half."""

    def __init__(self, session: Session, service: str) -> None:
        self._session = session
        name = asset_of(service).name
        self._asset = session.scalar(
            select(AssetModel.id).where(AssetModel.name == name, AssetModel.active.has())
        )

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or ``default``; a service that no DAG knows has no values."""
        if self._asset is None:
            return default
        value = get_state_backend().get(AssetScope(asset_id=self._asset), key, session=self._session)
        return default if value is None else json.loads(value)

    def set(self, key: str, value: Any) -> None:
        """Not here."""
        raise ReadOnly(key)

    def delete(self, key: str) -> None:
        """Not here."""
        raise ReadOnly(key)


def ledger_of(session: Session, service: str) -> Ledger:
    """The service's ledger, to read."""
    return Ledger(ReadStore(session, service))


def run_of(session: Session, dag: str, run_id: str) -> Any:
    """Airflow's own row of a run, or None."""
    return session.scalar(select(DagRun).where(DagRun.dag_id == dag, DagRun.run_id == run_id))
