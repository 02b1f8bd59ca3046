"""A region failed and the policy is to ask: the question, and what each answer leads to."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from include.airlock.errors import AirlockError
from include.airlock.model.decision import Answer, Choice, meanings, option_of
from include.airlock.model.record import Question
from include.airlock.release.asking import Asked, asks_about, decide, decision_of, page_of, put, settle, until
from include.airlock.release.asking_words import failure, failure_body
from include.airlock.release.ledger import now
from include.airlock.release.place import OpenPlace
from include.airlock.release.run import ReleaseRun

_LONGEST_FAILURE = 600


class _Again(Enum):
    RETRY = "retry"


RETRY = _Again.RETRY
"""The answer is to perform the step again."""


def ask_about(run: ReleaseRun, name: str, step: str, fault: AirlockError, *, last_try: bool) -> Asked | None:
    """The question that a failed step of a lane waits with; None where it simply fails."""
    if not asks_about(run, name, fault, last_try=last_try):
        return None
    record, ask = run.record(), run.service.ask
    why = f"{step.rpartition('.')[2]}: {fault}"[:_LONGEST_FAILURE]
    question = Question(
        about=name,
        step=step,
        text=failure(name, why),
        options=[str(choice) for choice in Choice],
        asked_at=now(),
        until=until(ask.expiry),
        otherwise=str(option_of(ask.otherwise)),
        url=page_of(record, step),
    )
    return _asked(run, question)


def _asked(run: ReleaseRun, question: Question) -> Asked:
    put(run, question)
    region = run.region(question.about)
    told = meanings(question.about, region.old_build or "its old build", run.request.build)
    return Asked(question, failure_body(run.record(), question, told))


def take(
    run: ReleaseRun, name: str, open_place: OpenPlace, question: Question, answer: Answer
) -> Asked | str | Literal[_Again.RETRY]:
    """What an answer leads to: ``RETRY``, the sentence of an acceptance, or the question again.

    Raises:
        Decided: the lane ends, and the way back does what was chosen.
    """
    if answer.fault is not None:
        return _not_taken(run, question, answer, answer.fault)
    decision = decision_of(question, answer)
    if answer.chosen == Choice.RETRY:
        settle(run, decision)
        return RETRY
    if answer.chosen == Choice.ACCEPT:
        from include.airlock.release.accepting import accept

        try:
            accept(run, name, open_place, decision)
        except AirlockError as fault:
            return _not_taken(run, question, answer, str(fault))
        return f"accepted by {answer.by or 'somebody'}: {answer.why}"
    raise decide(run, name, decision)


def _not_taken(run: ReleaseRun, question: Question, answer: Answer, why: str) -> Asked:
    """Keep an answer that can't be taken, and ask again for what is left of the time."""
    settle(run, decision_of(question, answer, refused=why))
    return _asked(run, question.model_copy(update={"remark": why}))
