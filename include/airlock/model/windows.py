"""When a service may be released: ``windows`` and ``freezes`` of a spec.

A window opens on days of the week between two local times; a freeze closes whole local days. Both
name their time zone. What they make together is in ``include.airlock.model.opening``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, Field, model_validator

from include.airlock.model.days import WEEKDAYS, CalendarDate, Days, parse_days
from include.airlock.model.fields import Checked, Closed, Text, Word
from include.airlock.model.local_time import TimeZone, days_around, moment
from include.airlock.model.wording import fault, nearest, shown

_DAY = timedelta(days=1)
_DAY_MINUTES = 24 * 60

_HOURS = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_CLOCK = "a local time has two digits for the hour and two for the minute"


class Interval(NamedTuple):
    """The time from ``start`` on and before ``end``, both aware and in UTC."""

    start: datetime
    end: datetime


class _Weekday(Checked):
    def check(self, value: str) -> str:
        if value not in WEEKDAYS:
            raise fault(f"{shown(value)} is not a day of the week; {nearest(value, WEEKDAYS)}")
        return value

    def json(self) -> dict[str, object]:
        return {"type": "string", "enum": list(WEEKDAYS)}


def _each_once(words: tuple[str, ...]) -> tuple[str, ...]:
    for index, word in enumerate(words):
        if word in words[:index]:
            raise fault(f"{shown(word)} stands here twice", index)
    return words


class Window(Closed):
    """A time in which releases may run, week after week.

    It opens on each of `days` at `opens` and closes at `closes`: on the next day where that is not
    later. Local times go by `time_zone`, summer time included.
    """

    days: Annotated[
        tuple[Annotated[str, _Weekday()], ...],
        Field(min_length=1, max_length=7),
        AfterValidator(_each_once),
    ] = Field(description="Days of the week on which it opens.")
    opens: Annotated[str, Word(_HOURS, _CLOCK, longest=5, example="20:00")] = Field(
        description="Local time when it opens."
    )
    closes: Annotated[str, Word(rf"{_HOURS}|24:00", _CLOCK, longest=5, example="22:00")] = Field(
        description="Local time when it closes, `24:00` for the end of the day; not after `opens` means on "
        "the next day."
    )
    time_zone: TimeZone = Field(description="Time zone of the local times, by its IANA name.")
    every_weeks: Annotated[int, Field(ge=1, le=52, strict=True)] = Field(
        1, description="2 for every other week, and so on; weeks begin on Monday."
    )
    anchor: CalendarDate | None = Field(
        None,
        description="A date on which it opens, past or to come: weeks are counted from its week, in both "
        "directions. Needed when `every_weeks` is more than 1.",
    )

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if self.opens == self.closes:
            raise fault(
                f"{shown(self.closes)} is when it opens; for a whole day write 00:00 and 24:00", "closes"
            )
        if self.every_weeks > 1 and self.anchor is None:
            raise fault("is missing; every_weeks counts from it", "anchor")
        if self.anchor is None:
            return self
        if self.every_weeks == 1:
            raise fault("says nothing without every_weeks; a window can't be told to start later", "anchor")
        day = WEEKDAYS[date.fromisoformat(self.anchor).weekday()]
        if day not in self.days:
            raise fault(f"{self.anchor} is a {day}, which is not among its days", "anchor")
        return self

    def intervals(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """Give each opening that touches the time from ``start`` to ``end``, whole and in order."""
        day, last = days_around(start, end, self.time_zone)
        opens, closes = _minutes(self.opens), _minutes(self.closes)
        closes += _DAY_MINUTES if closes <= opens else 0
        while day <= last:
            if self._opens_on(day):
                found = Interval(moment(day, opens, self.time_zone), moment(day, closes, self.time_zone))
                # It is empty where the clocks skip all of it.
                if found.start < found.end and found.start < end and found.end > start:
                    yield found
            day += _DAY

    def _opens_on(self, day: date) -> bool:
        if WEEKDAYS[day.weekday()] not in self.days:
            return False
        if self.anchor is None:
            return True
        weeks = (_monday(day) - _monday(date.fromisoformat(self.anchor))).days // 7
        return weeks % self.every_weeks == 0

    @property
    def about(self) -> str:
        """The window in words: ``tuesday 20:00–22:00 Europe/London, every 2 weeks``."""
        weeks = f", every {self.every_weeks} weeks" if self.every_weeks > 1 else ""
        return f"{_listed(self.days)} {self.opens}–{self.closes} {self.time_zone}{weeks}"


def _minutes(written: str) -> int:
    hour, _, minute = written.partition(":")
    return int(hour) * 60 + int(minute)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _listed(days: tuple[str, ...]) -> str:
    """Give ``monday–friday`` for days that follow one another, else ``tuesday, thursday``."""
    numbers = sorted(WEEKDAYS.index(day) for day in days)
    if len(numbers) > 2 and all(after == before + 1 for before, after in pairwise(numbers)):
        return f"{WEEKDAYS[numbers[0]]}–{WEEKDAYS[numbers[-1]]}"
    return ", ".join(WEEKDAYS[number] for number in numbers)


class Freeze(Closed):
    """Whole local days on which no release may run, whatever the windows say."""

    dates: Annotated[tuple[Days, ...], Field(min_length=1, max_length=100), AfterValidator(_each_once)] = (
        Field(
            description="The days: dates, days of the year, ranges of these, `every friday`, "
            "`last friday of every month`."
        )
    )
    time_zone: TimeZone = Field(description="Time zone whose midnights begin and end the days.")
    reason: Annotated[str, Text(200)] = Field(description="Why; shown to everybody who has to wait for it.")

    def intervals(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """Give the freeze's times that touch ``start`` to ``end``, whole; they may overlap."""
        first, last = days_around(start, end, self.time_zone)
        for rule in map(parse_days, self.dates):
            for begins, ends in rule.ranges(first, last):
                found = Interval(
                    moment(begins, 0, self.time_zone), moment(ends, _DAY_MINUTES, self.time_zone)
                )
                if found.start < found.end and found.start < end and found.end > start:
                    yield found

    def recurring(self) -> Self | None:
        """Give the freeze with those of its days only that come again for ever; None without any."""
        dates = tuple(each for each in self.dates if parse_days(each).recurs)
        return self.model_copy(update={"dates": dates}) if dates else None

    @property
    def about(self) -> str:
        """The freeze in words: ``Christmas (12-20..01-03 Europe/London)``."""
        more = f" and {len(self.dates) - 3} more" if len(self.dates) > 3 else ""
        return f"{self.reason} ({', '.join(self.dates[:3])}{more} {self.time_zone})"
