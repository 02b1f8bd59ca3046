"""The services that wait for people in the end-to-end tests: their specs and their cloud."""

from __future__ import annotations

from tests.end_to_end import world
from tests.end_to_end.world import NORTH, WEST, Json, spec

APPROVER = "ann"
"""A user of the simple auth manager besides the administrator, who starts the releases."""

APPROVED, EXPIRED = "approved_first", "approved_never"
RETRIED, ACCEPTED, HALTED = "asks_retried", "asks_accepted", "asks_halted"
REGION_BACK, RELEASE_BACK, SILENT = "asks_region_back", "asks_release_back", "asks_silent"

_SLACK: Json = {"slack": {"connection": "slack_default", "channel": "#releases"}}
_SOON: Json = {"expiry": "5m", "otherwise": "halt"}
_EAGER: Json = {"expiry": "2s", "otherwise": "roll_back_region"}
_FOUR_EYES: Json = {"before": ["release", "each_region"], "by": ["admin", APPROVER], "not_requester": True}


def _asks(service: str, *regions: str, ask: Json | None = None, **more: Json) -> Json:
    return spec(service, *regions, on_failure="ask", ask=ask or _SOON, **more)


def specs() -> dict[str, Json]:
    """Return service -> spec."""
    made = [
        spec(APPROVED, WEST, NORTH, approvals=_FOUR_EYES, announce=_SLACK),
        spec(EXPIRED, approvals={"before": ["release"], "expiry": "2s"}),
        _asks(RETRIED),
        _asks(ACCEPTED, announce=_SLACK),
        _asks(HALTED),
        _asks(REGION_BACK),
        _asks(RELEASE_BACK, WEST, NORTH),
        _asks(SILENT, ask=_EAGER),
    ]
    return {each["service"]: each for each in made}


FAILING = (RETRIED, ACCEPTED, HALTED, REGION_BACK, RELEASE_BACK, SILENT)
"""Services whose last region lacks what the build with the ledger needs."""


def services() -> Json:
    """Return the sandbox's services: an app for every region of every spec."""
    made = world.apps_of(specs())
    for service in FAILING:
        regions = made[service]["regions"]
        regions[list(regions)[-1]] |= world.CLOSED_LEDGER
    return made
