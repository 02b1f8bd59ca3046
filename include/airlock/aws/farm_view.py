"""Looking at one farm: its machines, every group that any of them serves in, and their status pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.airlock.aws import commands, documents, groups, scaling
from include.airlock.aws.connection import read_connection
from include.airlock.aws.group import Group, Member
from include.airlock.aws.machine_view import MachineSeen, MachineView
from include.airlock.aws.public import page_urls
from include.airlock.aws.standing import Standing
from include.airlock.errors import Refused
from include.airlock.model.health import Reading
from include.airlock.model.rolling import Farm, RollingRegion, RollingService


@dataclass(frozen=True)
class FarmSeen:
    """All that a preflight judges of a farm; ``members`` by group key, ``named`` those of the spec."""

    machines: tuple[MachineSeen, ...]
    groups: tuple[Group, ...]
    members: Mapping[str, Sequence[Member]]
    scaling: Mapping[str, scaling.ScalingGroup]
    document_faults: tuple[str, ...] = ()
    public: tuple[tuple[str, Reading], ...] = ()
    named: frozenset[str] = frozenset()


class FarmView(MachineView):
    """One farm of a service, through the connection that its region names.

    Raises:
        ConnectionMissing: the connection is absent or incomplete.
    """

    def __init__(self, service: RollingService, place: str) -> None:
        self.region: RollingRegion
        self.farm: Farm
        self.region, self.farm = service.lane(place)
        super().__init__(service, read_connection(self.region.connection, self.region.aws_region))
        self._drain = service.drain_timeout

    @property
    def drain_timeout_s(self) -> float | None:
        """Seconds that draining may take, where the spec says so itself."""
        return None if self._drain is None else self._drain.total_seconds()

    def look(self, build: str) -> FarmSeen:
        """Everything of the farm, for a release of ``build``.

        Raises:
            NotFound: a group, a machine, an Auto Scaling group or the document does not exist.
            Refused: the farm has no machines.
        """
        named = groups.find(self.access, self.farm.target_groups, self.farm.classic_load_balancers)
        ids = self._ids(named)
        every = groups.all_groups(self.access, self.holding(ids))
        found = [*named, *(group for group in every if group.key not in {known.key for known in named})]
        members = {group.key: self.members(group) for group in found}
        in_groups = scaling.groups_of(self.access, ids)
        pings = commands.pings(self.access, ids)
        known = self.describe(ids, members)
        seen = tuple(
            self.machine_seen(known[each], found, members, in_groups.get(each), pings[each]) for each in ids
        )
        deploy = self.service.deploy
        document = documents.read_document(self.access, deploy.document, deploy.document_version)
        urls = page_urls(self.access, named or found, self.farm.public_host, self.service.status_page.path)
        return FarmSeen(
            machines=seen,
            groups=tuple(found),
            members={group.key: self.members(group) for group in found},  # now with their zones
            scaling={name: scaling.describe(self.access, name) for name in sorted(set(in_groups.values()))},
            document_faults=tuple(documents.faults_of(document, deploy.parameters_for(build))),
            named=frozenset(group.key for group in named),
            public=tuple((url, self.reading(url)) for url in urls),
        )

    def _ids(self, named: Sequence[Group]) -> list[str]:
        """The farm's machines in the order of release: as listed, else all members by id."""
        if self.farm.instances:
            return list(self.farm.instances)
        members = [member for group in named for member in self.members(group)]
        ids = sorted({member.machine for member in members if member.standing is not Standing.OUT})
        if not ids:
            names = ", ".join(group.name for group in named)
            raise Refused(f"farm '{self.farm.name}' is empty: no machine is registered in {names}")
        return ids

    def public_urls(self) -> tuple[str, ...]:
        """The status page's address through every load balancer that the spec names, or of its own domain.

        A farm of listed machines alone has those of every group that a machine of it is in.
        """
        host, path = self.farm.public_host, self.service.status_page.path
        if host is not None:
            return page_urls(self.access, (), host, path)
        named = groups.find(self.access, self.farm.target_groups, self.farm.classic_load_balancers)
        if not named:
            named = groups.all_groups(self.access, self.holding(self.farm.instances))
        return page_urls(self.access, named, None, path)
