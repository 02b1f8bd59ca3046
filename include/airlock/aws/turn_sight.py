"""What a turn's decision is made from: one machine, looked at now."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from include.airlock.aws import commands, scaling
from include.airlock.aws.capacity import barred
from include.airlock.aws.errors import line
from include.airlock.aws.group import Group
from include.airlock.aws.machine_view import MachineView, registered
from include.airlock.aws.public import worst_of
from include.airlock.aws.standing import Standing
from include.airlock.aws.turn import Sight
from include.airlock.model.health import judge
from include.airlock.model.machines import (
    UNDER_WAY,
    Command,
    MachinePhase,
    MachineRecord,
    Membership,
    Watch,
)
from include.airlock.model.record import RegionRecord
from include.airlock.model.streak import Decision, Policy
from include.airlock.status.watch import watch

log = logging.getLogger(__name__)

_PAGE_S = 5.0
"""Seconds to stay with one machine's page, so that others in their turn are not left waiting."""


@dataclass
class Sights:
    """Looks at machines of one farm.

    ``groups`` are all that its machines are recorded in, by key. ``urls`` lead to the status page
    through the load balancers; empty where none leads to these machines yet.
    """

    view: MachineView
    groups: Mapping[str, Group]
    region: RegionRecord
    urls: Sequence[str]
    _logged: set[str] = field(default_factory=set)

    def of(self, machine: MachineRecord) -> Sight:
        """One machine as it is now; only what its phase asks for is looked at.

        Raises:
            CloudError: AWS could not be asked.
        """
        seen = Sight(tuple(self.standings(machine).items()), lifecycle=self._lifecycle(machine))
        if machine.phase is MachinePhase.RETURNING:
            return self._through(seen)
        command = machine.command
        if machine.phase is MachinePhase.DEPLOYING and command is not None and command.sends:
            self._find(machine, command)
            return seen if command.id is None else self._command(machine, command.id, seen)
        return self._bar(machine, seen)

    def _find(self, machine: MachineRecord, command: Command) -> None:
        """A request that got no answer may have been taken: its token tells."""
        if command.id is None:
            since = datetime.fromtimestamp(command.sent_at, UTC)
            command.id = commands.find_sent(self.view.access, machine.id, command.token, since)

    def standings(self, machine: MachineRecord) -> dict[Membership, Standing]:
        """Where exactly its recorded memberships stand."""
        found: dict[Membership, Standing] = {}
        for key in self._keys(machine):
            own = [membership for membership in machine.memberships if membership.key == key]
            found.update(self.view.standings(self.groups[key], own))
        return found

    def _keys(self, machine: MachineRecord) -> list[str]:
        """The groups that it is recorded in, as far as they are looked at."""
        keys = dict.fromkeys(membership.key for membership in machine.memberships)
        return [key for key in keys if key in self.groups]

    def _lifecycle(self, machine: MachineRecord) -> str | None:
        if machine.scaling_group is None:
            return None
        group = scaling.describe(self.view.access, machine.scaling_group)
        return group.instances.get(machine.id, "gone from its group")

    def _bar(self, machine: MachineRecord, seen: Sight) -> Sight:
        """Whether it may leave, read right before; a machine that is out needs no leave."""
        if not any(registered(standing) for _, standing in seen.standings) and seen.lifecycle != "InService":
            return seen
        members = {key: self.view.members(self.groups[key]) for key in self._keys(machine)}
        floors = [floor for floor in self.region.floors if floor.key in self.groups]
        out = {each.id for each in self.region.machines if each.phase in UNDER_WAY}
        return replace(seen, barred=barred(machine, floors, members, out))

    def _command(self, machine: MachineRecord, command: str, seen: Sight) -> Sight:
        """How its deploy fares; once that ended well, what its own page says."""
        state = commands.state(self.view.access, command, machine.id)
        if state.status.over and command not in self._logged:
            self._logged.add(command)
            log.info(
                "what command %s printed on %s: %s", command, machine.id, line(state.output) or "nothing"
            )
            log.info("and as errors: %s", line(state.error) or "nothing")
        code = "" if state.exit_code is None else f", exit code {state.exit_code}"
        said = f"{line(state.details)}{code} (output: the step's log, or Run Command {command})"
        seen = replace(seen, command=state.status, said=said)
        if state.status is not commands.Status.SUCCEEDED:
            return seen
        return replace(seen, page=self.page(machine, machine.aim))

    def page(self, machine: MachineRecord, build: str | None, policy: Policy | None = None) -> Decision:
        """What its own page's answers came to so far, for that build."""
        policy = policy or self.view.service.status_page.policy()
        machine.watch = machine.watch or Watch(since=time.time())
        watched = watch(
            lambda: self.view.reading(machine.page), build, policy, proof=machine.watch, patience=_PAGE_S
        )
        return watched.decision

    def _through(self, seen: Sight) -> Sight:
        """The page behind the load balancers, where either build may answer while machines take turns."""
        if not seen.serves or not self.urls:
            return seen
        return replace(seen, through=judge(worst_of(self.urls, self.view.reading, None), None))
