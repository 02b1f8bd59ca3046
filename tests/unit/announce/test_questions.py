"""What is told while a release waits for people: the question, who may answer, until when, and where."""

from __future__ import annotations

import pytest

from include.airlock.announce import rendering, wording
from include.airlock.announce.told import Kind, Pending
from include.airlock.announce.webhook import payload
from include.airlock.model.record import Decision, Outcome, Question, ReleaseRecord
from tests.unit.announce.releases import region, release

NASTY = "<!channel> *bold* \u202etxt\n<https://evil|here>"


def asking(text: str = "May payments 2026.11.2 be released?", **more: object) -> ReleaseRecord:
    question = Question(
        about="release",
        step="approve",
        text=text,
        options=["Approve", "Reject"],
        asked_at="2026-11-24T16:30:00+00:00",
        until="2026-11-24T20:30:00+00:00",
        otherwise="Reject",
        who=["ann", "ben"],
        url="http://127.0.0.1:8080/dags/d/runs/r/tasks/approve/required_actions",
    )
    return release(region("west"), question=question, **more)


def shown(record: ReleaseRecord) -> str:
    return "\n".join(str(block) for block in rendering.headline(record).blocks)


def test_the_headline_says_who_may_answer_until_when_and_where() -> None:
    text = shown(asking())
    line = (
        "❓ May payments 2026.11.2 be released? Waits for an answer by ann, ben until 2026-11-24 20:30 UTC, "
        "else: Reject"
    )
    assert line in text and line in wording.summary(asking())
    assert "tasks/approve/required_actions|Answer it>" in text


@pytest.mark.parametrize("outcome", [each for each in Outcome if each is not Outcome.RUNNING])
def test_an_ended_release_asks_nothing(outcome: Outcome) -> None:
    assert "❓" not in shown(asking(outcome=outcome))
    assert "❓" not in wording.summary(asking(outcome=outcome))


def test_what_was_typed_is_shown_and_not_meant() -> None:
    text = shown(asking(NASTY))
    assert "&lt;!channel&gt;" in text and "<!channel>" not in text and "\u202e" not in text
    assert "<https://evil" not in text


def test_the_webhook_gets_question_and_decisions() -> None:
    decision = Decision(at="t", about="release", question="q", chosen="Approve", by="ann", why="ready")
    told = payload(asking(decisions=[decision]), Pending(kind=Kind.HEADLINE, mark="headline"))
    assert told["question"]["who"] == ["ann", "ben"]
    assert told["decisions"][0]["why"] == "ready"
    assert payload(release(region("west")), Pending(kind=Kind.HEADLINE, mark="h"))["question"] is None


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "ann answered 'Halt': wait"),
        ({"why": None}, "ann answered 'Halt'"),
        ({"by": None}, "somebody answered 'Halt': wait"),
        ({"timed_out": True, "by": None}, "nobody answered in time, so: Halt"),
        ({"refused": "it needs a reason"}, "ann answered 'Halt': wait; not taken, since it needs a reason"),
    ],
)
def test_a_decision_in_words(more: dict[str, object], said: str) -> None:
    held = {"at": "t", "about": "west", "question": "q", "chosen": "Halt", "by": "ann", "why": "wait"}
    assert Decision.model_validate(held | more).said == said
