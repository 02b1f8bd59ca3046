"""The gate before a place: it starts only when its expected time fits before the window closes.

The decision is pure; around it stand what it is asked with and what becomes of its answer. Only the
first step of a lane asks, so nothing that has begun is ever held up, and no way back is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from include.airlock.errors import Refused, WindowClosed
from include.airlock.model.opening import Calendar, Closed
from include.airlock.model.record import Phase, RegionRecord
from include.airlock.model.service_base import WhenClosed
from include.airlock.release.step import Later

if TYPE_CHECKING:
    from include.airlock.release.run import ReleaseRun

REMEMBERED = 10
"""How many past releases of a place its expected time is the median of."""

FIRST_TIME_S = 900.0
"""Seconds, beside the bake, that a place is expected to take when no past release tells: 15 minutes."""


@dataclass(frozen=True)
class Go:
    """It may start now; ``despite`` says what an override set aside, None when nothing stood in the way."""

    despite: str | None = None


@dataclass(frozen=True)
class WaitUntil:
    """It may not start before ``moment``; asked again then."""

    moment: datetime
    why: str


@dataclass(frozen=True)
class Stop:
    """The release ends before it; ``why`` says when it could start next."""

    why: str


def gate(
    calendar: Calendar, now: datetime, expected_s: float, override: str | None, when_closed: WhenClosed
) -> Go | WaitUntil | Stop:
    """Say whether a place may start ``now`` that is expected to take so many seconds.

    An ``override`` (its reason) lets it start at any time.

    Raises:
        ValueError: ``now`` has no time zone, or ``expected_s`` is negative.
    """
    if calendar.fits(now, expected_s):
        return Go()
    why = _why(calendar, now, expected_s)
    if override:
        return Go(despite=why)
    moment = calendar.first_fit(now, expected_s)
    if moment is None:
        return Stop(f"{why}; no window of the next ten years is long enough")
    if when_closed is WhenClosed.WAIT:
        return WaitUntil(moment, why)
    return Stop(f"{why}; it can start next at {shown(moment)}")


def _why(calendar: Calendar, now: datetime, expected_s: float) -> str:
    state = calendar.open_at(now)
    if isinstance(state, Closed):
        return state.why
    assert state.until is not None, "it would fit"
    return f"its expected {_minutes(expected_s)} do not fit before the window closes at {shown(state.until)}"


def shown(moment: datetime) -> str:
    """A moment for people: ``2026-11-24 20:00 UTC``."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def expected_seconds(run: ReleaseRun, name: str) -> float:
    """How long a place takes: the median of its last accepted releases, else its bake and 15 minutes."""
    past = run.ledger.seconds_taken(name, most=REMEMBERED)
    return median(past) if past else run.service.bake.total_seconds() + FIRST_TIME_S


def hold(run: ReleaseRun, region: RegionRecord) -> Later | None:
    """Let a place start that nothing was done in yet, or tell when to ask again; what was said is kept.

    Raises:
        WindowClosed: the release ends before this place.
    """
    answer = answer_at(run, region.name, _now())
    if isinstance(answer, Stop):
        raise WindowClosed(answer.why)
    if isinstance(answer, WaitUntil):
        until = answer.moment.isoformat()
        if region.waits_until != until:
            region.waits_until, region.closed = until, None
            run.save(region, f"waits for its window until {shown(answer.moment)}: {answer.why}")
        return Later((answer.moment - _now()).total_seconds())
    region.waits_until = region.closed = None
    if answer.despite is not None:
        text = f"starts although {answer.despite}; overridden: {run.request.window_override}"
        if all(event.text != text for event in region.events):
            run.save(region, text)
    return None


def note_closed(run: ReleaseRun, name: str, fault: Refused) -> None:
    """Keep that the release ended before a place: nothing failed there, and nothing is to be brought back."""
    region = run.region(name)
    region.phase, region.failure, region.waits_until = Phase.WAITING, None, None
    if region.closed == str(fault):
        return
    region.closed = str(fault)
    run.save(region, f"does not start: {fault}")


def remark(run: ReleaseRun, *, after: str | None = None) -> str | None:
    """What the gate would say now of the next place, in a sentence; None when it lets it start.

    The next place is the first that is not accepted, or the first asked one after ``after``.
    """
    if not run.service.has_windows:
        return None
    region = _next(run, after)
    if region is None or region.touched or region.phase not in (Phase.WAITING, Phase.CHECKED):
        return None
    answer = answer_at(run, region.name, _now())
    if isinstance(answer, WaitUntil):
        return f"{region.name} waits for its window until {shown(answer.moment)}: {answer.why}"
    if isinstance(answer, Stop):
        return f"{region.name} may not start now: {answer.why}"
    return None


def _next(run: ReleaseRun, after: str | None) -> RegionRecord | None:
    regions = [region for region in run.record().regions if region.phase is not Phase.NOT_ASKED]
    if after is not None:
        names = [region.name for region in regions]
        return next(iter(regions[names.index(after) + 1 :]), None)
    return next((region for region in regions if region.phase is not Phase.ACCEPTED), None)


def answer_at(run: ReleaseRun, name: str, moment: datetime) -> Go | WaitUntil | Stop:
    """Say whether a place of a release may start at a moment, by the spec's calendar and past releases."""
    service = run.service
    calendar = service.calendar(name)
    if not (calendar.windows or calendar.freezes):
        return Go()
    expected = expected_seconds(run, name)
    return gate(calendar, moment, expected, run.request.window_override, service.when_closed)


def _now() -> datetime:
    return datetime.now(UTC)
