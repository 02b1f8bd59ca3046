"""An oracle of windows and freezes that shares nothing with them, and what it is asked.

It finds days by ``dateutil.rrule``, and the moment of a local time by looking at the clock of every
minute until it shows that time or is past it. Moments are drawn near the days when clocks change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from dateutil import rrule
from hypothesis import strategies as st

from include.airlock.model.days import MONTHS, ORDINALS, WEEKDAYS
from include.airlock.model.local_time import ZONE_PATTERN
from include.airlock.model.opening import Calendar
from include.airlock.model.windows import Freeze, Window

HOUR, DAY, MINUTE = timedelta(hours=1), timedelta(days=1), timedelta(minutes=1)
FIRST, LAST = date(2024, 1, 1), date(2030, 12, 31)
ALL_ZONES = sorted(each for each in available_timezones() if re.fullmatch(ZONE_PATTERN, each))
# Two hours, half an hour, at midnight, negative summer time, twice a year for Ramadan, and none.
STRANGE = ["Antarctica/Troll", "Australia/Lord_Howe", "America/Havana", "Europe/Dublin", "Africa/Casablanca"]
STRANGE += ["Atlantic/Azores", "America/Nuuk", "America/Santiago", "Asia/Beirut", "Asia/Kathmandu", "UTC"]
STRANGE += ["Europe/London", "America/New_York", "Pacific/Auckland", "Pacific/Chatham", "America/St_Johns"]


# --- the oracle


def clock(at: datetime, zone: str) -> datetime:
    """What a clock shows there."""
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def first_moment(local: datetime, zone: str) -> datetime:
    """The first minute at which the clocks show a local time or are past it, looked for minute by minute."""
    around = [local.replace(tzinfo=UTC) + hours * HOUR for hours in range(-40, 41, 4)]
    offsets = [at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta() for at in around]
    at = local.replace(tzinfo=UTC) - max(offsets) - HOUR
    while clock(at, zone) < local:
        at += MINUTE
    return at


def openings(window: Window, first: date, last: date) -> Iterator[tuple[datetime, datetime]]:
    """The openings of a window on the days from first to last, by ``rrule``."""
    begins = time.fromisoformat(window.opens)
    ends = time.fromisoformat(window.closes.replace("24:00", "00:00"))
    start = date.fromisoformat(window.anchor) if window.anchor else first
    start -= start.weekday() * DAY
    while start > first:  # an anchor to come counts backwards as well
        start -= window.every_weeks * 7 * DAY
    days = rrule.rrule(
        rrule.WEEKLY,
        interval=window.every_weeks,
        wkst=rrule.MO,
        byweekday=[WEEKDAYS.index(each) for each in window.days],
        dtstart=datetime.combine(start, begins),
        until=datetime.combine(last, time.max),
    )
    for opens in days.between(datetime.combine(first, time()), datetime.combine(last, time.max), inc=True):
        closes = datetime.combine(opens.date() + (DAY if ends <= begins else timedelta()), ends)
        found = first_moment(opens, window.time_zone), first_moment(closes, window.time_zone)
        if found[0] < found[1]:
            yield found


def frozen_days(entry: str, first: date, last: date) -> set[date]:
    """The days of one entry of a freeze, by ``rrule`` or by comparing dates as text."""
    days = [first + number * DAY for number in range((last - first).days + 1)]
    begins, _, ends = entry.partition("..")
    ends = ends or begins
    if re.fullmatch(r"\d{4}-.*", entry):
        return {day for day in days if begins <= day.isoformat() <= ends}
    if re.fullmatch(r"\d\d-.*", entry):
        shown = {day: day.isoformat()[5:] for day in days}
        if begins <= ends:
            return {day for day in days if begins <= shown[day] <= ends}
        return {day for day in days if shown[day] >= begins or shown[day] <= ends}
    return {
        each.date() for each in _rule(entry.split(), first).between(midnight(first), midnight(last), inc=True)
    }


def midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def _rule(words: list[str], first: date) -> rrule.rrule:
    start = datetime(first.year, 1, 1)
    if len(words) == 2:
        return rrule.rrule(rrule.WEEKLY, dtstart=start, byweekday=WEEKDAYS.index(words[1]))
    number = -1 if words[0] == "last" else ORDINALS.index(words[0]) + 1
    months = None if words[-1] == "month" else MONTHS.index(words[-1]) + 1
    if words[1] == "day":
        return rrule.rrule(rrule.MONTHLY, dtstart=start, bymonth=months, bymonthday=number)
    weekday = rrule.weekday(WEEKDAYS.index(words[1]))(number)
    return rrule.rrule(rrule.MONTHLY, dtstart=start, bymonth=months, byweekday=weekday)


@dataclass
class Oracle:
    """Which moments from ``first`` to ``last`` are open, by the oracle."""

    calendar: Calendar
    first: date
    last: date

    def __post_init__(self) -> None:
        early, late = self.first - 3 * DAY, self.last + 3 * DAY
        self.opened = [each for one in self.calendar.windows for each in openings(one, early, late)]
        self.frozen = [
            (freeze.time_zone, set().union(*(frozen_days(each, early, late) for each in freeze.dates)))
            for freeze in self.calendar.freezes
        ]

    def is_open(self, at: datetime) -> bool:
        """Look at each window and at the date that each freeze's clock shows."""
        inside = not self.calendar.windows or any(start <= at < end for start, end in self.opened)
        return inside and not any(clock(at, zone).date() in days for zone, days in self.frozen)

    def edges(self) -> list[datetime]:
        """Every moment at which anything could change, in order."""
        found = {each for pair in self.opened for each in pair}
        for zone, _ in self.frozen:
            days = (self.last - self.first).days + 4
            found |= {first_moment(midnight(self.first + n * DAY), zone) for n in range(-3, days)}
        return sorted(found)


