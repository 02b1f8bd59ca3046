"""What the triggerer finds of an answer that Airflow holds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.execution_time import hitl

from include.airlock.model.decision import APPROVE, REJECT, WHY, read_answer
from include.airlock.release.answer_trigger import AnswerTrigger

TI = "01a1fde3-2372-7db1-bab3-4e3b71862c5e"
AT = datetime(2026, 11, 24, 20, 15, tzinfo=UTC)


def found(monkeypatch: pytest.MonkeyPatch, **held: Any) -> dict[str, Any]:
    """Let Airflow hold that, and look; the moment to look has passed."""
    nothing = {"response_received": False, "chosen_options": None, "responded_by_user": None}
    asked: list[UUID] = []

    def answer(ti_id: UUID) -> SimpleNamespace:
        asked.append(ti_id)
        return SimpleNamespace(**(nothing | {"params_input": None, "responded_at": None} | held))

    monkeypatch.setattr(hitl, "get_hitl_detail_content_detail", answer)

    async def look() -> list[Any]:
        path, arguments = AnswerTrigger(ti_id=TI, moment="2020-01-01T00:00:00+00:00").serialize()
        assert path.endswith(".AnswerTrigger")
        return [event.payload async for event in AnswerTrigger(**arguments).run()]

    (event,) = asyncio.run(look())
    assert asked == [UUID(TI)]
    return event


def test_an_answer_is_handed_on_as_airflow_would(monkeypatch: pytest.MonkeyPatch) -> None:
    event = found(
        monkeypatch,
        response_received=True,
        chosen_options=[APPROVE],
        params_input={WHY: "ready"},
        responded_at=AT,
        responded_by_user=SimpleNamespace(id="7", name="ann"),
    )
    answer = read_answer(event, (APPROVE, REJECT), REJECT)
    assert (answer.chosen, answer.by, answer.by_id, answer.why) == (APPROVE, "ann", "7", "ready")
    assert answer.at.startswith("2026-11-24T20:15:00") and not answer.timed_out and answer.fault is None


def test_a_default_that_was_taken_is_nobodys_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    event = found(monkeypatch, response_received=True, chosen_options=[REJECT], responded_at=AT)
    assert read_answer(event, (APPROVE, REJECT), REJECT).timed_out


def test_no_answer_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch) == {}
