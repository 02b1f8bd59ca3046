"""Questions to people: put by the step that needs the answer, decided here, remembered in the ledger.

A question stands in the release's record while it waits, a decision for good. A decision is stored
before anything follows from it, so that a step that runs again does not ask for it twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from include.airlock.errors import AirlockError, Decided, Locked, NotApproved, Overtaken, Refused
from include.airlock.model.approvals import Before
from include.airlock.model.decision import APPROVE, POLICIES, RELEASE, Answer
from include.airlock.model.record import Decision, Event, Phase, Question, RegionRecord, ReleaseRecord
from include.airlock.model.service import OnFailure
from include.airlock.release.ledger import now

if TYPE_CHECKING:
    from include.airlock.release.run import ReleaseRun

KEPT_DECISIONS = 200
"""Answers that one release remembers: whoever may answer may answer wrongly as often as he likes."""


@dataclass(frozen=True)
class Asked:
    """A step's result: it waits for an answer to ``question``; ``body`` says more, in Markdown."""

    question: Question
    body: str


def until(expiry: timedelta) -> str:
    """The moment from which nobody's answer is waited for any more, ISO 8601."""
    return (datetime.now(UTC) + expiry).isoformat(timespec="milliseconds")


def page_of(record: ReleaseRecord, step: str) -> str | None:
    """Where a step's question is answered in Airflow, below its run's page."""
    return f"{record.url}/tasks/{step}/required_actions" if record.url else None


def seconds_left(question: Question) -> float:
    """How long a question still waits; 0 when its time is over."""
    return max(0.0, (datetime.fromisoformat(question.until) - datetime.now(UTC)).total_seconds())


def put(run: ReleaseRun, question: Question) -> None:
    """Store a question as the one that waits, with a line for people."""
    record = run.record()
    record.question = question
    again = f"That answer was not taken: {question.remark}. " if question.remark else ""
    who = f" by {', '.join(question.who)}" if question.who else ""
    ends = f"{question.until[:16].replace('T', ' ')} UTC"
    text = f"{again}{question.text} Waits for an answer{who} until {ends}; then: {question.otherwise}"
    _note(run, record, question.about, text)
    run.ledger.save_header(record)


def open_question(run: ReleaseRun, step: str) -> Question | None:
    """The question that ``step`` has put and that nobody answered yet."""
    question = run.record().question
    return question if question is not None and question.step == step else None


def stands(run: ReleaseRun, tries: int) -> None:
    """Airflow has the question now, for a step that it tries so often at most (a Clear adds to that)."""
    record = run.record()
    assert record.question is not None, "it was put before"
    record.question.tries = tries
    run.ledger.save_header(record)


def forget_question(run: ReleaseRun, *about: str) -> None:
    """No question about these waits: the step that put one begins anew, or was ended by hand."""
    record = run.record()
    if record.question is not None and record.question.about in about:
        record.question = None
        run.ledger.save_header(record)


def decision_of(question: Question, answer: Answer, *, refused: str | None = None) -> Decision:
    """What an answer comes to; ``refused`` says why it is not taken."""
    return Decision(
        at=answer.at,
        about=question.about,
        question=question.text,
        chosen=answer.chosen,
        by=answer.by,
        why=answer.why,
        timed_out=answer.timed_out,
        refused=refused,
        plan=question.plan,
        tries=question.tries,
    )


def settle(run: ReleaseRun, decision: Decision) -> None:
    """Keep a decision and take its question away; doing it again changes nothing."""
    record = run.record()
    if decision not in record.decisions:
        record.decisions = [*record.decisions, decision][-KEPT_DECISIONS:]
        _note(run, record, decision.about, decision.said)
    if decision.refused is None:
        record.question = None
    run.ledger.save_header(record)


def _note(run: ReleaseRun, record: ReleaseRecord, about: str, text: str) -> None:
    """A line for people: among the release's own, which the caller stores, or a region's."""
    if about == RELEASE:
        record.events.append(Event(n=len(record.events) + 1, at=now(), text=text))
    else:
        run.save(run.region(about), text)


