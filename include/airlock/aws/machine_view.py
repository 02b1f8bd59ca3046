"""Looking at machines that serve in groups of load balancers: who is where, and what their own pages say."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from include.airlock.aws import commands, groups, machines
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.group import Group, Member
from include.airlock.aws.machines import Machine
from include.airlock.aws.standing import Standing
from include.airlock.errors import NotFound
from include.airlock.model.health import Reading, read
from include.airlock.model.machine_service import MachineService
from include.airlock.model.machines import MachineRecord, Membership
from include.airlock.status.probe import fetch, status_url

log = logging.getLogger(__name__)

_THERE = (Standing.IN_SERVICE, Standing.REGISTERING, Standing.UNHEALTHY, Standing.UNKNOWN)


@dataclass(frozen=True)
class MachineSeen:
    """One machine of a farm as it was seen. ``page`` is its own status page's address, None without one."""

    machine: Machine
    memberships: tuple[tuple[Membership, Standing], ...]
    scaling_group: str | None
    page: str | None
    reading: Reading
    ping: commands.Ping


@dataclass
class MachineView:
    """Machines of one service, through one connection."""

    service: MachineService
    access: AwsAccess
    _zones: dict[str, str | None] = field(default_factory=dict)
    _by_address: dict[str, str] = field(default_factory=dict)

    @property
    def drain_timeout_s(self) -> float | None:
        """Seconds that draining may take, where the spec says so itself."""
        return None

    def describe(self, ids: Iterable[str], members: Mapping[str, Sequence[Member]]) -> dict[str, Machine]:
        """The machines of these ids, and those of the groups, whose zones are remembered.

        Raises:
            NotFound: names every id that the region does not know.
        """
        others = {
            member.machine for each in members.values() for member in each if member.machine.startswith("i-")
        }
        known = machines.describe(self.access, ids) | machines.known(self.access, sorted(others - set(ids)))
        self._zones.update({machine.id: machine.zone for machine in known.values()})
        for machine in known.values():
            self._by_address.update(dict.fromkeys(machine.addresses, machine.id))
        return known

    def holding(self, ids: Sequence[str]) -> set[str]:
        """What these machines may be registered as: their ids and every private address."""
        known = self.describe(ids, {})
        return {*ids, *(address for machine in known.values() for address in machine.addresses)}

    def groups_of(self, held: Iterable[MachineRecord], *, gone: bool = False) -> dict[str, Group]:
        """Every group that these machines are recorded in, by key; with ``gone`` those that still exist.

        Raises:
            NotFound: names the groups that are gone.
        """
        places = {(each.kind, each.key) for machine in held for each in machine.memberships}
        arns = sorted(key for kind, key in places if kind == "target_group")
        names = sorted(key for kind, key in places if kind == "classic")
        if gone:
            found = [group for arn in arns for group in self._found([arn], [])]
            found += [group for name in names for group in self._found([], [name])]
        else:
            found = groups.find(self.access, arns, names) if places else []
        return {group.key: group for group in found}

    def _found(self, arns: Sequence[str], names: Sequence[str]) -> list[Group]:
        """The group, or none where somebody deleted it: the machine's other groups must not suffer."""
        try:
            return groups.find(self.access, arns, names)
        except NotFound as fault:
            log.warning("%s", fault)
            return []

    def machine_seen(
        self,
        machine: Machine,
        found: Sequence[Group],
        members: Mapping[str, Sequence[Member]],
        scaling_group: str | None,
        ping: commands.Ping,
    ) -> MachineSeen:
        """One machine with its place in every group that was found, and what its own page says."""
        own = tuple(
            (self._membership(group, member), member.standing)
            for group in found
            for member in members[group.key]
            if member.machine == machine.id and member.standing is not Standing.OUT
        )
        page = self.page_of(machine, next((m.port for m, _ in own if m.port), None))
        reading = self.reading(page) if page else Reading(faults=("it has no address to ask",))
        return MachineSeen(machine, own, scaling_group, page, reading, ping)

    def _membership(self, group: Group, member: Member) -> Membership:
        """As it is registered. Only addresses are registered with a zone."""
        return Membership(
            kind=group.kind,
            key=group.key,
            name=group.name,
            target=member.address or member.machine,
            port=member.port,
            zone=member.zone if group.target_type == "ip" else None,
        )

    def members(self, group: Group) -> list[Member]:
        """Everybody in a group, by instance id also where addresses are registered."""
        read = self._named(group, groups.members(self.access, group, zones=self._zones))
        return read if group.cross_zone else self._in_zones(read)

    def _in_zones(self, read: Sequence[Member]) -> list[Member]:
        """With the machines' own zones, where these count; one that EC2 does not know keeps none."""
        unknown = [m.machine for m in read if m.machine not in self._zones and m.machine.startswith("i-")]
        if unknown:
            known = machines.known(self.access, unknown)
            self._zones.update({machine.id: machine.zone for machine in known.values()})
        return [replace(member, zone=self._zones.get(member.machine, member.zone)) for member in read]

    def standings(self, group: Group, memberships: Sequence[Membership]) -> dict[Membership, Standing]:
        """Where exactly these memberships stand; one that was drained is OUT."""
        asked = [(membership.target, membership.port) for membership in memberships]
        read = groups.members(self.access, group, asked)
        return {membership: member.standing for membership, member in zip(memberships, read, strict=True)}

    def _named(self, group: Group, read: Sequence[Member]) -> list[Member]:
        if group.target_type != "ip":
            return list(read)
        unknown = [member.machine for member in read if member.machine not in self._by_address]
        if unknown:
            found = machines.by_address(self.access, unknown, group.vpc)
            self._by_address.update({address: machine.id for address, machine in found.items()})
        return [
            replace(
                member,
                machine=self._by_address.get(member.machine, member.machine),
                address=member.machine,
            )
            for member in read
        ]

    def page_of(self, machine: Machine, port: int | None) -> str | None:
        """The address of a machine's own status page, past every load balancer."""
        how = self.service.machine
        host = getattr(machine, how.address)
        port = how.port or port
        if not host or not port:
            return None
        return status_url(f"{host}:{port}", how.scheme, self.service.status_page.path)

    def reading(self, url: str) -> Reading:
        """One reading of a status page, on a fresh connection."""
        page = self.service.status_page
        return read(fetch(url, timeout=page.timeout.total_seconds(), ca_file=self.access.ca_file), page)


def registered(standing: Standing) -> bool:
    """Whether a machine is held by a group, in whatever state, and not on its way out."""
    return standing in _THERE