# --- what is drawn


@cache
def changes(zone: str) -> list[date]:
    """The days when clocks change there."""
    days = [FIRST + number * DAY for number in range((LAST - FIRST).days)]
    offsets = [datetime.combine(day, time(), UTC).astimezone(ZoneInfo(zone)).utcoffset() for day in days]
    return [day for day, (one, two) in zip(days, pairwise(offsets), strict=False) if one != two]


def dates(zone: str) -> st.SearchStrategy[date]:
    """Any day, more often one near a change of the clocks."""
    anywhere = st.dates(FIRST, LAST)
    if not changes(zone):
        return anywhere
    near = st.builds(
        lambda day, by: day + by * DAY, st.sampled_from(changes(zone)), st.integers(min_value=-2, max_value=2)
    )
    return st.one_of(near, near, anywhere)


ZONES = st.one_of(st.sampled_from(STRANGE), st.sampled_from(ALL_ZONES))
# Quarters of an hour in the small hours, where clocks change, and any minute.
MINUTES = st.one_of(st.integers(0, 16).map(lambda quarter: quarter * 15), st.integers(0, 1439))


def written(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def windows(draw: st.DrawFn, zone: str | None = None) -> Window:
    """Any window; its anchor lies before, within or after the days that are looked at."""
    opens = draw(MINUTES)
    closes = draw(st.one_of(MINUTES, st.just(1440)).filter(lambda each: each != opens))
    days = draw(st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=7, unique=True))
    weeks = draw(st.sampled_from([1, 1, 2, 2, 3, 5]))
    anchor = None
    if weeks > 1:
        near = draw(st.dates(date(2015, 1, 1), date(2045, 1, 1)))
        anchor = near + (WEEKDAYS.index(days[0]) - near.weekday()) % 7 * DAY
    return Window(
        days=tuple(days),
        opens=written(opens),
        closes=written(closes),
        time_zone=zone or draw(ZONES),
        every_weeks=weeks,
        anchor=anchor and anchor.isoformat(),
    )


OF_YEAR = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: day.isoformat()[5:])


@st.composite
def entries(draw: st.DrawFn, near: date) -> str:
    """Any entry of a freeze, often one that matters near a day."""
    begins = near + draw(st.integers(-4, 4)) * DAY
    ends = begins + draw(st.integers(0, 5)) * DAY
    number, weekday = draw(st.sampled_from(ORDINALS)), draw(st.sampled_from((*WEEKDAYS, "day")))
    month = draw(st.sampled_from((*MONTHS, "every month")))
    return draw(
        st.sampled_from(
            [
                begins.isoformat(),
                f"{begins}..{ends}",
                begins.isoformat()[5:],
                f"{begins.isoformat()[5:]}..{ends.isoformat()[5:]}",
                f"{draw(OF_YEAR)}..{draw(OF_YEAR)}",
                f"every {draw(st.sampled_from(WEEKDAYS))}",
                f"{number} {weekday} of {month}",
            ]
        )
    )


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Calendar, date]:
    """A calendar with a day to look at: windows and freezes in one zone or in several."""
    zone = draw(ZONES)
    day = draw(dates(zone))
    near = st.one_of(st.just(zone), ZONES)
    opened = draw(st.lists(near.flatmap(windows), max_size=3))
    frozen = draw(
        st.lists(
            st.builds(
                Freeze,
                dates=st.lists(entries(day), min_size=1, max_size=3, unique=True).map(tuple),
                time_zone=near,
                reason=st.just("because"),
            ),
            max_size=3,
        )
    )
    return Calendar(tuple(opened), tuple(frozen)), day
