"""What a step does when a wait takes long, and which failures are tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.sdk.exceptions import TaskDeferred

from include.airlock import errors
from include.airlock.model.loading import load_service
from include.airlock.release.step import RETRY_POLICY, Later, ReleaseStep

SERVICE = load_service(Path(__file__).resolve().parents[3] / "dags/services/payments.yaml")


@pytest.mark.parametrize("seconds", [0.0, 3.0, 40.0])
def test_a_long_wait_gives_the_worker_back(seconds: float) -> None:
    # Given a step that wants to come back / When it is deferred
    step = ReleaseStep(task_id="swap", service=SERVICE, region="westeurope")
    before = datetime.now(UTC)
    with pytest.raises(TaskDeferred) as deferred:
        step._come_back(Later(seconds))
    # Then it resumes through its own entry, and never so soon that Airflow was measured to lose runs
    assert deferred.value.method_name == "resume"
    wait = deferred.value.trigger.moment - before  # type: ignore[attr-defined]
    assert timedelta(seconds=max(seconds, 15) - 1) < wait < timedelta(seconds=max(seconds, 15) + 5)


def all_errors() -> list[type[errors.AirlockError]]:
    found, left = [], [errors.AirlockError]
    while left:
        found.append(left.pop())
        left += found[-1].__subclasses__()
    return [kind for kind in found if kind.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", all_errors())
def test_verdicts_are_final_and_lost_answers_are_not(kind: type[errors.AirlockError]) -> None:
    # Given any error of the tree / When the retry policy is asked / Then ``retryable`` alone decides
    fault = kind("x", retry_after=1.0) if kind is errors.Throttled else kind("x")  # type: ignore[call-arg]
    wanted = RetryAction.RETRY if kind.retryable else RetryAction.FAIL
    assert RETRY_POLICY.evaluate(fault, 1, 6).action is wanted


def test_anything_else_is_a_lost_run_and_is_tried_again() -> None:
    assert RETRY_POLICY.evaluate(RuntimeError("x"), 1, 6).action is RetryAction.DEFAULT


def test_each_error_stands_in_the_tree_of_the_docstring() -> None:
    assert errors.__doc__ is not None
    for kind in all_errors():
        assert f"{kind.__name__} " in errors.__doc__ or kind is errors.AirlockError