def last_taken(run: ReleaseRun, about: str) -> Decision | None:
    """The last answer about the release or a place that was taken."""
    taken = [each for each in run.record().decisions if each.about == about and each.refused is None]
    return taken[-1] if taken else None


def approval_of(run: ReleaseRun, about: str) -> Decision | None:
    """The approval of the release or a place that holds now: one for another plan does not."""
    given = last_taken(run, about)
    holds = given is not None and given.chosen == APPROVE and given.plan == run.record().plan
    return given if holds else None


def must_be_approved(run: ReleaseRun, name: str) -> None:
    """A place is begun only with the approvals that the spec demands: a step marked as done is none.

    Raises:
        NotApproved: names what is not approved.
    """
    before = run.service.approvals.before if run.service.approvals else ()
    wanted = {Before.RELEASE: (RELEASE, "approve"), Before.EACH_REGION: (name, f"{name}.approve")}
    for about, step in (wanted[each] for each in before):
        if approval_of(run, about) is None:
            what = "the release as it is planned now" if about == RELEASE else name
            raise NotApproved(f"nobody has approved {what}; clear the step {step}")


def asks_about(run: ReleaseRun, name: str, fault: AirlockError, *, last_try: bool) -> bool:
    """Whether a failure of a lane's step is for people to decide on.

    Not where the step may be tried again, was refused before it looked, or the place is on its way back.
    """
    if run.request.on_failure is not OnFailure.ASK or isinstance(
        fault, (Decided, Locked, NotApproved, Overtaken)
    ):
        return False
    if type(fault) is Refused or (fault.retryable and not last_try):
        return False
    phase = run.region(name).phase
    return phase not in (Phase.ACCEPTED, Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.STUCK)


def begin_decided(run: ReleaseRun, name: str) -> None:
    """A lane's step starts: what was decided of its place holds until the way back has begun to obey it.

    Raises:
        Decided: the place goes no further; the way back is next.
    """
    if run.request.on_failure is not OnFailure.ASK:
        return
    forget_question(run, name)
    region = run.region(name)
    if region.decision is None:
        return
    if region.phase is Phase.ACCEPTED:
        settle(run, region.decision)
        return
    if not region.obeyed and region.decision.chosen in POLICIES:
        settle(run, region.decision)
        raise Decided(f"{region.failure}; {region.decision.said}")
    region.decision, region.obeyed = None, False
    run.save(region)


def decide(run: ReleaseRun, name: str, decision: Decision) -> Decided:
    """Store what becomes of a failed place; answers the error that ends its lane."""
    region = run.region(name)
    region.decision, region.obeyed = decision, False
    run.save(region)
    settle(run, decision)
    return Decided(f"{region.failure}; {decision.said}")


def policy_of(run: ReleaseRun, name: str) -> OnFailure:
    """What becomes of a place that was not accepted: as decided, or as asked for, or the safe choice."""
    asked = run.request.on_failure
    if asked is not OnFailure.ASK:
        return asked
    decision = run.region(name).decision
    if decision is None:
        return OnFailure(run.service.ask.otherwise)
    return POLICIES.get(decision.chosen, OnFailure(run.service.ask.otherwise))


def policy_of_release(run: ReleaseRun) -> OnFailure:
    """What becomes of the places done before: the policy of the place that failed.

    Without a decision that is the first one not accepted; a way back that has begun does not change it.
    """
    left = [r for r in run.record().regions if r.phase not in (Phase.ACCEPTED, Phase.NOT_ASKED)]
    failed = next((region for region in left if region.decision is not None), next(iter(left), None))
    return run.request.on_failure if failed is None else policy_of(run, failed.name)


def obey(run: ReleaseRun, region: RegionRecord) -> None:
    """The way back begins: what was decided is acted on, and a Clear of the lane asks anew."""
    if region.decision is not None and not region.obeyed:
        region.obeyed = True
        run.save(region)
