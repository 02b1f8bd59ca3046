"""What the calendar promises by name, in many zones and near changes of the clocks, by ``dateutil.rrule``."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from dateutil import rrule
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.airlock.model.days import WEEKDAYS
from include.airlock.model.opening import Calendar, Closed, Open
from include.airlock.model.windows import Freeze, Window
from tests.unit.model.windows_oracle import (
    DAY,
    MINUTE,
    ZONES,
    clock,
    dates,
    first_moment,
    frozen_days,
    midnight,
    openings,
    scenes,
    written,
)

TICK = timedelta(microseconds=1)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
PLACES = ZONES.flatmap(lambda zone: st.tuples(st.just(zone), dates(zone)))


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(scenes(), st.integers(-3 * 1440, 3 * 1440))
def test_a_freeze_never_applies_outside_its_dates(scene: tuple[Calendar, date], minutes: int) -> None:
    """Given windows and freezes, then what freezes take away is where a clock shows a date of theirs."""
    calendar, day = scene
    at = datetime.combine(day, time(), UTC) + minutes * MINUTE
    unfrozen = isinstance(Calendar(calendar.windows).open_at(at), Open)
    shown = ((freeze, clock(at, freeze.time_zone).date()) for freeze in calendar.freezes)
    frozen = any(
        today in frozen_days(entry, today - DAY, today + DAY)
        for freeze, today in shown
        for entry in freeze.dates
    )
    assert isinstance(calendar.open_at(at), Open) == (unfrozen and not frozen)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(PLACES, st.integers(1, 1439), st.data())
def test_a_window_over_midnight_is_one(where: tuple[str, date], opens: int, data: st.DataObject) -> None:
    """Given a window that closes before it opens, then it opens on its day, closes on the next, in one."""
    zone, day = where
    closes = data.draw(st.integers(0, opens - 1))
    window = Window(
        days=(WEEKDAYS[day.weekday()],), opens=written(opens), closes=written(closes), time_zone=zone
    )
    start, end = first_moment(midnight(day) - 2 * DAY, zone), first_moment(midnight(day) + 3 * DAY, zone)
    found = Calendar((window,)).intervals(start, end)
    assert [tuple(each) for each in found] == list(openings(window, day - 2 * DAY, day + 2 * DAY))
    for opened in found:
        # On the next day the clocks are short of the time at which it closes.
        assert clock(opened.start, zone) >= midnight(day) + opens * MINUTE
        assert clock(opened.end - TICK, zone).date() <= day + DAY
        state = Calendar((window,)).open_at(opened.start + (opened.end - opened.start) / 2)
        assert state == Open(opened.end)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(
    PLACES,
    st.integers(2, 52),
    st.integers(1, 30 * 365),
    st.lists(st.sampled_from(WEEKDAYS), max_size=6, unique=True),
)
def test_an_anchor_in_the_past_counts_on(
    where: tuple[str, date], weeks: int, ago: int, more: list[str]
) -> None:
    """Given an anchor up to decades back, then the window opens in each so-and-so-many-th week since."""
    zone, day = where
    anchor = max(day - ago * DAY, date(2000, 1, 1))  # dates begin then
    days = {WEEKDAYS[anchor.weekday()], *more}
    window = Window(
        days=tuple(days),
        opens="12:00",
        closes="13:00",
        time_zone=zone,
        every_weeks=weeks,
        anchor=anchor.isoformat(),
    )
    last = day + weeks * 7 * DAY
    rule = rrule.rrule(
        rrule.WEEKLY,
        dtstart=datetime.combine(anchor, time(12)),
        interval=weeks,
        wkst=rrule.MO,
        byweekday=[WEEKDAYS.index(each) for each in days],
    )
    expected = [first_moment(each, zone) for each in rule.between(midnight(day), midnight(last))]
    opened = Calendar((window,)).intervals(
        first_moment(midnight(day), zone), first_moment(midnight(last), zone)
    )
    assert [each.start for each in opened] == expected
    assert expected


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(PLACES, ZONES, st.integers(3, 20), st.integers(0, 20), st.integers(-20, 20), st.booleans())
def test_two_overlapping_freezes_close_until_the_later_end(
    where: tuple[str, date], other: str, length: int, after: int, longer: int, yearly: bool
) -> None:
    """Given two freezes of any zones that overlap, then it is closed from the first begin to the last end."""
    zone, first = where
    one = (first, first + length * DAY)
    # Two days of one are in both at least, so that no two zones' midnights keep them apart.
    begun = min(after, length - 2)
    two = (first + begun * DAY, first + max(begun + 2, length + longer) * DAY)
    freezes = (_freeze(*one, zone, "one", yearly), _freeze(*two, other, "two", False))
    begins = min(first_moment(midnight(each[0]), where) for each, where in ((one, zone), (two, other)))
    ends = max(first_moment(midnight(each[1] + DAY), where) for each, where in ((one, zone), (two, other)))
    calendar = Calendar((), freezes)
    assert calendar.open_at(begins - TICK) == Open(begins)
    for at in (begins, begins + (ends - begins) / 2, ends - TICK):
        state = calendar.open_at(at)
        assert isinstance(state, Closed) and state.opens == ends
    both = calendar.open_at(first_moment(midnight(two[0] + DAY), zone))
    assert isinstance(both, Closed) and "one" in both.why and "two" in both.why
    assert isinstance(calendar.open_at(ends), Open)


def _freeze(begins: date, ends: date, zone: str, reason: str, yearly: bool) -> Freeze:
    written_as = f"{begins}..{ends}"
    if yearly and "02-29" not in written_as:
        written_as = f"{begins.isoformat()[5:]}..{ends.isoformat()[5:]}"
    return Freeze(dates=(written_as,), time_zone=zone, reason=reason)
