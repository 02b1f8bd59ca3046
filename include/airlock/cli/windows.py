"""``airlock window``: whether a service may be released now, by its spec on disk; asks no Airflow."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from include.airlock.cli.ending import Exit, bad_input
from include.airlock.cli.specs import service_of
from include.airlock.cli.text import duration, moment
from include.airlock.model.opening import Calendar, Open
from include.airlock.model.service import Service
from include.airlock.model.wording import nearest, shown


@dataclass(frozen=True)
class Doors:
    """The doors of one place at a moment; ``until`` and ``opens`` are None for never within ten years."""

    place: str
    open: bool
    until: datetime | None
    opens: datetime | None
    why: str | None
    zone: str | None

    def sentence(self, now: datetime) -> str:
        """``westeurope: open until …`` or ``westeurope: closed, opens at …``."""
        if self.open:
            return (
                f"{self.place}: open {f'until {self._at(self.until, now)}' if self.until else 'at any time'}"
            )
        opens = f"opens at {self._at(self.opens, now)}" if self.opens else "does not open within ten years"
        return f"{self.place}: closed, {opens}; {self.why}"

    def _at(self, at: datetime, now: datetime) -> str:
        local = f", {at.astimezone(ZoneInfo(self.zone)):%H:%M} {self.zone}" if self.zone else ""
        return f"{moment(at)}{local} (in {duration((at - now).total_seconds())})"

    def as_json(self) -> dict[str, Any]:
        """The same for machines: ISO 8601 in UTC, or null."""
        return {
            "place": self.place,
            "open": self.open,
            "until": self.until.isoformat() if self.until else None,
            "opens": self.opens.isoformat() if self.opens else None,
            "why": self.why,
        }


def window(options: argparse.Namespace) -> Exit:
    """Say for each place until when it is open, or when it opens and why it is closed.

    Raises:
        CannotGoOn: there is no such service or place, or the spec is wrong.
    """
    service = service_of(options, options.service)
    now = _moment(options.on)
    doors = [doors_of(service.calendar(place), place, now) for place in _asked(options, service)]
    if options.json:
        said = {
            "service": service.service,
            "at": now.isoformat(),
            "places": [each.as_json() for each in doors],
        }
        print(json.dumps(said))
        return Exit.DONE
    for each in doors:
        print(each.sentence(now))
    return Exit.DONE


def doors_of(calendar: Calendar, place: str, now: datetime) -> Doors:
    """How the doors of a place stand at a moment."""
    found = calendar.open_at(now)
    zones = [*(each.time_zone for each in calendar.windows), *(each.time_zone for each in calendar.freezes)]
    zone = zones[0] if zones else None
    if isinstance(found, Open):
        return Doors(place, True, found.until, None, None, zone)
    return Doors(place, False, None, found.opens, found.why, zone)


def _asked(options: argparse.Namespace, service: Service) -> tuple[str, ...]:
    for place in options.region or ():
        if place not in service.places:
            raise bad_input(
                f"--region: {shown(place)} is not a {service.place_word}; {nearest(place, service.places)}"
            )
    return tuple(place for place in service.places if not options.region or place in options.region)


def _moment(written: str | None) -> datetime:
    if written is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise bad_input(f"--on: {shown(written)} is no moment like 2026-11-03T20:00+00:00") from None
    if at.tzinfo is None:
        raise bad_input(f"--on: {written} has no time zone; write {written}Z for UTC")
    return at.astimezone(UTC)
