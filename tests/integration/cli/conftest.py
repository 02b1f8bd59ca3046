"""The command line against the stand-in of Airflow's API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.airlock.cli.main import main
from include.airlock.model.form import params_schema
from include.airlock.model.loading import load_service
from include.airlock.model.rollback import rollback_schema
from include.airlock.model.train_loading import load_train
from include.airlock.model.train_request import train_schema
from tests.integration.cli.airflow_stand_in import PASSWORD, USER, StandIn, serving

DAGS = Path(__file__).resolve().parents[3] / "dags"


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """An Airflow with some DAGs of services and one train; the environment says where it is and who asks."""
    state = StandIn()
    payments = load_service(DAGS / "services" / "payments.yaml")
    state.add_dag("release_payments", params_schema(payments))
    state.add_dag("release_identity", params_schema(load_service(DAGS / "services" / "identity.yaml")))
    state.add_dag("rollback_payments", rollback_schema(payments))
    train = load_train(DAGS / "trains" / "evening.yaml")
    state.add_dag("train_evening", train_schema(train))
    undo = rollback_schema(payments)
    state.add_dag("rollback_train_evening", {key: undo[key] for key in ("reason", "release", "dry")})
    state.add_dag("airlock_unlock", {"service": {"enum": ["identity", "payments"]}, "reason": {}})
    secret = tmp_path / "password"
    secret.write_text(f"{PASSWORD}\n", encoding="utf-8")
    with serving(state):
        monkeypatch.setenv("AIRLOCK_URL", state.url)
        monkeypatch.setenv("AIRLOCK_USER", USER)
        monkeypatch.setenv("AIRLOCK_PASSWORD_FILE", str(secret))
        monkeypatch.delenv("AIRLOCK_TOKEN", raising=False)
        yield state


@pytest.fixture
def airlock(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command; gives its exit code, its standard output and its errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as error:
            code = int(error.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
