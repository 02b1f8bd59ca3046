"""Target groups of Application and Network Load Balancers, as the elbv2 API shows and changes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from include.airlock.aws.clients import call, pages
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.group import Group, Member
from include.airlock.aws.operations import (
    DEREGISTER_TARGETS,
    DESCRIBE_LOAD_BALANCER_ATTRIBUTES,
    DESCRIBE_TARGET_GROUP_ATTRIBUTES,
    DESCRIBE_TARGET_GROUPS,
    DESCRIBE_TARGET_HEALTH,
    REGISTER_TARGETS,
)
from include.airlock.aws.standing import Standing, of_target

_DEFAULT_DELAY_S = 300.0
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html"""


def listed(access: AwsAccess) -> list[dict[str, Any]]:
    """All target groups of the region, as AWS describes them."""
    return pages(
        access, DESCRIBE_TARGET_GROUPS, "TargetGroups", what=f"list the target groups of {access.region}"
    )


def group(access: AwsAccess, row: dict[str, Any]) -> Group:
    """A group from its description and its attributes, which take a call of their own."""
    attributes = _attributes(access, row)
    delay = float(attributes.get("deregistration_delay.timeout_seconds") or _DEFAULT_DELAY_S)
    return Group(
        kind="target_group",
        key=row["TargetGroupArn"],
        name=row["TargetGroupName"],
        port=row.get("Port"),
        draining=delay > 0,
        delay_s=delay,
        cross_zone=_cross_zone(access, row, attributes),
        slow_start_s=float(attributes.get("slow_start.duration_seconds") or 0),
        interval_s=float(row.get("HealthCheckIntervalSeconds") or 0),
        healthy_threshold=int(row.get("HealthyThresholdCount") or 1),
        unhealthy_threshold=int(row.get("UnhealthyThresholdCount") or 1),
        load_balancers=tuple(row.get("LoadBalancerArns") or ()),
        target_type=row.get("TargetType") or "instance",
        vpc=row.get("VpcId"),
        slow=row.get("Protocol") in ("TCP", "UDP", "TCP_UDP", "TLS"),
    )


def _attributes(access: AwsAccess, row: dict[str, Any]) -> dict[str, str]:
    answer = call(
        access,
        DESCRIBE_TARGET_GROUP_ATTRIBUTES,
        what=f"read the attributes of {row['TargetGroupName']}",
        needs="Attributes",
        TargetGroupArn=row["TargetGroupArn"],
    )
    return _pairs(answer)


def _pairs(answer: dict[str, Any]) -> dict[str, str]:
    return {pair["Key"]: pair.get("Value") or "" for pair in answer["Attributes"]}


def _cross_zone(access: AwsAccess, row: dict[str, Any], attributes: dict[str, str]) -> bool:
    """Whether every zone's nodes use every zone's targets.

    By default the load balancer decides: always on for an Application Load Balancer, off for a
    Network Load Balancer unless its attribute says otherwise.
    """
    own = attributes.get("load_balancing.cross_zone.enabled", "use_load_balancer_configuration")
    if own in ("true", "false"):
        return own == "true"
    if row.get("Protocol") in ("HTTP", "HTTPS"):
        return True
    balancers = row.get("LoadBalancerArns") or []
    return bool(balancers) and all(_balancer_crosses(access, arn) for arn in balancers)


def _balancer_crosses(access: AwsAccess, arn: str) -> bool:
    answer = call(
        access,
        DESCRIBE_LOAD_BALANCER_ATTRIBUTES,
        what=f"read the attributes of {arn}",
        needs="Attributes",
        LoadBalancerArn=arn,
    )
    return _pairs(answer).get("load_balancing.cross_zone.enabled") == "true"


def _health(access: AwsAccess, arn: str, name: str, **more: Any) -> list[dict[str, Any]]:
    answer = call(
        access,
        DESCRIBE_TARGET_HEALTH,
        what=f"read the health of {name}",
        needs="TargetHealthDescriptions",
        TargetGroupArn=arn,
        **more,
    )
    rows: list[dict[str, Any]] = answer["TargetHealthDescriptions"]
    return rows


def holds(access: AwsAccess, arn: str, machines: Collection[str]) -> bool:
    """Whether one of these is registered in the group, or still draining from it."""
    return any(row["Target"]["Id"] in machines for row in _health(access, arn, arn))


def members(
    access: AwsAccess,
    group: Group,
    targets: Sequence[tuple[str, int | None]] | None,
    zones: Mapping[str, str | None],
) -> list[Member]:
    """See ``groups.members``. Only a call that names its targets is answered for those drained."""
    if targets is None:
        return [_member(row, zones) for row in _health(access, group.key, group.name)]
    if not targets:
        return []
    asked = [_target(group, machine, port, None) for machine, port in targets]
    rows = [_member(row, zones) for row in _health(access, group.key, group.name, Targets=asked)]
    answered = {(row.machine, row.port): row for row in rows}
    return [
        answered.get(
            (machine, port or group.port),
            # Asked by name and not answered proves nothing.
            Member(machine, port or group.port, zones.get(machine), Standing.UNKNOWN, "not answered for"),
        )
        for machine, port in targets
    ]


def _member(row: dict[str, Any], zones: Mapping[str, str | None]) -> Member:
    target, health = row["Target"], row.get("TargetHealth") or {}
    state, reason = health.get("State"), health.get("Reason")
    said = " ".join(str(part) for part in (state, reason, health.get("Description")) if part)
    return Member(
        machine=target["Id"],
        port=target.get("Port"),
        zone=target.get("AvailabilityZone") or zones.get(target["Id"]),
        standing=of_target(state, reason),
        reason=said,
    )


def _target(group: Group, machine: str, port: int | None, zone: str | None) -> dict[str, Any]:
    """A target as the API wants it: the zone is for addresses only, an instance's is refused."""
    target: dict[str, Any] = {"Id": machine}
    if port or group.port:
        target["Port"] = port or group.port
    if zone and group.target_type == "ip":
        target["AvailabilityZone"] = zone
    return target


def register(access: AwsAccess, group: Group, machine: str, port: int | None, zone: str | None) -> None:
    """Register a target; one that is draining is registered again."""
    call(
        access,
        REGISTER_TARGETS,
        what=f"attach {machine} to {group.name}",
        on=group.key,
        TargetGroupArn=group.key,
        Targets=[_target(group, machine, port, zone)],
    )


def deregister(access: AwsAccess, group: Group, machine: str, port: int | None, zone: str | None) -> None:
    """Deregister a target; one that is not registered is no error."""
    call(
        access,
        DEREGISTER_TARGETS,
        what=f"detach {machine} from {group.name}",
        on=group.key,
        TargetGroupArn=group.key,
        Targets=[_target(group, machine, port, zone)],
    )
