"""Which days a freeze covers: a small closed grammar for dates, written as people say them.

==================================  =================================================
``2026-12-24``                      that day
``2026-11-24..2026-12-02``          from the first day to the last, both included
``12-25``                           that day of each year
``12-20..01-03``                    each year; it may pass the turn of the year
``every friday``                    that day of each week
``last friday of every month``       ``first`` to ``fourth`` or ``last``, a weekday or ``day``,
``first monday of january``         of ``every month`` or of one month
==================================  =================================================

A rule says days only; which moments they are depends on the freeze's time zone. 29 February is
nothing in a year that has none; a range from or to it goes from 1 March or to 28 February.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Annotated, Any

from include.airlock.model.fields import Checked
from include.airlock.model.wording import fault, nearest, shown

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
ORDINALS = ("first", "second", "third", "fourth", "last")
LONGEST_RANGE = 366
_EVERY_MONTH = "every month"
_DAY = timedelta(days=1)
_DATE = r"20[0-9]{2}-[0-9]{2}-[0-9]{2}"
_OF_YEAR = r"[0-9]{2}-[0-9]{2}"
_HINT = (
    "write 2026-12-24, 2026-11-24..2026-12-02, 12-25, 12-20..01-03, 'every friday' or "
    "'last friday of every month'"
)
Range = tuple[date, date]
"""A first and a last day, both included."""


class Rule:
    """Some days of the calendar."""

    recurs = True
    """Whether it comes again for ever."""

    def ranges(self, first: date, last: date) -> Iterator[Range]:
        """Give the rule's days as ranges that touch ``first`` to ``last``; they may reach beyond."""
        raise NotImplementedError


@dataclass(frozen=True)
class Dates(Rule):
    """Days of one year, or over one turn of the year."""

    first: date
    last: date
    recurs = False

    def ranges(self, first: date, last: date) -> Iterator[Range]:
        """Give the one range, where it touches."""
        if self.first <= last and first <= self.last:
            yield self.first, self.last


@dataclass(frozen=True)
class Yearly(Rule):
    """From a day to a day of each year, as (month, day); the last may be in the next year."""

    first: tuple[int, int]
    last: tuple[int, int]

    def ranges(self, first: date, last: date) -> Iterator[Range]:
        """Give one range for each year."""
        passes = self.first > self.last
        for year in range(first.year - 1, last.year + 1):
            begins = _day_of(year, *self.first) or date(year, 3, 1)
            ends = _day_of(year + passes, *self.last) or date(year + passes, 2, 28)
            if begins <= ends and begins <= last and first <= ends:
                yield begins, ends


@dataclass(frozen=True)
class Weekly(Rule):
    """One day of each week; Monday is 0."""

    weekday: int

    def ranges(self, first: date, last: date) -> Iterator[Range]:
        """Give each such day."""
        day = first + timedelta(days=(self.weekday - first.weekday()) % 7)
        while day <= last:
            yield day, day
            day += 7 * _DAY


@dataclass(frozen=True)
class Monthly(Rule):
    """The first, …, last (-1) weekday, or day (None), of one month (1 to 12) or of each (None)."""

    ordinal: int
    weekday: int | None
    month: int | None

    def ranges(self, first: date, last: date) -> Iterator[Range]:
        """Give one day for each month that counts."""
        month = first.replace(day=1)
        while month <= last:
            after = (month + 31 * _DAY).replace(day=1)
            day = self._day(month, after)
            if self.month in (None, month.month) and first <= day <= last:
                yield day, day
            month = after

    def _day(self, month: date, after: date) -> date:
        step = 1 if self.weekday is None else 7
        if self.ordinal < 0:
            end = after - _DAY
            return end if self.weekday is None else end - timedelta(days=(end.weekday() - self.weekday) % 7)
        begin = (
            month if self.weekday is None else month + timedelta(days=(self.weekday - month.weekday()) % 7)
        )
        return begin + self.ordinal * step * _DAY


def _day_of(year: int, month: int, day: int) -> date | None:
    """Give the day, or None where that year has no 29 February."""
    return None if (month, day) == (2, 29) and not _is_leap(year) else date(year, month, day)


def _is_leap(year: int) -> bool:
    return (date(year, 3, 1) - _DAY).day == 29


@lru_cache(maxsize=512)
def parse_days(written: str) -> Rule:
    """Read one entry of a freeze's ``dates``.

    Raises:
        PydanticCustomError: with a sentence that says what is wrong.
    """
    text = " ".join(written.lower().split())
    first, dots, last = (part.strip() for part in text.partition(".."))
    if re.fullmatch(_DATE, first) and (not dots or re.fullmatch(_DATE, last)):
        return _dates(written, _date(first), _date(last or first))
    if re.fullmatch(_OF_YEAR, first) and (not dots or re.fullmatch(_OF_YEAR, last)):
        return Yearly(_of_year(first), _of_year(last or first))
    if all(re.fullmatch(rf"{_DATE}|{_OF_YEAR}", end) for end in (first, last)):
        raise fault(f"{shown(written)} has a year at one end only; write it at both or at neither")
    words = text.split(" ")
    if words[0] == "every" and len(words) == 2:
        return Weekly(_among(words[1], WEEKDAYS, written))
    if len(words) >= 4 and words[2] == "of":
        return _monthly(words[0], words[1], " ".join(words[3:]), written)
    raise fault(f"{shown(written)} names no days; {_HINT}")


def _monthly(ordinal: str, day: str, month: str, written: str) -> Monthly:
    number = _among(ordinal, ORDINALS, written)
    weekday = None if day == "day" else _among(day, (*WEEKDAYS, "day"), written)
    of = None if month == _EVERY_MONTH else _among(month, (*MONTHS, _EVERY_MONTH), written) + 1
    return Monthly(-1 if ordinal == "last" else number, weekday, of)


def _among(word: str, words: tuple[str, ...], written: str) -> int:
    if word not in words:
        raise fault(f"{shown(written)}: {shown(word)} is not known; {nearest(word, words)}")
    return words.index(word)


def _dates(written: str, first: date, last: date) -> Dates:
    if last < first:
        raise fault(f"{shown(written)} ends before it begins")
    if (days := (last - first).days + 1) > LONGEST_RANGE:
        raise fault(f"{shown(written)} is {days} days long; {LONGEST_RANGE} is the most")
    return Dates(first, last)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise fault(f"{shown(text)} is not a date of the calendar") from None


def _of_year(text: str) -> tuple[int, int]:
    # In a leap year, so that 02-29 may be written.
    leap = _date_or_none(f"2024-{text}")
    if leap is None:
        raise fault(f"{shown(text)} is not a day of the year; write month and day, like 12-25")
    return leap.month, leap.day


def _date_or_none(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


class _Days(Checked):
    def check(self, value: str) -> str:
        if len(value) > LONGEST_TEXT:
            raise fault(f"{shown(value)} has more than {LONGEST_TEXT} characters")
        parse_days(value)
        return " ".join(value.lower().split())

    def json(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": LONGEST_TEXT, "examples": ["12-20..01-03"]}


class _CalendarDate(Checked):
    def check(self, value: str) -> str:
        if not re.fullmatch(_DATE, value):
            raise fault(f"{shown(value)} is not a date; write year, month and day, like 2026-11-03")
        _date(value)
        return value

    def json(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_DATE}$", "examples": ["2026-11-03"]}


LONGEST_TEXT = 60
Days = Annotated[str, _Days()]
"""One entry of a freeze's ``dates``, as written; ``parse_days`` reads it."""

CalendarDate = Annotated[str, _CalendarDate()]
"""A date of this century, as year, month and day."""
