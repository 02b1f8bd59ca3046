"""The services with windows that the end-to-end tests release: their specs, also while the tests run.

No clock is moved: a test writes windows around the present moment into a spec, as a person would.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from include.local.api import AirflowApi
from tests.end_to_end.world import NORTH, WEST, Json, spec

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
AGREED, SPLIT = "calendar_agreed", "calendar_split"
QUEUED, WAITING, STOPPED, URGENT = "window_queued", "window_waiting", "window_stopped", "window_urgent"
UNDONE = (STOPPED,)
"""Services that have the DAG of a rollback as well."""

_SLACK: Json = {"slack": {"connection": "slack_default", "channel": "#releases"}}
_BY_CALENDAR: Json = {"scheduled": {"build": "staging"}, "announce": _SLACK}
FAR_DAYS = 3


def window(opens: datetime, minutes: int = 60) -> Json:
    """A window that opens at a moment of today, and every week again; less than 24 hours long."""
    at = opens.astimezone(UTC)
    closes = at + timedelta(minutes=minutes)
    return {
        "days": [WEEKDAYS[at.weekday()]],
        "opens": f"{at:%H:%M}",
        "closes": f"{closes:%H:%M}",
        "time_zone": "UTC",
    }


def shut() -> Json:
    """A window that neither is open now nor opens while the tests run."""
    return window(datetime.now(UTC) + timedelta(days=FAR_DAYS))


def open_now() -> Json:
    """A window that has been open for some minutes."""
    return window(datetime.now(UTC) - timedelta(minutes=10), minutes=300)


def frozen(reason: str) -> Json:
    """A freeze of yesterday, today and tomorrow."""
    today = datetime.now(UTC).date()
    days = [today + timedelta(days=number) for number in (-1, 1)]
    return {"dates": ["..".join(map(date.isoformat, days))], "time_zone": "UTC", "reason": reason}


def specs() -> dict[str, Json]:
    """Return service -> spec; nothing starts by itself before a test changes its windows."""
    closed: Json = {"windows": [shut()]}
    made = [
        spec(AGREED, WEST, NORTH, **_BY_CALENDAR, **closed),
        spec(SPLIT, WEST, NORTH, **_BY_CALENDAR, **closed),
        spec(QUEUED, **closed),
        spec(WAITING, WEST, NORTH, when_closed="wait", announce=_SLACK, **closed),
        spec(STOPPED, WEST, NORTH, on_failure="roll_back_release", announce=_SLACK, windows=[open_now()]),
        spec(URGENT, announce=_SLACK, freezes=[frozen("the audit")], **closed),
    ]
    made[4]["regions"][1]["windows"] = [shut()]
    return {each["service"]: each for each in made}


def services() -> Json:
    """Return the sandbox's services: an app for every region of every spec."""
    return {
        service: {
            "regions": {
                region["name"]: {"app": region["app"], "resource_group": region["resource_group"]}
                for region in held["regions"]
            }
        }
        for service, held in specs().items()
    }


def change(dags: Path, service: str, **keys: object) -> None:
    """Change keys of a spec, at once for whoever reads it."""
    file = dags / "services" / f"{service}.yaml"
    written = file.with_suffix(".new")
    written.write_text(json.dumps(json.loads(file.read_text("utf-8")) | keys, indent=2), encoding="utf-8")
    written.replace(file)


def parse(api: AirflowApi, dag: str) -> None:
    """Let Airflow read a DAG file now; otherwise it does so when the file's time has come."""
    token = api.request("GET", f"dags/{dag}")["file_token"]
    api.request("PUT", f"parseDagFile/{token}")
