"""Invariant 9 at every place where text from outside is taken or shown: whatever it is, it stays text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.announce import rendering
from include.airlock.announce.told import Kind, Pending
from include.airlock.announce.webhook import NAMES, idempotency_key, payload
from include.airlock.cli import planning as cli_planning
from include.airlock.cli import text as cli_text
from include.airlock.errors import RequestError
from include.airlock.model.approvals import Approvals, Before
from include.airlock.model.change_request import KEYS, ChangeRequest
from include.airlock.model.decision import APPROVE, REJECT, WHY, read_answer
from include.airlock.model.decision import refusal as answer_refusal
from include.airlock.model.loading import parse_service
from include.airlock.model.plan_report import PlanReport
from include.airlock.model.plan_words import in_words
from include.airlock.model.record import Event, Outcome, Phase, ReleaseRecord
from include.airlock.model.rollback import RollbackRequest
from include.airlock.model.visible import line, plain
from include.airlock.release import asking_words
from include.airlock.release.operators import summary
from include.airlock.release.record_file import record_file
from include.airlock.release.record_text import render
from include.airlock.release.unlocking import reason_of
from include.airlock.release.verdict import outcome_of
from include.airlock.web.status import status_of
from tests.unit.announce.releases import event, region, release
from tests.unit.announce.test_rendering import assert_harmless, assert_within_limits
from tests.unit.model.specs import example
from tests.unit.untrusted import NASTY, assert_markdown_is_text, assert_visible, hidden, poisoned

PAYMENTS = parse_service(example("payments"), name="payments.yaml")
AT = "2026-11-21T10:00:00.000+00:00"
every = pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())


TYPED = set("\r\u00ad\U000e0041")
"""A soft hyphen and a flag's letters may be typed; they are left out where they are shown."""


# --- what is taken


def refusal(take: Callable[[], object]) -> str | None:
    try:
        take()
    except RequestError as fault:
        return str(fault)
    return None


def assert_says_it_harmlessly(said: str) -> None:
    """One line, nothing invisible, and not the whole of what was typed."""
    assert_visible(said)
    assert "\n" not in said
    assert len(said) < 600


@every
@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("reason", "window_override")])
def test_what_has_a_form_is_refused(key: str, text: str) -> None:
    conf = {"build": "2026.11.2", key: [text] if key == "regions" else text}
    said = refusal(lambda: ChangeRequest.of(PAYMENTS, conf))
    assert said is not None
    assert f"{key}: " in said
    assert_says_it_harmlessly(said)


@every
def test_an_unknown_key_is_refused(text: str) -> None:
    said = refusal(lambda: ChangeRequest.of(PAYMENTS, {"build": "2026.11.2", text: text}))
    assert said is not None
    assert "unknown key" in said
    assert_says_it_harmlessly(said)


REASONS: dict[str, Callable[[str], str | None]] = {
    "release": lambda text: ChangeRequest.of(PAYMENTS, {"build": "2026.11.2", "reason": text}).reason,
    "rollback": lambda text: RollbackRequest.of(PAYMENTS, {"reason": text}).reason,
    "unlock": reason_of,
}


@every
@pytest.mark.parametrize("way", REASONS)
def test_a_reason_is_short_and_has_nothing_that_steers(way: str, text: str) -> None:
    """Given any text as a reason, then it is refused in one line, or kept as it is."""
    kept: list[str | None] = []
    said = refusal(lambda: kept.append(REASONS[way](text)))
    if said is not None:
        assert_says_it_harmlessly(said)
        return
    assert kept == [text]
    assert len(text) <= 500
    assert not hidden(text) - TYPED


@every
def test_the_reason_of_an_answer_is_the_same(text: str) -> None:
    event = {"chosen_options": [APPROVE], "params_input": {WHY: text}}
    answer = read_answer(event, (APPROVE, REJECT), REJECT)
    assert (answer.why is None) == (answer.fault is not None)
    assert_visible(answer.fault or "")
    assert len(answer.fault or "") < 200


