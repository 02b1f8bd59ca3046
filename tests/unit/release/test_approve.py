"""A step that waits for people, as Airflow calls it: it parks, is resumed, and is started again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskAwaitingInput, TaskDeferred
from airflow.sdk.execution_time import hitl

from include.airlock.errors import NotApproved
from include.airlock.model.decision import APPROVE, REJECT, WHY
from include.airlock.release.approve import ApproveOperator
from tests.unit.release.asked_world import APPROVALS, Release, World, answered

RETRIES = 6


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was put into Airflow."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **detail: found.append(detail))
    return found


@pytest.fixture
def release() -> Release:
    return Release(World(), approvals=APPROVALS)


@pytest.fixture
def step(release: Release, monkeypatch: pytest.MonkeyPatch) -> ApproveOperator:
    """The step ``approve`` of that release; what it tells at once is kept in ``told``."""
    told: list[str] = []
    step = ApproveOperator(
        task_id="approve", service=release.service, tell=lambda service, run: told.append(run.release)
    )
    monkeypatch.setattr(step, "open", lambda context: release.run)
    monkeypatch.setattr(step, "told", told, raising=False)
    return step


def context(*, tries: int = 1, most: int = RETRIES) -> Any:
    return {"ti": SimpleNamespace(id="a-ti", try_number=tries, max_tries=most)}


def parked(call: Callable[[], Any]) -> TaskAwaitingInput:
    with pytest.raises(TaskAwaitingInput) as found:
        call()
    return found.value


def test_it_puts_the_question_tells_and_parks(step: Any, release: Release, put: list[dict[str, Any]]) -> None:
    wait = parked(lambda: step.execute(context()))
    assert (wait.method_name, wait.kwargs) == ("answered", None)
    assert 0 < wait.timeout.total_seconds() <= APPROVALS.expiry.total_seconds()
    (detail,) = put
    assert detail["options"] == [APPROVE, REJECT] and detail["defaults"] == [REJECT]
    assert [user["id"] for user in detail["assigned_users"]] == ["ann", "ben"]
    assert set(detail["params"]) == {WHY}
    assert step.told == ["CHG-1"]
    assert release.record.question is not None
    # Its time is what is left: a remark does not begin it anew
    before = release.record.question.until
    parked(lambda: step.answered(context(), answered(REJECT)))
    assert release.record.question.until == before
    assert release.record.question.remark == "it needs a reason"


def sought(call: Callable[[], Any]) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as found:
        call()
    return found.value


def test_a_lost_run_seeks_the_answer_after_a_moment(
    step: Any, release: Release, put: list[dict[str, Any]]
) -> None:
    # Given a question that was answered, and a run that Airflow lost before it stored the answer
    parked(lambda: step.execute(context()))
    # When Airflow tries the step again / Then the triggerer looks, later: at once would be lost again
    wait = sought(lambda: step.execute(context(tries=2)))
    path, arguments = wait.trigger.serialize()
    assert path == "include.airlock.release.answer_trigger.AnswerTrigger"
    assert arguments["ti_id"] == "a-ti"
    assert datetime.fromisoformat(arguments["moment"]) > datetime.now(UTC) + timedelta(seconds=10)
    assert wait.method_name == "answer_sought"
    assert len(put) == 1, "to put it again would forget the answer"
    # And what it found counts
    event = answered(APPROVE, "ready")
    assert step.answer_sought(context(tries=2), event) == "approved by ann: ready"


def test_a_lost_run_without_an_answer_waits_on(
    step: Any, release: Release, put: list[dict[str, Any]]
) -> None:
    parked(lambda: step.execute(context()))
    sought(lambda: step.execute(context(tries=2)))
    assert parked(lambda: step.answer_sought(context(tries=2), {})).method_name == "answered"
    assert len(put) == 1


def test_a_clear_begins_anew(step: Any, release: Release, put: list[dict[str, Any]]) -> None:
    parked(lambda: step.execute(context()))
    parked(lambda: step.execute(context(tries=2, most=1 + RETRIES)))
    assert len(put) == 2


def test_a_try_before_the_question_was_put_puts_it(
    step: Any, release: Release, put: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a worker that died right before it put the question
    def away(**_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as dying:
        dying.setattr(hitl, "upsert_hitl_detail", away)
        with pytest.raises(ConnectionError):
            step.execute(context())
    parked(lambda: step.execute(context(tries=2)))
    assert len(put) == 1


@pytest.mark.parametrize("event", [{"error": "it has passed", "error_type": "timeout"}, {"timedout": True}])
def test_nobody_in_time_is_a_no(step: Any, release: Release, put: Any, event: dict[str, Any]) -> None:
    parked(lambda: step.execute(context()))
    with pytest.raises(NotApproved, match="nobody approved it within 4h"):
        step.answered(context(), event)
    assert release.record.refusal == "nobody approved it within 4h"


def test_an_answer_to_no_question_asks(step: Any, release: Release, put: list[dict[str, Any]]) -> None:
    """As when somebody ended the step by hand meanwhile: nothing is taken that was not asked for."""
    parked(lambda: step.answered(context(), answered(APPROVE)))
    assert len(put) == 1
    assert release.record.decisions == []


def test_an_answer_that_is_settled_is_not_asked_for_again(
    step: Any, release: Release, put: list[dict[str, Any]]
) -> None:
    parked(lambda: step.execute(context()))
    step.answered(context(), answered(APPROVE))
    assert step.answered(context(tries=2), answered(APPROVE)) == "approved by ann"
    assert len(put) == 1


@pytest.mark.parametrize("event", [answered(REJECT, "not tonight"), {"timedout": True}])
def test_a_no_stays_one_when_its_run_is_lost(
    step: Any, release: Release, put: list[dict[str, Any]], event: dict[str, Any]
) -> None:
    # Given a no that was stored, by a run that Airflow lost then
    parked(lambda: step.execute(context()))
    with pytest.raises(NotApproved) as first:
        step.answered(context(), event)
    # When it tries the step again / Then it is the same no, and nobody is asked again
    with pytest.raises(NotApproved) as again:
        step.execute(context(tries=2))
    assert str(again.value) == str(first.value) == release.record.refusal and len(put) == 1
    # And a Clear asks anew
    parked(lambda: step.execute(context(tries=2, most=1 + RETRIES)))
