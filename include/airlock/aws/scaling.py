"""Auto Scaling groups: which one a machine is in, standby, and the processes that would interfere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from include.airlock.aws.clients import call, chunks, pages
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.operations import (
    DESCRIBE_SCALING_GROUPS,
    DESCRIBE_SCALING_INSTANCES,
    ENTER_STANDBY,
    EXIT_STANDBY,
    RESUME_PROCESSES,
    SUSPEND_PROCESSES,
)
from include.airlock.errors import NotFound

INTERFERING = ("AZRebalance", "AlarmNotification", "HealthCheck", "ScheduledActions", "ReplaceUnhealthy")
"""The processes that replace or move machines while one of them is out for its release.

``HealthCheck`` is among them because a machine that it marks as unhealthy while it comes back stays
marked, and would be ended as soon as ``ReplaceUnhealthy`` goes on.

https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
"""

_MOST_INSTANCES = 50


@dataclass(frozen=True)
class ScalingGroup:
    """An Auto Scaling group; ``instances`` says each machine's lifecycle state, like ``InService``.

    ``suspended`` are the names of the processes that are suspended now, by whomever.
    """

    name: str
    min: int
    max: int
    desired: int
    suspended: frozenset[str]
    instances: dict[str, str]


def groups_of(access: AwsAccess, machines: Iterable[str]) -> dict[str, str]:
    """The name of the Auto Scaling group of each machine; a machine in none is absent."""
    return {
        row["InstanceId"]: row["AutoScalingGroupName"]
        for part in chunks(machines, _MOST_INSTANCES)
        for row in pages(
            access,
            DESCRIBE_SCALING_INSTANCES,
            "AutoScalingInstances",
            what=f"ask for the Auto Scaling groups of {', '.join(part)}",
            InstanceIds=list(part),
        )
    }


def describe(access: AwsAccess, name: str) -> ScalingGroup:
    """The group of this name, as it is now.

    Raises:
        NotFound: there is none.
    """
    rows = pages(
        access,
        DESCRIBE_SCALING_GROUPS,
        "AutoScalingGroups",
        what=f"describe Auto Scaling group {name}",
        AutoScalingGroupNames=[name],
    )
    if not rows:
        raise NotFound(f"no Auto Scaling group '{name}' in {access.region}", status=404)
    return _group(rows[0])


def _group(row: dict[str, Any]) -> ScalingGroup:
    return ScalingGroup(
        name=row["AutoScalingGroupName"],
        min=int(row.get("MinSize") or 0),
        max=int(row.get("MaxSize") or 0),
        desired=int(row.get("DesiredCapacity") or 0),
        suspended=frozenset(part["ProcessName"] for part in row.get("SuspendedProcesses") or []),
        instances={
            part["InstanceId"]: part.get("LifecycleState") or "Unknown" for part in row.get("Instances") or []
        },
    )


def enter_standby(access: AwsAccess, group: str, machines: Sequence[str]) -> None:
    """Put machines into standby: the group deregisters them and wants as many fewer, so starts no others.

    Sent once: a second request is refused, because the machine is not in service any more.

    Raises:
        Rejected: a machine is not in service, or the group would fall below its minimum.
    """
    call(
        access,
        ENTER_STANDBY,
        what=f"put {', '.join(machines)} of {group} into standby",
        on=f"autoScalingGroupName/{group}",
        AutoScalingGroupName=group,
        InstanceIds=list(machines),
        ShouldDecrementDesiredCapacity=True,
    )


def exit_standby(access: AwsAccess, group: str, machines: Sequence[str]) -> None:
    """Put machines back into service: the group registers them and wants as many more. Sent once."""
    call(
        access,
        EXIT_STANDBY,
        what=f"take {', '.join(machines)} of {group} out of standby",
        on=f"autoScalingGroupName/{group}",
        AutoScalingGroupName=group,
        InstanceIds=list(machines),
    )


def suspend(access: AwsAccess, group: str, processes: Iterable[str]) -> None:
    """Suspend these processes of a group; none named suspends none (AWS would take it for all)."""
    _processes(access, SUSPEND_PROCESSES, "suspend", group, sorted(processes))


def resume(access: AwsAccess, group: str, processes: Iterable[str]) -> None:
    """Resume these processes of a group; none named resumes none (AWS would take it for all)."""
    _processes(access, RESUME_PROCESSES, "resume", group, sorted(processes))


def _processes(access: AwsAccess, operation: Any, verb: str, group: str, processes: list[str]) -> None:
    if not processes:
        return
    call(
        access,
        operation,
        what=f"{verb} {', '.join(processes)} of {group}",
        on=f"autoScalingGroupName/{group}",
        AutoScalingGroupName=group,
        ScalingProcesses=processes,
    )