@every
def test_an_option_or_a_name_that_is_none(text: str) -> None:
    event = {"chosen_options": [text], "responded_by_user": {"name": text, "id": text}}
    answer = read_answer(event, (APPROVE, REJECT), REJECT)
    assert answer.fault == "there is no such option"
    assert answer.by is None or (not hidden(answer.by) - TYPED and len(answer.by) <= 200)


@every
def test_the_release_that_a_rollback_names(text: str) -> None:
    said = refusal(lambda: RollbackRequest.of(PAYMENTS, {"reason": "it is bad", "release": text}))
    assert said is None or "release: " in said
    if said is not None:
        assert_says_it_harmlessly(said)


# --- what is shown


def benign() -> dict[str, Any]:
    """A release in which every text is set: failed, asked about, decided, undone."""
    west = region(
        "west",
        Phase.FAILED,
        2,
        failure="verify: x",
        stand="half",
        closed="frozen",
        refresh="was not refreshed",
        although="verify: x",
        looks=[event(1, "looked", kind="look")],
        started_at=AT,
        ended_at=AT,
    )
    decision = {"at": AT, "about": "west", "question": "May it?", "chosen": "Halt", "by": "bob", "why": "bad"}
    question = {
        **{"about": "west", "step": "west.verify", "text": "May it?", "options": ["Halt"], "asked_at": AT},
        **{"until": AT, "otherwise": "Halt", "who": ["bob"], "url": "https://airflow.example/x"},
    }
    rollback = {"run": "back-1", "by": "bob", "reason": "bad", "at": AT, "places": ["west"], "url": "x"}
    record = release(
        *(west, region("north", Phase.ACCEPTED, 1), region("south", Phase.STUCK, 1, failure="swap: x")),
        events=2,
        window_override="the certificate ends",
        sentence="it stopped",
        warnings=["a", "b", "c"],
        faults=[{"region": "west", "code": "x", "text": "y"}],
        outcome=Outcome.RUNNING,
        ended_at=AT,
        decisions=[decision, decision | {"refused": "no"}],
        question=question,
        rollback=rollback | {"outlook": {"west": "at once"}},
        train="evening",
        plan="abc",
    )
    return record.model_dump(mode="json")


KEEP = frozenset(
    ["phase", "outcome", "kind", "options", "otherwise", "at", "asked_at", "until", "started_at", "ended_at"]
)


def poison(text: str, **more: Any) -> ReleaseRecord:
    return ReleaseRecord.model_validate(poisoned(benign(), text, KEEP) | more)


def moments(text: str) -> Iterator[ReleaseRecord]:
    """The release as it runs, as it failed, and as it is undone."""
    yield poison(text)
    yield poison(text, outcome="halted", rollback=None, question=None)
    yield poison(text, outcome="rolled_back")


@every
def test_slack_shows_it_as_text(text: str) -> None:
    for record in moments(text):
        events = [(text, Event(n=n, at=AT, text=text)) for n in range(1, 12)]
        for message in (rendering.headline(record), rendering.ending(record), rendering.thread(events)):
            assert_within_limits(message)
            assert_harmless(message)
            for part in [message.text, json.dumps(message.blocks, ensure_ascii=False)]:
                assert_visible(part)


@every
def test_a_webhook_gets_it_as_data(text: str) -> None:
    for record in moments(text):
        for kind in NAMES:
            pending = Pending(kind=kind, mark="x", events=(("", 1),) if kind is Kind.EVENTS else ())
            body = payload(record, pending)
            assert json.loads(json.dumps(body)) == body
            assert_visible(body["text"])
            assert len(body["text"]) < 8000
            assert idempotency_key(record, pending).isprintable()
            assert len(idempotency_key(record, pending)) <= 200


