"""Looking at machines that serve in groups of load balancers: who is where, and what their own pages say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from include.airlock.aws import commands, groups, machines
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.group import Group, Member
from include.airlock.aws.machines import Machine
from include.airlock.aws.standing import Standing
from include.airlock.model.health import Reading, read
from include.airlock.model.machine_service import MachineService
from include.airlock.model.machines import Membership
from include.airlock.status.probe import fetch, status_url

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
        known = machines.describe(self.access, [*ids, *sorted(others)])
        self._zones.update({machine.id: machine.zone for machine in known.values()})
        return known

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
        target, zone = member.machine, None
        if group.target_type == "ip":
            target = next(address for address, name in self._by_address.items() if name == member.machine)
            zone = member.zone
        return Membership(
            kind=group.kind, key=group.key, name=group.name, target=target, port=member.port, zone=zone
        )

    def members(self, group: Group) -> list[Member]:
        """Everybody in a group, by instance id also where addresses are registered."""
        read = self._named(group, groups.members(self.access, group, zones=self._zones))
        return read if group.cross_zone else self._in_zones(read)

    def _in_zones(self, read: Sequence[Member]) -> list[Member]:
        """With the machines' own zones, where these count; one that EC2 does not know keeps none."""
        unknown = [m.machine for m in read if m.machine not in self._zones and m.machine.startswith("i-")]
        if unknown:
            known = machines.describe(self.access, unknown)
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
            Member(
                self._by_address.get(member.machine, member.machine),
                member.port,
                member.zone,
                member.standing,
                member.reason,
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
