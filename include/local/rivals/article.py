"""The pipeline of "Deploying services in AWS without downtime": detach, sleep, deploy, attach, sleep.

One machine after the other. "A sleep task of 60 seconds follows each GO.CD task for
attaching/detaching a machine"; nothing looks whether the load balancer is ready.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from include.local.rivals.deploy import DeployFailed, deploy
from include.local.rivals.farm import Farm
from include.local.rivals.outcome import Outcome

SLEEP_S = 60.0
STEPS_PER_MACHINE = 5


def release(farm: Farm, build: str, *, sleep_s: float = SLEEP_S, poll_s: float = 1.0) -> Outcome:
    """Release a build to every machine of the farm; a failed deploy stops the pipeline, as a stage does."""
    began, steps = time.monotonic(), 0
    for instance in farm.instances:
        try:
            for task in _tasks(farm, instance, build, sleep_s, poll_s):
                steps += 1
                task()
        except DeployFailed as failed:
            return Outcome("article", time.monotonic() - began, steps, False, str(failed))
    return Outcome("article", time.monotonic() - began, steps, True)


def _tasks(
    farm: Farm, instance: str, build: str, sleep_s: float, poll_s: float
) -> tuple[Callable[[], None], ...]:
    """Return the stages' tasks for one machine, `STEPS_PER_MACHINE` of them."""
    return (
        lambda: detach(farm, instance),
        lambda: time.sleep(sleep_s),  # the guess that is measured here: the article waits so
        lambda: deploy(farm, instance, build, poll_s=poll_s),
        lambda: attach(farm, instance),
        lambda: time.sleep(sleep_s),
    )


def detach(farm: Farm, instance: str) -> None:
    """Take a machine out of every group and balancer of the farm, and wait for nothing."""
    elbv2, elb = farm.client("elbv2"), farm.client("elb")
    for group in farm.target_groups:
        elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    for name in farm.classic:
        elb.deregister_instances_from_load_balancer(
            LoadBalancerName=name, Instances=[{"InstanceId": instance}]
        )


def attach(farm: Farm, instance: str) -> None:
    """Put a machine back into every group and balancer of the farm, and wait for nothing."""
    elbv2, elb = farm.client("elbv2"), farm.client("elb")
    for group in farm.target_groups:
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    for name in farm.classic:
        elb.register_instances_with_load_balancer(LoadBalancerName=name, Instances=[{"InstanceId": instance}])
