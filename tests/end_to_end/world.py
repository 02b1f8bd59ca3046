"""The services on App Service slots that the end-to-end tests release: their specs and their cloud.

Each test has services of its own, so that many releases run side by side in one Airflow. The shipped
examples are there as well. Times are short, as the sandbox runs ten times as fast as its default.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

OLD, NEW, LEDGER, LATER = "2026.11.1", "2026.11.2", "2026.11.3", "2026.11.4"
"""What production runs at first, what staging holds, one that needs one more dependency, and the next."""

WEST, NORTH, UK = "westeurope", "northeurope", "uksouth"
STORM = tuple(f"storm_{number:02d}" for number in range(1, 21))

Json = dict[str, Any]

CLOSED_LEDGER = {"slots": {"production": {"settings": {"LEDGER_URL": "tcp://{closed}"}}}}


PAGE: Json = {
    "path": "/status",
    "format": "json",
    "build": "build",
    "health": "state",
    "dependencies": "dependencies",
    "consecutive": 2,
    "unhealthy_after": 3,
    "interval": "200ms",
    "timeout": "2s",
    "deadline": "30s",
}
"""The status page of every service here, with short times."""


def spec(service: str, *regions: str, page: Json | None = None, **more: Any) -> Json:
    """Return a spec with short times; ``page`` and ``more`` change or add keys."""
    return {
        "service": service,
        "owner": "team-tests",
        "strategy": "slot_swap",
        "regions": [_region(service, region) for region in regions or (WEST,)],
        "status_page": PAGE | (page or {}),
        "bake": "1s",
        "on_failure": "roll_back_region",
        "swap_timeout": "30s",
        "swap_settle": "2s",
    } | more


def _region(service: str, region: str) -> Json:
    # An app's name has no underscore.
    app = f"{service.replace('_', '-')}-{region}"
    return {"name": region, "connection": f"azure_{region}", "resource_group": f"rg-{app}", "app": app}


_SLACK: Json = {"slack": {"connection": "slack_default", "channel": "#releases"}}
_IMPATIENT: Json = {"timeout": "1s", "deadline": "6s"}

STEERED = {
    "reply_lost": {},
    "swap_503_after_done": {"retry_after": 0},
    "connection_dropped": {},
    "throttled": {"retry_after": 1},
    "swap_conflict": {},
    "swap_ping_failed": {},
    "unavailable_after_swap": {"seconds": 1},
}
"""Faults of one swap that patience or proof can mend, with their parameters."""

BROKEN = {
    "warm_up_never_succeeds": {"seconds": 0.5},
    "swap_never_ends": {"switched": False},
    "swap_succeeds_without_swapping": {},
    "worker_not_started": {},
    "someone_swaps_back": {"delay": 0.1},
}
"""Faults of a swap that must stop the release."""

UNCLEAR = {
    "status_wrong_build": {"build": OLD},
    "status_dependency_down": {},
    "status_flapping": {},
    "status_slow": {},
    "status_huge": {},
    "status_not_json": {},
    "status_redirect": {},
}
"""Faults of production's status page after which nothing may be taken for proved."""


UNDONE = ("commanded", "sprinted", "recorded", "regretted")
"""Services that have the DAG of a rollback as well."""

REFRESH_FAULT = "one_deploy_fails"
"""A fault of the refresh, which comes after the release proper."""

SILENCED = {"slack_down": {}, "slack_slow": {"delay": 8.0}, "slack_rate_limited": {"retry_after": 30}}
"""Faults of Slack that hold no release up."""


_TODAY = datetime.now(UTC).date()
_FROZEN = {
    "dates": [f"{_TODAY - timedelta(days=1)}..{_TODAY + timedelta(days=2)}"],
    "time_zone": "UTC",
    "reason": "The books are closed",
}
"""A freeze that began yesterday."""


def _refresh(service: str) -> Json:
    return {"package": {"connection": "packages", "path": f"{service}-{{build}}.zip"}}


def _nowhere() -> Json:
    made = spec("nowhere")
    made["regions"][0]["connection"] = "azure_nowhere"
    return made


def specs() -> dict[str, Json]:
    """Return service -> spec of all that is made for the tests; a service of a fault has the fault's name."""
    made = [
        spec("region_back", WEST, NORTH, UK),
        spec("release_back", WEST, NORTH, UK, on_failure="roll_back_release"),
        spec("halted", WEST, NORTH, on_failure="halt"),
        spec("subset", WEST, NORTH, UK),
        spec(
            *("regretted", WEST, NORTH),
            refresh=_refresh("regretted"),
            announce=_SLACK,
            freezes=[_FROZEN],
        ),
        spec(REFRESH_FAULT, refresh=_refresh(REFRESH_FAULT) | {"deadline": "5s"}),
        spec("queued", refresh=_refresh("queued"), announce=_SLACK),
        *(spec(service, WEST, NORTH) for service in ("expired", "asked_wrongly", "unready")),
        _nowhere(),
        *(spec(service, WEST, NORTH) for service in ("commanded", "commanded_back", "left_alone")),
        spec("commanded_asked", approvals={"before": ["release"]}),
        spec("sprinted", approvals={"before": ["release"]}),
        spec("piped", WEST, NORTH),
        *(spec(service, WEST, NORTH, announce=_SLACK) for service in ("foreseen", "drifted")),
        spec("recorded", announce=_SLACK),
        *(spec(service, WEST, NORTH) for service in ("kill_held", "kill_between", "crash")),
        *(spec(service) for service in ("kill_waiting", "kill_worker", "kill_back")),
        *(spec(service, announce=_SLACK) for service in ("told_killed", *SILENCED)),
        # Longer than a step's patience, so that the triggerer watches.
        *(spec(service, bake="75s", on_failure="halt") for service in ("long_bake", "bad_bake")),
        *(spec(service) for service in STORM),
        *(spec(fault) for fault in STEERED),
        *(spec(fault, WEST, NORTH, on_failure="halt") for fault in BROKEN),
        # Their pages turn bad while they bake at the latest, however busy the machine is.
        *(spec(fault, WEST, NORTH, on_failure="halt", page=_IMPATIENT, bake="10s") for fault in UNCLEAR),
    ]
    return {each["service"]: each for each in made}


def _place(region: Json) -> Json:
    return {"app": region["app"], "resource_group": region["resource_group"]}


def apps_of(made: dict[str, Json]) -> Json:
    """Return an app for every region of specs."""
    return {
        service: {"regions": {region["name"]: _place(region) for region in held["regions"]}}
        for service, held in made.items()
    }


def services() -> Json:
    """Return the sandbox's services: an app for every region of every spec."""
    made = apps_of(specs())
    # In region two the new build can't work: its production settings point the ledger at a closed port.
    for service in ("region_back", "release_back", "kill_back", "commanded_back"):
        region = NORTH if NORTH in made[service]["regions"] else WEST
        made[service]["regions"][region] |= CLOSED_LEDGER
    return made
