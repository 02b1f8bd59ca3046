"""What Airflow says of a run, and what it means when Airflow can't say it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from include.airlock.errors import Transient
from include.airlock.release.dag_runs import state_of


def asked(detail: dict[str, Any] | None = None, state: str = "running") -> Any:
    """A step's context whose Airflow answers with a state, or fails with ``detail``."""

    def answer(_: str, __: str) -> str:
        if detail is None:
            return state
        raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail))

    return {"ti": SimpleNamespace(get_dagrun_state=answer)}


def test_a_run_stands_as_airflow_says() -> None:
    assert state_of(asked(state="failed"), "release_payments", "CHG-1") == "failed"


def test_a_deleted_run_has_no_state() -> None:
    assert state_of(asked({"status_code": 404}), "release_payments", "CHG-1") is None


@pytest.mark.parametrize("detail", [{"status_code": 500}, {"status_code": None, "message": "timed out"}, {}])
def test_a_run_that_cannot_be_asked_for_is_not_taken_for_ended(detail: dict[str, Any]) -> None:
    # Nothing is green by absence: a step that can't tell is tried again
    with pytest.raises(Transient, match="can't say whether CHG-1 of release_payments runs"):
        state_of(asked(detail), "release_payments", "CHG-1")
