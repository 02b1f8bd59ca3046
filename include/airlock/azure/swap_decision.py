"""What to do next about a swap: pure decisions over what was observed.

A swap is not idempotent: the same request again puts the old build back. So nothing here
trusts an answer alone; where the two builds are is told by the builds that answer, by the
``deploymentId`` that travels with the content, and by ``slotSwapStatus``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from include.airlock.azure.arm import Answer
from include.airlock.azure.sites import SlotState
from include.airlock.model.record import SwapIntent

MOST_POSTS = 3
"""Requests for one swap, each but the first after proof that the one before did nothing."""

SIGNS_LAG = 60.0
"""Seconds for which the signs may disagree after a swap: routing switches before the operation
ends (13 s in the recorded swap), and ~20 s of 503 after a good swap were reported."""


class Placement(StrEnum):
    """Where the two builds of a swap are."""

    SWAPPED = "swapped"
    UNTOUCHED = "untouched"
    SWAPPED_BACK = "swapped back"
    FOREIGN = "foreign"
    UNCLEAR = "unclear"


class Reply(StrEnum):
    """What an answer to the swap, or to a look at its operation, means."""

    ACCEPTED = "accepted"
    FINISHED = "finished"
    BUSY = "busy"
    PREPARED = "prepared"
    THROTTLED = "throttled"
    TRANSIENT = "transient"
    BROKEN = "broken"
    REFUSED = "refused"
    GONE = "gone"
    LOST = "lost"


class Move(StrEnum):
    """What to do next."""

    SEND = "send"
    WAIT = "wait"
    RESET = "reset"
    DONE = "done"
    STOP = "stop"


_MAY_STILL_START = (None, Reply.LOST, Reply.FINISHED, Reply.ACCEPTED, Reply.GONE)
"""After these the request may yet show: no answer is known, or the operation's end is not."""


@dataclass(frozen=True)
class World:
    """Both slots as seen now; a build is None where the status page could not be read."""

    production: SlotState
    staging: SlotState
    production_build: str | None
    staging_build: str | None

    @property
    def operation(self) -> str | None:
        """The operation that runs on either slot, or None."""
        return self.production.operation or self.staging.operation


@dataclass(frozen=True)
class Timing:
    """Seconds: ``timeout`` for the whole swap, ``settle`` until a request without an answer
    would have shown a sign of itself."""

    timeout: float
    settle: float


@dataclass(frozen=True)
class Decision:
    """The move and, in a sentence, why. ``untouched``: it is proved that nothing was swapped."""

    move: Move
    why: str
    untouched: bool = False


def classify(answer: Answer | None) -> Reply:
    """What an answer means (facts: Microsoft.Web's errors for SwapSiteSlots); None is no answer."""
    if answer is None or answer.status >= 500 or answer.status == 408:
        return Reply.LOST
    said = f"{answer.code} {answer.message}".lower()
    if answer.status < 300:
        return Reply.ACCEPTED if answer.status == 202 else Reply.FINISHED
    if answer.status == 409:
        return Reply.PREPARED if "prepared for swap" in said else Reply.BUSY
    if answer.status == 400:
        return _bad_request(said)
    table = {417: Reply.TRANSIENT, 429: Reply.THROTTLED, 404: Reply.GONE}
    return table.get(answer.status, Reply.REFUSED)


def _bad_request(said: str) -> Reply:
    if "could not be started" in said:
        return Reply.BROKEN
    return Reply.TRANSIENT if "changed during the swap" in said else Reply.REFUSED


def placement(intent: SwapIntent, world: World) -> Placement:
    """Where the two builds are, compared with where they were when the swap was meant."""
    production = _vote(world.production_build, intent.staging.build, intent.production.build)
    staging = _vote(world.staging_build, intent.production.build, intent.staging.build)
    if "foreign" in (production, staging):
        return Placement.FOREIGN
    moved = world.production.swapped_at != intent.swapped_at
    votes = {vote for vote in (production, staging, _id_vote(intent, world)) if vote}
    if votes == {"swapped"} and (production or moved):
        return Placement.SWAPPED
    if votes == {"untouched"} and staging:  # what would be swapped in must have said its build
        return Placement.SWAPPED_BACK if moved else Placement.UNTOUCHED
    return Placement.UNCLEAR


