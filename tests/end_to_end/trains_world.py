"""The services and trains of the tests of trains."""

from __future__ import annotations

from tests.end_to_end.world import NORTH, WEST, Json, spec

_SLACK: Json = {"slack": {"connection": "slack_default", "channel": "#releases"}}
_CLOSED_LEDGER: Json = {"slots": {"production": {"settings": {"LEDGER_URL": "tcp://{closed}"}}}}
STOPPED, EARLY = "stopped", "early"
"""A train of which one service fails in region two, and one that a lone release waits for."""


def trains() -> dict[str, Json]:
    """Return train -> spec."""
    return {
        STOPPED: {"train": STOPPED, "owner": "team-tests", "services": ["fares", "seats"]},
        EARLY: {"train": EARLY, "owner": "team-tests", "services": ["tickets", "gates"], "parallel": False},
    }


def specs() -> dict[str, Json]:
    """Return service -> spec."""
    made = [
        *(spec(service, WEST, NORTH) for service in ("fares", "seats")),
        spec("tickets", bake="4s"),
        spec("gates", bake="4s", announce=_SLACK),
    ]
    return {each["service"]: each for each in made}


def services() -> Json:
    """Return the sandbox's services. The seats' new build can't work in region two."""
    made: Json = {
        service: {
            "regions": {
                each["name"]: {"app": each["app"], "resource_group": each["resource_group"]}
                for each in held["regions"]
            }
        }
        for service, held in specs().items()
    }
    made["seats"]["regions"][NORTH] |= _CLOSED_LEDGER
    return made
