"""``blue_green``: the idle target group gets the build, then the listener's weights move over to it."""

from __future__ import annotations

from include.airlock.model.plan import Plan
from include.airlock.model.service import Service
from include.airlock.strategies.lanes import LaneStep, plan_of_lanes

LANE = (
    LaneStep("check", "look again: the same group is idle, with the builds that were seen", changes=False),
    LaneStep("deploy", "put the build on the machines of the idle group, each proved by its own status page"),
    LaneStep(
        "switch", "add the idle group at weight 0, wait until healthy, then move the weights step by step"
    ),
    LaneStep(
        "verify", "the status page through the load balancer, several times in a row: only the new build"
    ),
    LaneStep("bake", "keep watching for a while, then accept; the old group stays warm at weight 0"),
)


def compile_plan(service: Service) -> Plan:
    """The plan of a service with two target groups behind one listener."""
    return plan_of_lanes(service, "target_groups", LANE, refresh=False)
