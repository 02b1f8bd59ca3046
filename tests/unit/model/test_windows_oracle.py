"""Windows and freezes against an oracle that shares nothing with them (``windows_oracle``)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.airlock.model.local_time import moment
from include.airlock.model.opening import Calendar, Open
from tests.unit.model.windows_oracle import (
    DAY,
    MINUTE,
    MINUTES,
    ZONES,
    Oracle,
    clock,
    dates,
    first_moment,
    frozen_days,
    midnight,
    scenes,
)

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(ZONES.flatmap(lambda zone: st.tuples(st.just(zone), dates(zone))), MINUTES)
def test_a_local_time_is_the_first_moment_at_which_clocks_show_it_or_are_past_it(
    where: tuple[str, date], minutes: int
) -> None:
    zone, day = where
    assert moment(day, minutes, zone) == first_moment(midnight(day) + minutes * MINUTE, zone)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(scenes())
def test_each_moment_is_open_or_closed_as_the_oracle_has_it(scene: tuple[Calendar, date]) -> None:
    """Given any calendar, then right before, at and between all edges of some days both say the same."""
    calendar, day = scene
    oracle = Oracle(calendar, day - 3 * DAY, day + 3 * DAY)
    start, end = (datetime.combine(each, time(), UTC) for each in (oracle.first, oracle.last))
    edges = [start, *(each for each in oracle.edges() if start < each < end), end]
    found = calendar.intervals(start, end)
    for one, two in pairwise(edges):
        for at in (one, one + (two - one) / 2, two - timedelta(microseconds=1)):
            expected = oracle.is_open(at)
            assert any(each.start <= at < each.end for each in found) == expected, at
            assert isinstance(calendar.open_at(at), Open) == expected, at


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(scenes(), st.integers(-2 * 1440, 2 * 1440))
def test_what_is_said_of_later_is_so_then(scene: tuple[Calendar, date], minutes: int) -> None:
    """Given any moment, then until what it says nothing changes, and there it changes."""
    calendar, day = scene
    now = datetime.combine(day, time(), UTC) + minutes * MINUTE
    state = calendar.open_at(now)
    change = state.until if isinstance(state, Open) else state.opens
    following = calendar.next_opening(now)
    if change is None:
        assert following is None
        return
    assert change > now
    assert type(calendar.open_at(change)) is not type(state)
    assert type(calendar.open_at(change - timedelta(microseconds=1))) is type(state)
    if isinstance(state, Open):
        seconds = (change - now).total_seconds()
        assert calendar.fits(now, seconds) and not calendar.fits(now, seconds + 1)
        assert following is None or following > change
        assert calendar.open_since(change) is None
        since = calendar.open_since(now)
        assert since is None or (since <= now and calendar.open_since(since) == since)
    else:
        assert following == change
        assert calendar.open_since(now) is None and not calendar.fits(now, 0)
        assert calendar.open_since(change) == change


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(scenes(), st.integers(1, 60 * 24 * 12))
def test_open_times_are_in_order_apart_and_the_same_in_pieces(
    scene: tuple[Calendar, date], minutes: int
) -> None:
    calendar, day = scene
    start = datetime.combine(day, time(), UTC) - 6 * DAY
    middle, end = start + minutes * MINUTE, start + 12 * DAY
    whole = calendar.intervals(start, end)
    assert all(start <= each.start < each.end <= end for each in whole)
    assert all(one.end < two.start for one, two in pairwise(whole))
    pieces = [*calendar.intervals(start, middle), *calendar.intervals(middle, end)]
    joined = [each for each in pieces if middle not in (each.start, each.end)]
    assert set(joined) <= set(whole)
    assert sum((each.end - each.start for each in pieces), timedelta()) == sum(
        (each.end - each.start for each in whole), timedelta()
    )


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(scenes(), st.integers(-3 * 1440, 3 * 1440))
def test_a_freeze_closes_its_dates_and_nothing_else(scene: tuple[Calendar, date], minutes: int) -> None:
    """Given freezes and no windows, then a moment is closed exactly on the dates that the clocks show."""
    calendar, day = scene
    only = Calendar((), calendar.freezes)
    at = datetime.combine(day, time(), UTC) + minutes * MINUTE
    shown = [(clock(at, freeze.time_zone).date(), freeze) for freeze in only.freezes]
    frozen = any(
        today in frozen_days(entry, today - 9 * DAY, today + 9 * DAY)
        for today, freeze in shown
        for entry in freeze.dates
    )
    assert isinstance(only.open_at(at), Open) == (not frozen)
