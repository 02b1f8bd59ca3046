"""Local clocks: the moment a clock shows a time, also where clocks are put forward or back.

There is one rule for every case: a local time stands for the first moment at which the clocks there
show it, or are past it. So a time that the clocks skip is the moment of the jump, and of a time that
comes twice the first one counts. A later local time never gives an earlier moment.

The rules of the zones are the IANA time zone database's (https://www.iana.org/time-zones), read by
``zoneinfo`` from the system, or from the package ``tzdata`` where the system has none.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from include.airlock.model.fields import Checked
from include.airlock.model.wording import fault, shown

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

ZONE_PATTERN = r"UTC|[A-Z][A-Za-z0-9_+-]{0,30}(?:/[A-Z][A-Za-z0-9_+-]{0,30}){1,2}"
# "EST" and "CET" are zones as well, but not what people mean by them: EST never has summer time.
_RULE = "is not a time zone; write its IANA name, like Europe/London, or UTC"
LONGEST_ZONE = 50
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class _TimeZone(Checked):
    def check(self, value: str) -> str:
        if len(value) > LONGEST_ZONE or not re.fullmatch(ZONE_PATTERN, value):
            raise fault(f"{shown(value)} {_RULE}{_meant(value)}")
        if not _is_known(value):
            raise fault(f"{shown(value)} {_RULE}{_meant(value)}")
        return value

    def json(self) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": f"^(?:{ZONE_PATTERN})$",
            "maxLength": LONGEST_ZONE,
            "examples": ["Europe/London"],
        }


TimeZone = Annotated[str, _TimeZone()]
"""A time zone by its IANA name; a name that this system does not know is refused."""


def _is_known(name: str) -> bool:
    from zoneinfo import ZoneInfoNotFoundError

    try:
        zone(name)
    except (
        ZoneInfoNotFoundError,
        ValueError,
        OSError,
    ):  # OSError: the name of a folder, like America/Indiana
        return False
    return True


def _meant(given: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    names = [each for each in sorted(available_timezones()) if re.fullmatch(ZONE_PATTERN, each)]
    asked = given.strip().lower().replace(" ", "_")[:100]
    # "london" alone is known by the last part of a name.
    close = [each for each in names if each.rpartition("/")[2].lower() == asked]
    by_lower = {each.lower(): each for each in names}
    close = close or [by_lower[each] for each in get_close_matches(asked, by_lower, n=1, cutoff=0.75)]
    return f"; did you mean '{close[0]}'?" if close else ""


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Give the zone of an IANA name.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: this system does not know it.
    """
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def moment(day: date, minutes: int, name: str) -> datetime:
    """Give the moment (UTC) when clocks in a zone show a time of a day, by the rule of this module.

    ``minutes`` are those since midnight as the clock shows them; 1440 is the next day's midnight.
    """
    there = zone(name)
    local = datetime.combine(day, time()) + timedelta(minutes=minutes)
    # Where a time comes twice, fold=0 is the first; where it is skipped, fold=0 reckons by the old
    # offset and ends up after the jump (PEP 495), fold=1 by the new one and ends up before it.
    found = local.replace(tzinfo=there, fold=0).astimezone(UTC)
    if _shown_at(found, there) == local:
        return found
    return _jump(local, local.replace(tzinfo=there, fold=1).astimezone(UTC), found, there)


def _jump(local: datetime, before: datetime, after: datetime, there: ZoneInfo) -> datetime:
    """Give the moment of the jump that skips ``local``; offsets change at whole seconds."""
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if _shown_at(middle, there) < local:
            before = middle
        else:
            after = middle
    return after


def _shown_at(at: datetime, there: ZoneInfo) -> datetime:
    return at.astimezone(there).replace(tzinfo=None)


def days_around(start: datetime, end: datetime, name: str) -> tuple[date, date]:
    """Give the first and the last local day that may touch the time between two moments, with a margin.

    The margin is of two days before, since a window may have opened on the day before and a zone may
    skip a day (Pacific/Apia had no 30 December 2011), and of one after.
    """
    there = zone(name)
    return start.astimezone(there).date() - 2 * _DAY, end.astimezone(there).date() + _DAY
