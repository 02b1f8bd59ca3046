"""Airflow's API server with the plugin, asked through its own client, on a database of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from include.airlock.release.assets import asset_of
from include.airlock.release.ledger import Ledger

SERVICE = "payments"


@dataclass
class TableStore:
    """A service's state as Airflow's tasks write it, straight into the table."""

    asset: int

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or ``default``."""
        from airflow.state import AssetScope, get_state_backend

        value = get_state_backend().get(AssetScope(asset_id=self.asset), key)
        return default if value is None else json.loads(value)

    def set(self, key: str, value: Any) -> None:
        """Write a value."""
        from airflow.state import AssetScope, get_state_backend

        get_state_backend().set(AssetScope(asset_id=self.asset), key, json.dumps(value))

    def delete(self, key: str) -> None:
        """Forget a key."""
        from airflow.state import AssetScope, get_state_backend

        get_state_backend().delete(AssetScope(asset_id=self.asset), key)


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for records of its own: what the ledger has forgotten is sought there."""
    monkeypatch.setenv("AIRFLOW__AIRLOCK__RECORDS", str(tmp_path / "records"))
    return tmp_path / "records"


@pytest.fixture(scope="session")
def web() -> Iterator[Any]:
    """The API server's client, and an asset for the service."""
    from airflow import settings
    from airflow.api_fastapi.app import create_app
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from fastapi.testclient import TestClient

    import_all_models()
    Base.metadata.create_all(settings.engine)
    with TestClient(create_app(apps="core"), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def store(web: Any) -> Iterator[TableStore]:
    """The state of ``payments``, empty at first."""
    from airflow.models.asset import AssetActive, AssetModel
    from airflow.utils.session import create_session

    asset = asset_of(SERVICE)
    with create_session() as session:
        row = AssetModel(name=asset.name, uri=asset.uri, group="asset")
        session.add(row)
        session.flush()
        session.add(AssetActive(name=asset.name, uri=asset.uri))
        found = row.id
    yield TableStore(found)
    with create_session() as session:
        session.query(AssetActive).filter(AssetActive.name == asset.name).delete()
        session.query(AssetModel).filter(AssetModel.id == found).delete()


@pytest.fixture
def ledger(store: TableStore) -> Ledger:
    """The ledger of ``payments``, to write."""
    return Ledger(store)


@pytest.fixture
def get(web: Any) -> Callable[..., Any]:
    """``get(path, role="viewer")``: ask as somebody of that role; None is somebody without any."""

    def ask(path: str, *, role: str | None = "viewer", **headers: str) -> Any:
        return web.get(path, headers={"Authorization": f"Bearer {token(role)}", **headers})

    return ask


def token(role: str | None, *, seconds: int = 600) -> str:
    """A token as Airflow's simple auth manager gives it."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    user = SimpleAuthManagerUser(username="ann", role=role)
    made: str = get_auth_manager().generate_jwt(user, expiration_time_in_seconds=seconds)
    return made


@pytest.fixture
def run() -> Iterator[Callable[..., None]]:
    """``run(run_id, state)``: a run of ``release_payments`` as Airflow keeps it."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunType

    def add(run_id: str, state: str) -> None:
        after = datetime(2026, 11, 21, 20, tzinfo=UTC)
        made = DagRun(dag_id="release_payments", run_id=run_id, run_type=DagRunType.MANUAL, run_after=after)
        made.state = state
        with create_session() as session:
            session.add(made)

    yield add
    with create_session() as session:
        session.query(DagRun).delete()
