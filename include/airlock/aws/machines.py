"""Machines as EC2 shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from include.airlock.aws.clients import chunks, pages
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.operations import DESCRIBE_INSTANCES
from include.airlock.errors import NotFound

_MOST_VALUES = 200
"""Values of one filter: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html"""


@dataclass(frozen=True)
class Machine:
    """One EC2 instance; ``state`` is EC2's word (``running``), ``zone`` the availability zone's name."""

    id: str
    state: str
    private_ip: str | None
    public_ip: str | None
    private_dns: str | None
    public_dns: str | None
    zone: str | None
    vpc: str | None
    name: str | None
    addresses: tuple[str, ...] = ()


def describe(access: AwsAccess, machines: Iterable[str]) -> dict[str, Machine]:
    """The machines of these ids, by id and in their order, in one call for each 200 of them.

    Raises:
        NotFound: names every id that the region does not know.
    """
    asked = list(dict.fromkeys(machines))
    # A filter leaves unknown ids out where InstanceIds would refuse the whole call.
    found = {machine.id: machine for machine in _filtered(access, "instance-id", asked)}
    absent = [machine for machine in asked if machine not in found]
    if absent:
        raise NotFound(f"no such instance in {access.region}: {', '.join(absent)}", status=404)
    return {machine: found[machine] for machine in asked}


def known(access: AwsAccess, machines: Iterable[str]) -> dict[str, Machine]:
    """Those of these machines that the region knows, by id."""
    asked = list(dict.fromkeys(machines))
    return {machine.id: machine for machine in _filtered(access, "instance-id", asked)}


def by_address(access: AwsAccess, addresses: Iterable[str], vpc: str | None = None) -> dict[str, Machine]:
    """The machines that have these private addresses, by address; an address of no machine is absent.

    For target groups of type ``ip``. Private addresses repeat between networks: name the ``vpc``.
    """
    found = _filtered(access, "private-ip-address", list(dict.fromkeys(addresses)))
    return {
        machine.private_ip: machine
        for machine in found
        if machine.private_ip is not None and vpc in (None, machine.vpc)
    }


def _filtered(access: AwsAccess, name: str, values: Sequence[str]) -> list[Machine]:
    return [
        _machine(row)
        for part in chunks(values, _MOST_VALUES)
        for reservation in pages(
            access,
            DESCRIBE_INSTANCES,
            "Reservations",
            what=f"describe instances in {access.region}",
            Filters=[{"Name": name, "Values": list(part)}],
        )
        for row in reservation.get("Instances") or []
    ]


def _machine(row: dict[str, Any]) -> Machine:
    tags = {tag.get("Key"): tag.get("Value") for tag in row.get("Tags") or []}
    return Machine(
        id=row["InstanceId"],
        state=(row.get("State") or {}).get("Name") or "unknown",
        private_ip=row.get("PrivateIpAddress") or None,
        public_ip=row.get("PublicIpAddress") or None,
        private_dns=row.get("PrivateDnsName") or None,
        public_dns=row.get("PublicDnsName") or None,
        zone=(row.get("Placement") or {}).get("AvailabilityZone"),
        vpc=row.get("VpcId"),
        name=tags.get("Name"),
        addresses=_addresses(row),
    )


def _addresses(row: dict[str, Any]) -> tuple[str, ...]:
    """Every private address: each of them may be registered in a target group of type ``ip``."""
    found = [
        address.get("PrivateIpAddress")
        for interface in row.get("NetworkInterfaces") or []
        for address in interface.get("PrivateIpAddresses") or []
    ]
    return tuple(dict.fromkeys(each for each in (row.get("PrivateIpAddress"), *found) if each))
