"""Looking at a listener with two target groups: which one is live, and who is in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.airlock.aws import commands, documents, groups, listeners, scaling
from include.airlock.aws.connection import read_connection
from include.airlock.aws.group import Group, Member
from include.airlock.aws.listeners import Route
from include.airlock.aws.machine_view import MachineSeen, MachineView
from include.airlock.aws.shift_decision import Sides, sides_of
from include.airlock.aws.standing import Standing
from include.airlock.errors import Refused
from include.airlock.model.blue_green import BlueGreenService
from include.airlock.model.health import Reading
from include.airlock.status.probe import status_url


@dataclass(frozen=True)
class RouterSeen:
    """All that a preflight judges of a listener; ``machines`` are the idle group's."""

    route: Route
    sides: Sides
    groups: Mapping[str, Group]
    members: Mapping[str, Sequence[Member]]
    machines: tuple[MachineSeen, ...]
    elsewhere: Mapping[str, tuple[str, ...]]
    document_faults: tuple[str, ...]
    public: Reading


class RouterView(MachineView):
    """One listener or rule of a service, through the connection that its region names.

    Raises:
        ConnectionMissing: the connection is absent or incomplete.
    """

    def __init__(self, service: BlueGreenService, place: str) -> None:
        self.region = service.region(place)
        self.blue_green = service
        super().__init__(service, read_connection(self.region.connection, self.region.aws_region))

    def route(self) -> Route:
        """The listener or rule as it is now.

        Raises:
            NotFound: there is none.
        """
        return listeners.find(self.access, listener=self.region.listener, rule=self.region.rule)

    def url(self, route: Route) -> str:
        """The status page's address as clients reach it."""
        path = self.service.status_page.path
        if self.region.public_host is not None:
            return status_url(self.region.public_host, self.access.public_scheme or "https", path)
        address = listeners.public_address(self.access, route)
        scheme = self.access.public_scheme or address.scheme
        return status_url(f"{address.host}:{address.port}", scheme, path)

    def pair(self) -> dict[str, Group]:
        """The two target groups by ARN.

        Raises:
            NotFound: names the one that does not exist.
        """
        return {group.key: group for group in groups.find(self.access, self.region.target_groups, ())}

    def look(self, build: str) -> RouterSeen:
        """Everything of the listener, for a release of ``build``.

        Raises:
            NotFound: a group, the listener or the document does not exist.
            Refused: it can't be told which group is idle, or the idle one is empty.
        """
        pair, route = self.pair(), self.route()
        sides = sides_of(route.forward.weights, tuple(pair))
        if sides.fault:
            raise Refused(f"{self.region.switch}: {sides.fault}")
        members = {arn: self.members(group) for arn, group in pair.items()}
        ids = self.ids(members[sides.idle])
        if not ids:
            raise Refused(
                f"{pair[sides.idle].name}, the idle group, is empty: no machine is registered in it"
            )
        deploy = self.service.deploy
        document = documents.read_document(self.access, deploy.document, deploy.document_version)
        return RouterSeen(
            route=route,
            sides=sides,
            groups=pair,
            members=members,
            machines=self._machines(pair[sides.idle], members, ids),
            elsewhere=self._elsewhere(ids, sides.idle),
            document_faults=tuple(documents.faults_of(document, deploy.parameters_for(build))),
            public=self.reading(self.url(route)),
        )

    def ids(self, members: Sequence[Member]) -> list[str]:
        """The machines of a group, by instance id."""
        return sorted({member.machine for member in members if member.standing is not Standing.OUT})

    def _machines(
        self, idle: Group, members: Mapping[str, Sequence[Member]], ids: Sequence[str]
    ) -> tuple[MachineSeen, ...]:
        known, pings = self.describe(ids, members), commands.pings(self.access, ids)
        within = scaling.groups_of(self.access, ids)
        return tuple(
            self.machine_seen(known[each], [idle], members, within.get(each), pings[each]) for each in ids
        )

    def _elsewhere(self, ids: Sequence[str], idle: str) -> dict[str, tuple[str, ...]]:
        """Other groups that hold machines of the idle group: a deploy would be felt there."""
        found: dict[str, tuple[str, ...]] = {}
        for group in groups.all_groups(self.access, self.holding(ids)):
            if group.key != idle:
                found[group.name] = tuple(each for each in self.ids(self.members(group)) if each in ids)
        return {name: machines for name, machines in found.items() if machines}

    def builds(self, group: Group) -> dict[str, tuple[bool, str | None]]:
        """Each machine of a group: whether it is healthy on every port, and the build that it answers itself.

        Raises:
            NotFound: EC2 does not know one of them.
        """
        members = [member for member in self.members(group) if member.standing is not Standing.OUT]
        ids = self.ids(members)
        known = self.describe(ids, {group.key: members}) if ids else {}
        found = {}
        for each in ids:
            own = [member for member in members if member.machine == each]
            page = self.page_of(known[each], next((member.port for member in own if member.port), None))
            well = all(member.standing is Standing.IN_SERVICE for member in own)
            found[each] = (well, self.reading(page).build if page else None)
        return found

    def all_healthy(self, group: Group, ids: Sequence[str]) -> bool:
        """Whether exactly these machines are healthy in a group, every one of them on every port."""
        members = [member for member in self.members(group) if member.standing is not Standing.OUT]
        healthy = all(member.standing is Standing.IN_SERVICE for member in members)
        return healthy and {member.machine for member in members} >= set(ids) and bool(ids)
