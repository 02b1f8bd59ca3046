"""How an answer is read, who may give it, and what each option is said to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.airlock.errors import SpecError
from include.airlock.model.approvals import Approvals, Before
from include.airlock.model.decision import (
    APPROVE,
    POLICIES,
    REJECT,
    Answer,
    Choice,
    approval_meanings,
    meanings,
    option_of,
    read_answer,
    refusal,
)
from include.airlock.model.loading import parse_service
from include.airlock.model.service import OnFailure
from tests.unit.model.specs import SMALLEST

OPTIONS = (APPROVE, REJECT, Choice.ACCEPT)
AT = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)


def event(chosen: object = APPROVE, why: object = "ready", **more: Any) -> dict[str, Any]:
    """What Airflow hands a step that waited."""
    user = {"id": "7", "name": "ann"}
    texts = {"chosen_options": [chosen], "params_input": {"why": why}, "responded_by_user": user}
    return {**texts, "responded_at": AT, "timedout": False, **more}


def read(**more: Any) -> Answer:
    return read_answer(event(**more), OPTIONS, REJECT)


def test_an_answer_is_read() -> None:
    assert read() == Answer(APPROVE, "2026-11-24T20:30:00.000+00:00", by="ann", by_id="7", why="ready")


@pytest.mark.parametrize(
    "silence",
    [
        {"timedout": True},
        {"error_type": "timeout", "error": "it has passed"},
        {"timedout": False, "chosen_options": [REJECT], "responded_by_user": None},
    ],
)
def test_silence_is_the_safe_choice(silence: dict[str, Any]) -> None:
    answer = read(chosen="", **silence)
    assert (answer.chosen, answer.timed_out, answer.by, answer.fault) == (REJECT, True, None, None)


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"chosen": "Perhaps"}, "there is no such option"),
        ({"chosen_options": []}, "there is no such option"),
        ({"chosen_options": [APPROVE, REJECT]}, "there is no such option"),
        ({"chosen": REJECT, "why": ""}, "it needs a reason"),
        ({"chosen": REJECT, "why": None}, "it needs a reason"),
        ({"chosen": Choice.ACCEPT, "why": " no "}, "its reason has fewer than 3 characters"),
        ({"chosen": REJECT, "params_input": None}, "it needs a reason"),
        ({"why": "x" * 501}, "its reason has more than 500 characters"),
        ({"why": "\x1b[2J"}, "its reason '\\x1b[2J' has control characters or line ends in it"),
        ({"why": ["a"]}, "its reason is not text"),
    ],
)
def test_what_can_not_be_taken_says_why(more: dict[str, Any], fault: str) -> None:
    answer = read(**more)
    assert answer.fault == fault
    assert answer.why is None or fault.startswith("its reason has fewer")


@pytest.mark.parametrize("why", ["", "   ", None])
def test_an_approval_needs_no_reason(why: str | None) -> None:
    answer = read(why=why)
    assert (answer.why, answer.fault) == (None, None)


def test_a_name_that_can_not_be_shown_is_nobodys() -> None:
    assert read(responded_by_user={"id": "7", "name": "a\x1bn"}).by is None


@pytest.mark.parametrize(
    ("by", "not_requester", "who", "expected"),
    [
        ((), False, ("7", "ann"), None),
        ((), False, (None, None), None),
        (("ben",), False, ("7", "ann"), "only ben may answer"),
        (("ann",), False, ("7", "ann"), None),
        (("7",), False, ("7", "ann"), None),
        ((), True, ("7", "ann"), None),
        ((), True, ("8", "eve"), "eve asked for the release, so somebody else must answer"),
        ((), True, ("eve", "Eve E."), "eve asked for the release, so somebody else must answer"),
        (
            (),
            True,
            (None, None),
            "nobody's name was given, and who asked for the release may not answer",
        ),
    ],
)
def test_who_may_answer(
    by: tuple[str, ...], not_requester: bool, who: tuple[str | None, str | None], expected: str | None
) -> None:
    approvals = Approvals(before=(Before.RELEASE,), by=by, not_requester=not_requester)
    answer = Answer(APPROVE, "t", by_id=who[0], by=who[1])
    assert refusal(answer, approvals, "eve") == expected


def test_silence_is_never_refused() -> None:
    approvals = Approvals(before=(Before.RELEASE,), by=("ben",), not_requester=True)
    assert refusal(Answer(REJECT, "t", timed_out=True), approvals, "eve") is None


def test_every_option_says_what_it_does_and_every_policy_has_one() -> None:
    assert set(meanings("westeurope", "1", "2")) == {str(choice) for choice in Choice}
    assert set(approval_meanings(None)) == {APPROVE, REJECT}
    assert {option_of(policy) for policy in POLICIES.values()} == set(POLICIES)
    assert OnFailure.ASK not in POLICIES.values()


# --- the spec


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("approvals: {before: []}", "approvals.before: is empty"),
        ("approvals: {before: [releas]}", "did you mean 'release'?"),
        ("approvals: {before: [release, release]}", "approvals.before[1]: is named twice"),
        ("approvals: {before: [release], by: [ann, ann]}", "approvals.by[1]: is named twice"),
        ("approvals: {by: [ann]}", "approvals.before: is missing"),
        ("approvals: {before: [release], expiry: 0s}", "approvals.expiry"),
        ("ask: {otherwise: ask}", "ask.otherwise"),
        ("ask: {otherwise: accept}", "ask.otherwise"),
        ("ask: {expiry: 30}", "has no unit"),
    ],
)
def test_a_fault_in_the_spec_is_said(lines: str, said: str) -> None:
    with pytest.raises(SpecError) as error:
        parse_service(f"{lines}\n{SMALLEST}", name="payments.yaml")
    assert said in str(error.value) and "payments.yaml:1" in str(error.value)


def test_the_spec_is_read() -> None:
    text = f"approvals: {{before: [release], by: [ann], expiry: 90m}}\non_failure: ask\n{SMALLEST}"
    service = parse_service(text, name="payments.yaml")
    assert service.on_failure is OnFailure.ASK
    assert service.ask.expiry == timedelta(minutes=30)
    assert service.approvals == Approvals(before=(Before.RELEASE,), by=("ann",), expiry=timedelta(minutes=90))