def _vote(seen: str | None, after: str | None, before: str | None) -> str | None:
    """What one build says of a swap; None where it says nothing."""
    if seen is None:
        return None
    if seen == after:
        return "swapped"
    return "untouched" if seen == before else "foreign"


def _id_vote(intent: SwapIntent, world: World) -> str | None:
    """What ``deploymentId`` says. Only a clear yes or no counts: what else changes it is not documented."""
    new, old = intent.staging.deployment_id, intent.production.deployment_id
    seen = world.production.deployment_id
    if not new or not old or new == old or seen not in (new, old):
        return None
    return "swapped" if seen == new else "untouched"


def decide(intent: SwapIntent, world: World, timing: Timing, now: float) -> Decision:
    """The next move for a swap whose operation is not known to run; ``now`` in epoch seconds."""
    late = overdue(intent, timing, now)
    if world.operation:
        if late:
            return Decision(Move.STOP, f"operation {world.operation} still runs after {timing.timeout:g} s")
        return Decision(Move.WAIT, f"operation {world.operation} is in progress")
    where = placement(intent, world)
    if where is Placement.SWAPPED:
        return Decision(Move.DONE, f"{intent.expected} answers in production")
    if where is Placement.UNTOUCHED:
        return _untouched(intent, timing, now, late=late)
    if where is Placement.UNCLEAR:
        patience = max(timing.settle, SIGNS_LAG if intent.posts else 0.0)
        why = f"it can't be told whether the slots were swapped: {_signs(world)}"
    else:
        patience = min(timing.settle, SIGNS_LAG)
        why = _contradiction(where, intent, world)
    if (intent.posts or where is Placement.UNCLEAR) and _quiet(intent, now) < patience:
        return Decision(Move.WAIT, f"the signs may lag behind: {_signs(world)}")
    return Decision(Move.STOP, why)


def overdue(intent: SwapIntent, timing: Timing, now: float) -> bool:
    """Whether the last request (or, before one was taken, the wish) is older than one swap may take."""
    return now - (intent.posted_at or intent.since) > timing.timeout


def _quiet(intent: SwapIntent, now: float) -> float:
    """Seconds since this side last did or heard anything about the swap."""
    return now - max(intent.posted_at or intent.since, intent.heard_at or intent.since)


def _untouched(intent: SwapIntent, timing: Timing, now: float, *, late: bool) -> Decision:
    """Nothing has moved and nothing runs: may the request be sent (again)?"""
    reply = None if intent.reply is None else Reply(intent.reply)
    quiet = _quiet(intent, now)
    if intent.posts and reply in _MAY_STILL_START and quiet < timing.settle:
        return Decision(
            Move.WAIT, f"no sign of the swap yet; {timing.settle - quiet:.0f} s until that is proof"
        )
    if reply is Reply.FINISHED:
        said = f"the platform reported success, yet production still answers {intent.production.build}"
        return Decision(Move.STOP, said, untouched=True)
    if reply in (Reply.BROKEN, Reply.REFUSED):
        return Decision(Move.STOP, "the platform refused the swap, and nothing was swapped", untouched=True)
    if late and reply is not None:  # without any, the worker died at it: that says nothing of the platform
        return Decision(
            Move.STOP, f"the platform did not take the swap within {timing.timeout:g} s", untouched=True
        )
    if intent.posts >= MOST_POSTS:
        return Decision(Move.STOP, f"asked {intent.posts} times, and nothing was swapped", untouched=True)
    if reply is Reply.PREPARED:
        return Decision(Move.RESET, "a swap with preview was left behind")
    return Decision(Move.SEND, "proved: no request so far did anything" if intent.posts else "not asked yet")


def _contradiction(where: Placement, intent: SwapIntent, world: World) -> str:
    if where is Placement.SWAPPED_BACK:
        said = f"a swap is recorded at {world.production.swapped_at}, yet the builds are where they were"
        return f"{said}: it was undone by somebody, or never done; {_signs(world)}"
    pair = f"{intent.production.build} and {intent.staging.build}"
    return f"a build that is neither of {pair} answers: {_signs(world)}"


def _signs(world: World) -> str:
    production, staging = (
        world.production_build or "nothing readable",
        world.staging_build or "nothing readable",
    )
    return f"production answers {production}, staging answers {staging}"
