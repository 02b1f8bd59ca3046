"""The services on EC2 machines that the end-to-end tests release: their specs and their cloud.

As on the other cloud, each test has services of its own; the shipped examples, checkout and search,
are there as well.
"""

from __future__ import annotations

from typing import Any

from tests.end_to_end.world import PAGE, Json

REGION = "eu-west-1"
PLACE = f"{REGION}.production"
"""The one farm of every rolling service here."""

KILLED = ("leaving", "coming")
"""Services whose roll is killed twice: at their first and at their second machine."""

RESUMED, SPOILED, TURNED = "resumed", "spoiled", "turned"
"""Services whose releases stop: by the deploy, and by the new build in two farms."""

INTERRUPTED, ABANDONED, DROPPED = "interrupted", "abandoned", "dropped"
"""Services whose releases a person ends: the step or the run while it deploys, the run while it drains."""

PATIENT = "patient"

LONG_DELAY = 62
"""Seconds of a deregistration delay that is longer than a step's patience; the sandbox is faster."""

_CHECK = {"interval": 10, "timeout": 9, "healthy": 2, "unhealthy": 3}
_TIMES = {"health_check": _CHECK, "deregistration_delay": 10}
_FARM = _TIMES | {"target_group": "application", "classic_load_balancer": True, "draining_timeout": 10}
_SLOW = {"deregistration_delay": LONG_DELAY, "health_check": _CHECK | {"interval": 5, "timeout": 4}}
_CONNECTION = f"aws_{REGION.replace('-', '_')}"


def _spec(service: str, strategy: str, region: Json, **more: Any) -> Json:
    return {
        "service": service,
        "owner": "team-tests",
        "strategy": strategy,
        "regions": [{"name": REGION, "connection": _CONNECTION} | region],
        "deploy": {
            "document": "airlock-demo-deploy",
            "build_parameter": "Build",
            "parameters": {"Service": [service]},
            "timeout": "1m",
        },
        "status_page": PAGE,
        "poll": "300ms",
        "soak": 2,
        "healthy_timeout": "90s",
        "bake": "1s",
        "on_failure": "roll_back_region",
    } | more


def rolling(service: str, **more: Any) -> Json:
    """Return the spec of two machines behind an ALB's target group and a classic load balancer."""
    farm = {
        "name": "production",
        "target_groups": [f"{service}-production"],
        "classic_load_balancers": [f"{service}-production-classic"],
    }
    return _spec(service, "rolling", {"farms": [farm]}, **more)


def blue_green(service: str, **more: Any) -> Json:
    """Return the spec of a listener with two target groups."""
    region = {"listener": f"{service}-alb:8090", "target_groups": [f"{service}-blue", f"{service}-green"]}
    return _spec(service, "blue_green", region, **more)


def specs() -> dict[str, Json]:
    """Return service -> spec of all that is made for the tests."""
    made = [
        *(rolling(service) for service in KILLED),
        *(rolling(service, on_failure="halt") for service in (RESUMED, INTERRUPTED, ABANDONED, DROPPED)),
        rolling(SPOILED),
        rolling(PATIENT),
        # Far longer than the build needs to turn bad while it is watched at 50 %.
        blue_green(TURNED, steps=[50, 100], step_bake="50s"),
    ]
    return {each["service"]: each for each in made}


def services() -> Json:
    """Return the sandbox's services: two machines for each farm and for each group."""
    return {service: {"regions": {REGION: _region(service, made)}} for service, made in specs().items()}


def _region(service: str, made: Json) -> Json:
    if made["strategy"] == "blue_green":
        return {"blue_green": _TIMES}
    return {"farms": {"production": _FARM | (_SLOW if service == PATIENT else {})}}
