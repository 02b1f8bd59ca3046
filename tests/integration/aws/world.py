"""What the releases of these tests change: services of the sandbox's AWS, and their specs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from include.airlock.model.blue_green import BlueGreenService
from include.airlock.model.rolling import RollingService
from include.airlock.model.service import Service
from tests.integration.rehearsal import quick, spec

REGION = "eu-west-1"
STAGING, PRODUCTION = f"{REGION}.staging", f"{REGION}.production"
SPEED = 25
"""How many times as fast as the cloud the sandbox runs."""

SHORT, DELAY, LONG = 10, 30, 100
"""Seconds that draining lasts, at speed 1: where nobody calls, with usual clients, with requests of 90 s."""

_CHECK = {"interval": 10, "timeout": 9, "healthy": 2, "unhealthy": 2}
_TIMES = {"health_check": _CHECK, "deregistration_delay": DELAY, "draining_timeout": DELAY}
_BEHIND_BOTH = {"target_group": "application", "classic_load_balancer": True}
_BRIEF = {"health_check": _CHECK, "deregistration_delay": SHORT, "draining_timeout": SHORT}


def _farm(**more: Any) -> dict[str, Any]:
    return {"regions": {REGION: {"farms": {"production": {**_BEHIND_BOTH, **_BRIEF, **more}}}}}


SERVICES: dict[str, Any] = {
    "payments": None,
    "catalog": None,
    "identity": None,
}
"""The Azure examples, taken out."""

AWS_SERVICES: dict[str, Any] = {
    "checkout": {
        "regions": {
            REGION: {
                "farms": {
                    "staging": {"classic_load_balancer": True, **_TIMES},
                    "production": {**_BEHIND_BOTH, **_TIMES},
                }
            }
        }
    },
    "search": {"regions": {REGION: {"blue_green": {"health_check": _CHECK, "deregistration_delay": SHORT}}}},
    "orders": _farm(),
    "lonely": _farm(machines=1),
    "patient": _farm(deregistration_delay=LONG, draining_timeout=LONG),
    "scaled": _farm(machines=3, autoscaling_group=True),
    "addresses": _farm(machines=3, target_type="ip", classic_load_balancer=False),
}


def sandbox_settings() -> dict[str, Any]:
    """The sandbox's configuration: a fast AWS, and nothing of the other cloud."""
    return {"speed": SPEED, "services": SERVICES, "aws": {"services": AWS_SERVICES}}


QUICK: dict[str, Any] = {
    "poll": timedelta(milliseconds=100),
    "soak": 2,
    "healthy_timeout": timedelta(seconds=25),
}
"""Short waits. The limits stay far above what the sandbox needs."""


def rolling(service: str = "orders", farm: dict[str, Any] | None = None, **more: Any) -> RollingService:
    """The shipped spec of checkout with short waits, for another service with one farm if told.

    ``farm`` replaces keys of its last farm, ``more`` keys of the spec.
    """
    made = spec("checkout")
    assert isinstance(made, RollingService)
    region = made.regions[0]
    last = region.farms[-1]
    if service != "checkout":
        named = {"target_groups": (f"{service}-production",)}
        named["classic_load_balancers"] = (f"{service}-production-classic",)
        last = last.model_copy(update=named)
    last = last.model_copy(update=farm or {})
    farms = (*region.farms[:-1], last) if service == "checkout" else (last,)
    deploy = made.deploy.model_copy(
        update={"parameters": {"Service": (service,)}, "timeout": timedelta(seconds=30)}
    )
    regions = (region.model_copy(update={"farms": farms}),)
    made = made.model_copy(update={"service": service, "regions": regions, "deploy": deploy})
    found = quick(made, **(QUICK | more))
    assert isinstance(found, RollingService)
    return found


def blue_green(**more: Any) -> BlueGreenService:
    """The shipped spec of search with short waits; ``more`` replaces keys.

    Its page has a longer deadline: a share is proved by many answers.
    """
    found: Service = quick(spec("search"), **(QUICK | {"step_bake": timedelta(milliseconds=300)}))
    page = found.status_page.model_copy(update={"deadline": timedelta(seconds=30)})
    found = found.model_copy(update={"status_page": page, **more})
    assert isinstance(found, BlueGreenService)
    return found
