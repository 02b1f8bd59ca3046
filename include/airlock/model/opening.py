"""When the doors are open: a service's windows without its freezes, as moments.

Pure: the time is always given, never read. Moments go in aware, of any time zone, and come out in UTC.
Without windows the doors are always open, but for the freezes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from include.airlock.model.windows import Freeze, Interval, Window

HORIZON = timedelta(days=3653)
"""How far is looked ahead, and back: ten years. What is beyond is never."""
_FIRST_LOOK = timedelta(days=16)
_CHECKED_FROM = datetime(2026, 1, 1, tzinfo=UTC)
MAX_SHOWN = 5


@dataclass(frozen=True)
class Open:
    """A release may start and go on before ``until``; None: nothing closes the doors within ten years."""

    until: datetime | None


@dataclass(frozen=True)
class Closed:
    """No release may start before ``opens`` (None: not within ten years); ``why`` is a sentence's end."""

    opens: datetime | None
    why: str


@dataclass(frozen=True)
class Calendar:
    """The windows and freezes that hold for one place, or for a whole service."""

    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()

    def intervals(self, start: datetime, end: datetime) -> tuple[Interval, ...]:
        """Give the open times from ``start`` to ``end``: in order, apart from one another, cut at both ends.

        Raises:
            ValueError: a moment has no time zone.
        """
        start, end = _in_utc(start), _in_utc(end)
        if start >= end:
            return ()
        windows = [each for window in self.windows for each in window.intervals(start, end)]
        opened = _joined(windows) if self.windows else [Interval(start, end)]
        frozen = _joined(each for freeze in self.freezes for each in freeze.intervals(start, end))
        cut = (Interval(max(each.start, start), min(each.end, end)) for each in _without(opened, frozen))
        return tuple(each for each in cut if each.start < each.end)

    def open_at(self, moment: datetime) -> Open | Closed:
        """Say whether the doors are open at a moment, and until when, or from when and why not.

        Raises:
            ValueError: the moment has no time zone.
        """
        moment = _in_utc(moment)
        found = next(self._following(moment), None)
        if found is None or found.start > moment:
            return Closed(found.start if found else None, self._why(moment))
        return Open(found.end if found.end < moment + HORIZON else None)

    def next_opening(self, after: datetime) -> datetime | None:
        """Give the first moment later than ``after`` at which the doors open; None: not within ten years.

        Doors that are open at ``after`` have to close first.

        Raises:
            ValueError: the moment has no time zone.
        """
        after = _in_utc(after)
        return next((each.start for each in self._following(after) if each.start > after), None)

    def open_since(self, moment: datetime) -> datetime | None:
        """Give when the doors opened that are open at a moment.

        None: they are closed, or have been open for more than ten years.

        Raises:
            ValueError: the moment has no time zone.
        """
        moment, look = _in_utc(moment), _FIRST_LOOK
        # The shortest time after it, so that doors that open or close right then are judged rightly.
        soon = moment + timedelta(microseconds=1)
        while True:
            found = self.intervals(moment - look, soon)
            if not found or found[-1].end < soon:
                return None
            if found[-1].start > moment - look:
                return found[-1].start
            if look >= HORIZON:
                return None
            look = min(look * 2, HORIZON)

    def fits(self, moment: datetime, seconds: float) -> bool:
        """Say whether the doors are open at a moment and stay open for so many seconds; the end may touch.

        Raises:
            ValueError: the moment has no time zone, or ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError(f"{seconds} seconds are no time that could fit")
        state = self.open_at(moment)
        if isinstance(state, Closed):
            return False
        return state.until is None or _in_utc(moment) + timedelta(seconds=seconds) <= state.until

    def first_fit(self, moment: datetime, seconds: float) -> datetime | None:
        """Give the first moment, not before ``moment``, from which the doors stay open for so many seconds.

        None: there is none within ten years.

        Raises:
            ValueError: the moment has no time zone.
        """
        need = timedelta(seconds=seconds)
        found = (each.start for each in self._following(_in_utc(moment)) if each.end - each.start >= need)
        return next(found, None)

    def ever_opens(self) -> bool:
        """Say whether the doors open at all, once all dated freezes are over; this asks no clock."""
        recurring = tuple(each for freeze in self.freezes if (each := freeze.recurring()))
        if not recurring:
            return True
        anchors = [
            datetime.fromisoformat(each.anchor).replace(tzinfo=UTC) for each in self.windows if each.anchor
        ]
        start = max((_CHECKED_FROM, *anchors))
        return next(replace(self, freezes=recurring)._following(start), None) is not None

    @property
    def about(self) -> str:
        """The windows in words; ``always`` without any."""
        shown = "; ".join(each.about for each in self.windows[:MAX_SHOWN])
        more = len(self.windows) - MAX_SHOWN
        return (f"{shown}; and {more} more" if more > 0 else shown) or "always"

    def _why(self, moment: datetime) -> str:
        soon = moment + timedelta(microseconds=1)
        frozen = [each.about for each in self.freezes if any(each.intervals(moment, soon))]
        return f"frozen: {'; '.join(frozen[:MAX_SHOWN])}" if frozen else f"outside the windows: {self.about}"

    def _following(self, start: datetime) -> Iterator[Interval]:
        """Give the open times from ``start`` to the horizon, each whole; the search widens as it goes."""
        begin, look, last = start, _FIRST_LOOK, start + HORIZON
        held: Interval | None = None
        while begin < last:
            end = min(begin + look, last)
            for each in self.intervals(begin, end):
                if held is not None and held.end == each.start:
                    held = Interval(held.start, each.end)
                    continue
                if held is not None:
                    yield held
                held = each
            if held is not None and held.end < end:
                yield held
                held = None
            begin, look = end, look * 2
        if held is not None:
            yield held


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no time zone")
    there = moment.astimezone(UTC)
    # A plain one: Airflow gives pendulum's, whose sums lose the time zone that ``astimezone`` gave them.
    return datetime.combine(there.date(), there.time(), UTC)


def _joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Give the times covered by any of them, in order, those that overlap or touch as one."""
    joined: list[Interval] = []
    for each in sorted(intervals):
        if joined and each.start <= joined[-1].end:
            joined[-1] = Interval(joined[-1].start, max(joined[-1].end, each.end))
        else:
            joined.append(each)
    return joined


def _without(opened: Iterable[Interval], frozen: list[Interval]) -> Iterator[Interval]:
    """Give what is open and not frozen; both are in order and apart."""
    past = 0
    for each in opened:
        start = each.start
        while past < len(frozen) and frozen[past].end <= start:
            past += 1
        for freeze in islice(frozen, past, None):
            if freeze.start >= each.end:
                break
            if start < freeze.start:
                yield Interval(start, freeze.start)
            start = freeze.end
        if start < each.end:
            yield Interval(start, each.end)
