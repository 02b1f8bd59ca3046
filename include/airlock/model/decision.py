"""What a release asks people and how an answer is read: options, what each would do, who may answer. Pure.

The texts of the options are what Airflow shows on its buttons and takes over its REST API
(``PATCH …/hitlDetails``), so they never change for a question that was asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic_core import PydanticCustomError

from include.airlock.model.approvals import Approvals
from include.airlock.model.fields import Text
from include.airlock.model.service_base import OnFailure

APPROVE, REJECT = "Approve", "Reject"
"""The answers to a question for approval."""

WHY = "why"
"""The one field of every answer: its reason, in ``params_input`` over the REST API."""

REASON = Text(500, several_lines=True)
SHORTEST_WHY = 3

RELEASE = "release"
"""What a question is about that is no place's."""


class Choice(StrEnum):
    """The answers to what becomes of a region that failed."""

    RETRY = "Retry the check"
    ROLL_BACK_REGION = "Roll this region back"
    ROLL_BACK_RELEASE = "Roll all back"
    ACCEPT = "Accept with reason"
    HALT = "Halt"


POLICIES: dict[str, OnFailure] = {
    Choice.ROLL_BACK_REGION: OnFailure.ROLL_BACK_REGION,
    Choice.ROLL_BACK_RELEASE: OnFailure.ROLL_BACK_RELEASE,
    Choice.HALT: OnFailure.HALT,
}
"""What the way back does after each choice that ends the lane."""

NEEDS_WHY = (REJECT, Choice.ACCEPT)
"""Answers that are not taken without a reason."""


def option_of(policy: str) -> Choice:
    """The option that does what a policy says."""
    return Choice(next(option for option, does in POLICIES.items() if does == policy))


def approval_meanings(place: str | None) -> dict[str, str]:
    """What each answer to a question for approval would do; ``place`` is None for the whole release."""
    begun = f"{place} is changed" if place else "the regions are changed, one after the other"
    kept = "places done before keep the new build" if place else "nothing is touched"
    return {
        APPROVE: f"{begun}, after another look",
        REJECT: f"the release ends before that; {kept}; needs a reason",
    }


def meanings(place: str, old: str, new: str) -> dict[str, str]:
    """What each choice would do for a place that failed, in a sentence for people."""
    return {
        Choice.RETRY: f"the failed step looks again and goes on from what it finds in {place}; "
        "if that fails, you are asked again",
        Choice.ROLL_BACK_REGION: f"{place} gets {old} back, proved; places done before keep {new}; "
        "the service is locked",
        Choice.ROLL_BACK_RELEASE: f"{place} gets {old} back, then every place done before, last one first; "
        "the service is locked",
        Choice.ACCEPT: f"{place} counts as accepted with {new} and the release goes on; only where {new} is "
        "what answers now and nothing is half-done; needs a reason",
        Choice.HALT: f"{place} stays as it is, what can be made safe is; nothing is brought back; the "
        "service is locked",
    }


@dataclass(frozen=True)
class Answer:
    """What somebody answered, or the time did: ``fault`` says why it can't be taken as it is."""

    chosen: str
    at: str
    by: str | None = None
    by_id: str | None = None
    why: str | None = None
    timed_out: bool = False
    fault: str | None = None


def read_answer(event: Mapping[str, Any], options: tuple[str, ...], otherwise: str) -> Answer:
    """Read what Airflow gives a step that waited (``HITLDetail.as_resume_event_payload``).

    What is wrong with an answer is kept in ``fault``; a time-out is the answer ``otherwise``.
    """
    moment = event.get("responded_at")
    at = moment if isinstance(moment, datetime) else datetime.now(UTC)
    stamp = at.astimezone(UTC).isoformat(timespec="milliseconds")
    chosen = event.get("chosen_options") or []
    user: Mapping[str, Any] = event.get("responded_by_user") or {}
    # A default that Airflow hands out again, after a run that it lost, has no mark but that nobody gave it.
    by_nobody = not user and list(chosen) == [otherwise]
    if event.get("timedout") or event.get("error_type") == "timeout" or by_nobody:
        return Answer(otherwise, stamp, timed_out=True)
    by, by_id = _name(user.get("name")), _name(user.get("id"))
    if len(chosen) != 1 or chosen[0] not in options:
        given = _name(", ".join(map(str, chosen))) or "nothing"
        return Answer(given, stamp, by, by_id, fault="there is no such option")
    why, fault = _why(event.get("params_input"), needed=chosen[0] in NEEDS_WHY)
    return Answer(str(chosen[0]), stamp, by, by_id, why, fault=fault)


def _name(text: object) -> str | None:
    """A name as Airflow gives it, if it can be shown."""
    try:
        return Text(200).check(str(text)[:200]) if text is not None else None
    except PydanticCustomError:
        return None


def _why(texts: object, *, needed: bool) -> tuple[str | None, str | None]:
    """The reason of an answer, and what is wrong with it."""
    given = texts.get(WHY) if isinstance(texts, Mapping) else None
    if isinstance(given, str) and given.strip():
        try:
            why = REASON.check(given)
        except PydanticCustomError as error:
            return None, f"its reason {error.message()}"
        short = needed and len(why) < SHORTEST_WHY
        return why, f"its reason has fewer than {SHORTEST_WHY} characters" if short else None
    if given is not None and not isinstance(given, str):
        return None, "its reason is not text"
    return None, "it needs a reason" if needed else None


def refusal(answer: Answer, approvals: Approvals, requested_by: str | None) -> str | None:
    """Why this person's answer to a question for approval is not taken; None where it is.

    Airflow asks by the user's id, which some auth managers keep apart from the name; both are looked at.
    """
    if answer.timed_out:
        return None
    if answer.fault:
        return answer.fault
    names = {name for name in (answer.by, answer.by_id) if name}
    if approvals.by and not names & set(approvals.by):
        return f"only {', '.join(approvals.by)} may answer"
    if approvals.not_requester and answer.by is None:
        return "nobody's name was given, and who asked for the release may not answer"
    if approvals.not_requester and _name(requested_by) in names:
        return f"{requested_by} asked for the release, so somebody else must answer"
    return None
