"""``rolling``: machines leave their load balancers in turn, get the build and come back, farm by farm."""

from __future__ import annotations

from include.airlock.model.plan import Plan
from include.airlock.model.service import Service
from include.airlock.strategies.lanes import LaneStep, plan_of_lanes

LANE = (
    LaneStep("check", "look again: the same machines serve, with the builds that were seen", changes=False),
    LaneStep("roll", "machine by machine: guard, detach, drain, deploy, prove, attach, healthy again"),
    LaneStep(
        "verify", "the status page through every load balancer, several times in a row: only the new build"
    ),
    LaneStep("bake", "keep watching the farm through its load balancers for a while, then accept it"),
)


def compile_plan(service: Service) -> Plan:
    """The plan of a service on machines behind load balancers: a lane for each farm of each region."""
    return plan_of_lanes(service, "machines", LANE, refresh=False)
