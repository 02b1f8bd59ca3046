"""``slot_swap``: staging and production of an App Service change places, region by region."""

from __future__ import annotations

from include.airlock.model.plan import Plan
from include.airlock.model.service import Service
from include.airlock.strategies.lanes import LaneStep, plan_of_lanes

LANE = (
    LaneStep("check", "look again: both slots and both builds are as the release believes", changes=False),
    LaneStep("swap", "swap staging into production, once, and prove it by the build that answers"),
    LaneStep("verify", "production's status page, several times in a row; the old build is seen in staging"),
    LaneStep("bake", "keep watching production for a while, then accept the region"),
)


def compile_plan(service: Service) -> Plan:
    """The plan of a service on App Service slots."""
    return plan_of_lanes(service, "slots", LANE, refresh=service.refresh is not None)
