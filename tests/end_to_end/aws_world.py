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

KILLED = ("draining", "sending", "following", "attaching")
"""Services whose roll is killed at the moment that their name says."""

RESUMED, INTERRUPTED, ABANDONED, SPOILED, TURNED = "resumed", "interrupted", "abandoned", "spoiled", "turned"
"""Services whose releases stop: by the deploy, by a person (twice), by the new build (twice)."""

PATIENT = "patient"

LONG_DELAY = 62
"""Seconds of a deregistration delay that is longer than a step's patience; the sandbox is faster."""

_CHECK = {"interval": 10, "timeout": 9, "healthy": 2, "unhealthy": 3}
_TIMES = {"health_check": _CHECK, "deregistration_delay": 10}
_FARM = _TIMES | {"target_group": "application", "classic_load_balancer": True, "draining_timeout": 10}
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
        *(rolling(service, on_failure="halt") for service in (RESUMED, INTERRUPTED, ABANDONED)),
        rolling(SPOILED),
        rolling(PATIENT),
        blue_green(TURNED, steps=[50, 100], step_bake="10s"),
    ]
    return {each["service"]: each for each in made}


def services() -> Json:
    """Return the sandbox's services: two machines for each farm and for each group."""
    return {service: {"regions": {REGION: _region(service, made)}} for service, made in specs().items()}


def _region(service: str, made: Json) -> Json:
    if made["strategy"] == "blue_green":
        return {"blue_green": _TIMES}
    delay = {"deregistration_delay": LONG_DELAY} if service == PATIENT else {}
    return {"farms": {"production": _FARM | delay}}
