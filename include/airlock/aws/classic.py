"""Classic load balancers, as the elb API shows and changes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from include.airlock.aws.clients import call, pages
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.group import Group, Member, PublicAddress
from include.airlock.aws.operations import (
    DEREGISTER_INSTANCES,
    DESCRIBE_CLASSIC,
    DESCRIBE_CLASSIC_ATTRIBUTES,
    DESCRIBE_INSTANCE_HEALTH,
    REGISTER_INSTANCES,
)
from include.airlock.aws.standing import Standing, of_classic

_SCHEMES = {"HTTP": "http", "HTTPS": "https", "TCP": "http", "SSL": "https"}


def listed(access: AwsAccess) -> list[dict[str, Any]]:
    """All classic load balancers of the region, as AWS describes them."""
    return pages(
        access,
        DESCRIBE_CLASSIC,
        "LoadBalancerDescriptions",
        what=f"list the classic load balancers of {access.region}",
    )


def group(access: AwsAccess, row: dict[str, Any]) -> Group:
    """A group from its description and its attributes, which take a call of their own.

    Connection draining is off unless it was switched on; then requests in flight are cut.
    """
    name = row["LoadBalancerName"]
    answer = call(
        access,
        DESCRIBE_CLASSIC_ATTRIBUTES,
        what=f"read the attributes of {name}",
        needs="LoadBalancerAttributes",
        LoadBalancerName=name,
    )
    attributes = answer["LoadBalancerAttributes"]
    draining = attributes.get("ConnectionDraining") or {}
    on = bool(draining.get("Enabled"))
    check = row.get("HealthCheck") or {}
    return Group(
        kind="classic",
        key=name,
        name=name,
        port=_instance_port(row),
        draining=on,
        delay_s=float(draining.get("Timeout") or 300) if on else 0.0,
        cross_zone=bool((attributes.get("CrossZoneLoadBalancing") or {}).get("Enabled")),
        slow_start_s=0.0,
        interval_s=float(check.get("Interval") or 0),
        healthy_threshold=int(check.get("HealthyThreshold") or 1),
        unhealthy_threshold=int(check.get("UnhealthyThreshold") or 1),
        load_balancers=(name,),
        target_type="instance",
        vpc=row.get("VPCId"),
    )


def _instance_port(row: dict[str, Any]) -> int | None:
    """The one port the listeners use on the machines, otherwise the health check's."""
    listeners = [part.get("Listener") or {} for part in row.get("ListenerDescriptions") or []]
    ports = {int(listener["InstancePort"]) for listener in listeners if listener.get("InstancePort")}
    if len(ports) == 1:
        return ports.pop()
    checked = str((row.get("HealthCheck") or {}).get("Target") or "").partition(":")[2].partition("/")[0]
    return int(checked) if checked.isdecimal() else None


def _states(access: AwsAccess, name: str) -> list[dict[str, Any]]:
    # Asked for all: a call that names one machine which is not registered is refused as a whole.
    answer = call(
        access,
        DESCRIBE_INSTANCE_HEALTH,
        what=f"read the health of {name}",
        needs="InstanceStates",
        LoadBalancerName=name,
    )
    rows: list[dict[str, Any]] = answer["InstanceStates"]
    return rows


def holds(access: AwsAccess, row: dict[str, Any], machines: Collection[str]) -> bool:
    """Whether one of these is registered by the load balancer's description."""
    return any(part.get("InstanceId") in machines for part in row.get("Instances") or [])


def members(
    access: AwsAccess,
    group: Group,
    targets: Sequence[tuple[str, int | None]] | None,
    zones: Mapping[str, str | None],
) -> list[Member]:
    """See ``groups.members``. The list is whole, so who is absent from it is out."""
    rows = {row["InstanceId"]: row for row in _states(access, group.name)}
    if targets is None:
        return [_member(row, group, zones) for row in rows.values()]
    return [
        _member(rows[machine], group, zones)
        if machine in rows
        else Member(machine, group.port, zones.get(machine), Standing.OUT, "not registered")
        for machine, _ in targets
    ]


def _member(row: dict[str, Any], group: Group, zones: Mapping[str, str | None]) -> Member:
    state, code, description = row.get("State"), row.get("ReasonCode"), row.get("Description")
    said = " ".join(str(part) for part in (state, code, description) if part and part != "N/A")
    machine = row["InstanceId"]
    return Member(machine, group.port, zones.get(machine), of_classic(state, code, description), said)


def register(access: AwsAccess, group: Group, machine: str) -> None:
    """Register a machine; one that is registered already is no error."""
    call(
        access,
        REGISTER_INSTANCES,
        what=f"attach {machine} to {group.name}",
        on=f"loadbalancer/{group.name}",
        LoadBalancerName=group.name,
        Instances=[{"InstanceId": machine}],
    )


def deregister(access: AwsAccess, group: Group, machine: str) -> None:
    """Deregister a machine.

    Raises:
        Rejected: with the code ``InvalidInstance`` where the machine is not registered.
    """
    call(
        access,
        DEREGISTER_INSTANCES,
        what=f"detach {machine} from {group.name}",
        on=f"loadbalancer/{group.name}",
        LoadBalancerName=group.name,
        Instances=[{"InstanceId": machine}],
    )


def public_addresses(access: AwsAccess, group: Group) -> list[PublicAddress]:
    """See ``groups.public_addresses``."""
    found = pages(
        access,
        DESCRIBE_CLASSIC,
        "LoadBalancerDescriptions",
        what=f"describe {group.name}",
        LoadBalancerNames=[group.name],
    )
    return [
        PublicAddress(access.public_scheme or scheme, row["DNSName"], int(listener["LoadBalancerPort"]))
        for row in found
        for listener in _listeners(row)
        if (scheme := _SCHEMES.get(str(listener.get("Protocol")).upper()))
    ]


def _listeners(row: dict[str, Any]) -> list[dict[str, Any]]:
    found = [part.get("Listener") or {} for part in row.get("ListenerDescriptions") or []]
    return sorted(found, key=lambda listener: int(listener.get("LoadBalancerPort") or 0))
