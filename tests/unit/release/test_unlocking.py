"""``airlock_unlock``: whose lock it takes, and when it may not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from include.airlock.errors import RequestError
from include.airlock.model.record import ReleaseRecord
from include.airlock.release.assets import asset_of
from include.airlock.release.ledger import Ledger, Lock
from include.airlock.release.operators import UnlockOperator
from tests.integration.rehearsal import MemoryStore

ROLLBACK = Lock(kind="rolled_back", reason="too slow", release="CHG-1", at="t", run="back-1")


class Airflow:
    """A service that a release has locked; ``states`` are those of runs, by DAG."""

    def __init__(self, lock: Lock | None = ROLLBACK, **states: str) -> None:
        self.states, store = states, MemoryStore()
        self.ledger, self.stores = Ledger(store), {asset_of("payments"): store}
        record = {"release": "CHG-1", "dag": "release_payments", "service": "payments", "build": "2.0"}
        self.ledger.open(ReleaseRecord(**record, on_failure="halt", started_at="t"))
        self.ledger.replace_lock(lock)

    def get_dagrun_state(self, dag: str, _: str) -> str:
        if dag not in self.states:
            raise AirflowRuntimeError(
                ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 404})
            )
        return self.states[dag]

    def unlock(self, reason: object = "mended", service: str = "payments") -> str:
        dag_run = SimpleNamespace(run_id="u-1", dag_id="airlock_unlock", triggering_user_name="bob")
        params = {"service": service, "reason": reason}
        context: Any = {"params": params, "dag_run": dag_run, "ti": self, "asset_state_store": self.stores}
        return UnlockOperator(task_id="unlock", services=("payments",)).execute(context)


def test_who_and_why_is_kept() -> None:
    # Given a lock of a rollback that has ended
    airflow = Airflow(rollback_payments="success", release_payments="success")
    # When it is taken away
    said = airflow.unlock(" mended\n ")
    # Then it says which lock it was, and remembers it
    assert said == "payments is unlocked (mended); it was locked since t by CHG-1: too slow"
    assert airflow.ledger.lock() is None
    (kept,) = airflow.ledger.unlocks_of("CHG-1")
    assert (kept.by, kept.reason, kept.run, kept.lock) == ("bob", "mended", "u-1", ROLLBACK)


@pytest.mark.parametrize(
    ("lock", "states", "named"),
    [
        (ROLLBACK, {"rollback_payments": "running"}, "the run back-1 of rollback_payments"),
        (
            Lock(kind="in_flight", reason="uksouth", release="CHG-1", at="t"),
            {"release_payments": "running"},
            "the run CHG-1 of release_payments",
        ),
    ],
)
def test_the_lock_of_a_run_at_work_stays(lock: Lock, states: dict[str, str], named: str) -> None:
    airflow = Airflow(lock, **states)
    with pytest.raises(RequestError, match=f"{named}, which is at work"):
        airflow.unlock()
    assert airflow.ledger.lock() == lock


def test_a_run_that_airflow_has_forgotten_holds_nobody_up() -> None:
    assert "is unlocked" in Airflow().unlock()


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("  ", "is empty"),
        (None, "is empty"),
        (" ok ", "3 characters or more"),
        ("x" * 501, "more than 500 characters"),
        ("mended\x1b[2K", "control characters"),
    ],
)
def test_a_reason_that_says_nothing_is_refused(reason: object, words: str) -> None:
    airflow = Airflow()
    with pytest.raises(RequestError, match=words):
        airflow.unlock(reason)
    assert airflow.ledger.lock() == ROLLBACK


def test_what_is_not_locked_or_not_known_is_refused() -> None:
    with pytest.raises(RequestError, match="payments is not locked"):
        Airflow(None).unlock()
    with pytest.raises(RequestError, match="there is no service 'payment'"):
        Airflow().unlock(service="payment")
