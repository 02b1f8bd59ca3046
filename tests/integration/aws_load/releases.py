"""Ways to release a farm by boto3: one that waits for states and guards each detach, and careless ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from include.local.rivals.article import attach, detach
from include.local.rivals.deploy import deploy
from include.local.rivals.farm import Farm

POLL_S = 0.1
SOAK = 3
LIMIT_S = 60.0
HEALTHY, GONE = "healthy", "gone"


class TooFewOthers(Exception):
    """A detach would leave a group with no healthy machine."""


def kill_without_detach(farm: Farm, build: str) -> None:
    """Deploy to one machine after the other while both serve."""
    for instance in farm.instances:
        deploy(farm, instance, build, poll_s=POLL_S)


def wait_for_states(
    farm: Farm, build: str, *, machines: Sequence[str] | None = None, guarded: bool = True
) -> None:
    """Detach, drained, deploy, attach, healthy: machine by machine.

    ``machines`` picks some of the farm's; ``guarded`` looks right before each detach whether another
    machine serves in every group. Raises `TooFewOthers`.
    """
    for instance in machines or farm.instances:
        if guarded:
            guard(farm, instance)
        detach(farm, instance)
        wait_for(farm, instance, GONE)
        deploy(farm, instance, build, poll_s=POLL_S)
        attach(farm, instance)
        wait_for(farm, instance, HEALTHY, times=SOAK)


def wait_for(farm: Farm, instance: str, standing: str, times: int = 1) -> None:
    """Wait until a machine stands so in every group, so many looks in a row; raises TimeoutError."""
    wait_until(lambda: set(standings(farm, instance).values()) == {standing}, times)


def guard(farm: Farm, instance: str) -> None:
    """Raise `TooFewOthers` unless in every group a machine other than this one is healthy."""
    others = [standings(farm, other) for other in farm.instances if other != instance]
    for group in (*farm.target_groups, *farm.classic):
        if not any(other[group] == HEALTHY for other in others):
            raise TooFewOthers(f"{group}: nobody but {instance} serves")


def standings(farm: Farm, instance: str) -> dict[str, str]:
    """Return group -> `HEALTHY`, `GONE`, or the cloud's own word, for one machine."""
    elbv2, elb = farm.client("elbv2"), farm.client("elb")
    found = {group: _target(elbv2, group, instance) for group in farm.target_groups}
    return found | {name: _classic(elb, name, instance) for name in farm.classic}


def _target(elbv2: Any, group: str, instance: str) -> str:
    asked = elbv2.describe_target_health(TargetGroupArn=group, Targets=[{"Id": instance}])
    health = asked["TargetHealthDescriptions"][0]["TargetHealth"]
    # `unused` has other reasons too: a group that no listener uses, a machine that is stopped.
    gone = health["State"] == "unused" and health["Reason"] == "Target.NotRegistered"
    return GONE if gone else str(health["State"])


def _classic(elb: Any, name: str, instance: str) -> str:
    states = elb.describe_instance_health(LoadBalancerName=name)["InstanceStates"]
    found = next((state for state in states if state["InstanceId"] == instance), None)
    if found is None:
        return GONE
    draining = "deregistration currently in progress" in found["Description"]
    return HEALTHY if found["State"] == "InService" and not draining else "OutOfService"


def wait_until(holds: Callable[[], bool], times: int = 1) -> None:
    """Wait until it holds so many times in a row; raises TimeoutError."""
    ends, row = time.monotonic() + LIMIT_S, 0
    while row < times:
        if time.monotonic() > ends:
            raise TimeoutError("the state was not reached")
        row = row + 1 if holds() else 0
        time.sleep(POLL_S)


def drain_for(farm: Farm, seconds: int) -> None:
    """Let every load balancer of the farm wait so long for the requests in flight."""
    for group in farm.target_groups:
        farm.client("elbv2").modify_target_group_attributes(
            TargetGroupArn=group,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}],
        )
    for name in farm.classic:
        farm.client("elb").modify_load_balancer_attributes(
            LoadBalancerName=name,
            LoadBalancerAttributes={"ConnectionDraining": {"Enabled": True, "Timeout": seconds}},
        )