@every
def test_the_record_file_keeps_its_lines(text: str) -> None:
    """Given any text, then the file has the lines and keys that it has with a harmless one."""
    for record, harmless in zip(moments(text), moments("x"), strict=True):
        written, meant = (render(record_file(one)) for one in (record, harmless))
        assert_visible(written)
        assert len(written.splitlines()) == len(meant.splitlines())
        assert [line.partition(":")[0] for line in written.splitlines() if line[:1].isalpha()] == [
            line.partition(":")[0] for line in meant.splitlines() if line[:1].isalpha()
        ]
        assert yaml.safe_load(written) == record_file(record).model_dump(mode="json")


@every
def test_the_status_of_a_release_is_data(text: str) -> None:
    for record in moments(text):
        told = status_of(record_file(record), record="https://x", overtaken={}, locked=None).model_dump_json()
        assert_visible(told)
        assert json.loads(told)["released"] is False


@every
def test_the_verdict_is_data(text: str) -> None:
    for record in moments(text):
        record.outcome, record.sentence = outcome_of(record)
        assert record.outcome is not Outcome.RELEASED
        assert json.loads(json.dumps(summary(record)))["outcome"] == record.outcome.value


@every
def test_a_question_shows_it_as_text(text: str) -> None:
    record = poison(text)
    assert record.question is not None
    meant = {"Halt": text, "Retry": text}
    for body in (
        asking_words.approval_body(record, None, record.question),
        asking_words.approval_body(record, text, record.question),
        asking_words.failure_body(record, record.question, meant),
    ):
        assert_markdown_is_text(body)
        assert len(body) < 40_000
    for subject in (asking_words.approval(record, text), asking_words.failure(text, text)):
        assert_visible(subject)
        assert "\n" not in subject
        assert len(subject) < 2000


def planned(text: str) -> PlanReport:
    call = {"n": 1, "place": text, "step": "swap", "call": text, "target": text, "body": {"build": text}}
    return PlanReport.model_validate(
        {
            **{"hash": "abc", "service": "payments", "build": text, "expected_s": 1.0, "made_by": text},
            **{"spec": {}, "request": {"on_failure": text}, "warnings": [text], "made_at": AT},
            "calls": [call],
            "places": [{"name": text, "builds": {"staging": text}, "facts": {text: text}}],
            "stages": [{"place": text, "step": "swap", "expected_s": 1.0}],
            "way_back": [{"place": text, "text": text, "calls": [call]}],
        }
    )


@every
def test_a_plan_keeps_its_lines(text: str) -> None:
    words = in_words(planned(text))
    assert_visible(words)
    assert len(words.splitlines()) == len(in_words(planned("x")).splitlines())


@every
def test_a_terminal_is_not_steered(text: str) -> None:
    assert_visible(cli_text.plain(text))
    assert "\n" not in cli_text.plain(text)
    assert_visible(cli_text.plain_lines(text))
    assert all(each.startswith("    ") for each in cli_text.plain_lines(text).split("\n")[1:])
    for shown in cli_planning.lines_of(planned(text).told(), 80):
        assert_visible(shown)
        assert "\n" not in shown


@pytest.mark.parametrize("name", ["ann", "a" * 250, "a\x1b[0m"], ids=["plain", "long", "odd"])
def test_who_asked_may_not_approve_whatever_their_name_is(name: str) -> None:
    approvals = Approvals(before=(Before.RELEASE,), not_requester=True)
    event = {"chosen_options": [APPROVE], "responded_by_user": {"id": "3", "name": name}}
    assert answer_refusal(read_answer(event, (APPROVE, REJECT), REJECT), approvals, name) is not None
    other = event | {"responded_by_user": {"id": "4", "name": "bob"}}
    assert answer_refusal(read_answer(other, (APPROVE, REJECT), REJECT), approvals, name) is None


@given(st.text(st.characters(), max_size=300))
def test_whatever_is_shown_is_one_visible_line(text: str) -> None:
    for shown in (plain(text, 100), line(text), cli_text.plain(text, 100), asking_words.escaped(text, 100)):
        assert_visible(shown)
        assert len(shown.splitlines()) < 2
    assert len(plain(text, 100)) <= 100
