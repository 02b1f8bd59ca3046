"""Releases for tests of announcing: records as the steps of a release would leave them."""

from __future__ import annotations

from typing import Any

from include.airlock.model.record import Event, Outcome, Phase, RegionRecord, ReleaseRecord

RUN = "https://airflow.example/dags/release_payments/runs/CHG-1001?tab=graph&x=1"


def event(n: int, text: str, *, minute: int = 0, kind: str = "info") -> Event:
    """The n-th event of a list, ``minute`` minutes into the release."""
    return Event(n=n, at=f"2026-11-21T10:{minute:02d}:{n:02d}.000+00:00", text=text, kind=kind)


def region(name: str, phase: Phase = Phase.WAITING, events: int = 0, **fields: Any) -> RegionRecord:
    """A region with so many events, each with a text of its own."""
    known = [event(n, f"step {n} in {name}.") for n in range(1, events + 1)]
    builds = {"old_build": "2026.11.1", "new_build": "2026.11.2"} if phase is not Phase.WAITING else {}
    return RegionRecord.model_validate({"name": name, "phase": phase, "events": known, **builds, **fields})


def release(*regions: RegionRecord, events: int = 0, **fields: Any) -> ReleaseRecord:
    """A release of payments 2026.11.2 with so many events of its own."""
    known = {
        "release": "CHG-1001",
        "dag": "release_payments",
        "service": "payments",
        "build": "2026.11.2",
        "change_request": "CHG-1001",
        "reason": "new rates",
        "requested_by": "alice",
        "on_failure": "roll_back_region",
        "started_at": "2026-11-21T10:00:00.000+00:00",
        "url": RUN,
        "regions": list(regions),
        "events": [event(n, f"note {n} of the release.") for n in range(1, events + 1)],
    }
    return ReleaseRecord.model_validate({**known, **fields})


def story() -> list[ReleaseRecord]:
    """One release of two regions, as it stands at each moment when it is told."""
    return [
        release(region("west"), region("north")),
        release(region("west", Phase.CHANGED, 2), region("north"), events=1),
        release(region("west", Phase.ACCEPTED, 4), region("north", Phase.CHECKED, 1), events=1),
        release(
            region("west", Phase.ACCEPTED, 4),
            region("north", Phase.ACCEPTED, 14),
            events=2,
            outcome=Outcome.RELEASED,
            ended_at="2026-11-21T10:09:00.000+00:00",
        ),
    ]
