"""The acts of a machine's turn. What is asked is stored before; the next look says what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from include.airlock.aws import commands, groups, scaling
from include.airlock.aws.group import Group
from include.airlock.aws.machine_view import MachineView, registered
from include.airlock.aws.standing import Standing
from include.airlock.aws.suspension import suspend
from include.airlock.aws.turn import Sight
from include.airlock.errors import AirlockError, Rejected, Unreachable
from include.airlock.model.machines import Command, MachinePhase, MachineRecord, Membership
from include.airlock.model.record import RegionRecord
from include.airlock.release.run import ReleaseRun

log = logging.getLogger(__name__)


def enter(machine: MachineRecord, phase: MachinePhase) -> None:
    """Begin a phase, from now on."""
    if machine.phase is not phase:
        machine.phase, machine.since = phase, time.time()
        machine.soaked, machine.in_service_at, machine.watch = 0, None, None
        machine.left_at = machine.joined_at = None


@dataclass
class Acts:
    """Acts on machines of one farm; ``save`` stores the region, or stops when another process has."""

    view: MachineView
    run: ReleaseRun
    region: RegionRecord
    groups: Mapping[str, Group]
    save: Callable[..., None]

    def leave(self, machine: MachineRecord, seen: Sight) -> None:
        """Take it out of every group that holds it; in an Auto Scaling group it goes into standby first."""
        before = machine.model_copy()
        fresh = machine.phase is not MachinePhase.LEAVING
        enter(machine, MachinePhase.LEAVING)
        machine.begun = True
        self.save(event=f"{machine.id} leaves {self._names(machine)}" if fresh else None)
        if machine.scaling_group is not None and seen.lifecycle == "InService":
            self._stand_by(machine, machine.scaling_group, before)
        for membership, standing in seen.standings:
            if registered(standing):
                self._detach(membership)
        if machine.left_at is None:
            machine.left_at = machine.since = time.time()  # draining begins now
            self.save()

    def _stand_by(self, machine: MachineRecord, group: str, before: MachineRecord) -> None:
        """Into standby. Refused while it is in service, it stays in its load balancers too.

        Raises:
            Rejected: with Auto Scaling's reason; nothing was changed.
        """
        suspend(self.view.access, self.run, self.region, group)
        try:
            scaling.enter_standby(self.view.access, group, [machine.id])
        except Rejected as fault:
            if scaling.describe(self.view.access, group).instances.get(machine.id) != "InService":
                log.warning("%s", fault)  # an earlier request was taken
                return
            machine.phase, machine.begun, machine.failure = before.phase, before.begun, str(fault)
            self.save()
            raise

    def _detach(self, membership: Membership) -> None:
        group = self.groups[membership.key]
        try:
            groups.detach(self.view.access, group, membership.target, membership.port, membership.zone)
        except Rejected as fault:
            if fault.code != "InvalidInstance":
                raise
            log.warning("%s", fault)  # a classic load balancer let it go since it was looked at

    def send(self, machine: MachineRecord) -> None:
        """Send the deploy command, once; its token finds it again when the answer is lost.

        Raises:
            Denied, NotFound, Rejected: AWS did not take it.
        """
        enter(machine, MachinePhase.DEPLOYING)
        assert machine.aim is not None
        sends = machine.command.sends if machine.command else 0
        machine.watch = None
        machine.asked, machine.begun = machine.asked + 1, True
        machine.command = Command(
            token=self._token(machine), build=machine.aim, sent_at=time.time(), sends=sends + 1
        )
        self.save()
        deploy = self.view.service.deploy
        try:
            machine.command.id = commands.send(
                self.view.access,
                machine.id,
                deploy.document,
                deploy.document_version,
                deploy.parameters_for(machine.aim),
                machine.command.token,
                deploy.timeout,
            )
        except Unreachable as fault:
            log.warning("%s", fault)
            return
        except AirlockError:
            machine.command.sends -= 1  # it was not taken, so it does not count as asked
            self.save()
            raise
        machine.command.sent_at = time.time()
        self.save(event=f"{machine.id} gets {machine.aim} (command {machine.command.id})")

    def _token(self, machine: MachineRecord) -> str:
        """What tells this very request from all others; it is stored before the request is sent."""
        parts = (
            self.run.release,
            self.region.name,
            machine.id,
            str(machine.aim),
            str(machine.asked),
            repr(time.time()),
        )
        digest = sha256("\0".join(parts).encode()).hexdigest()[:16]
        words = self.view.service.deploy.comment
        return f"{words} airlock {digest}" if words else f"airlock {digest}"

    def join(self, machine: MachineRecord, seen: Sight) -> None:
        """Put it back into exactly the groups that it was in; a draining one is registered again.

        Raises:
            CloudError: one refused it; it was put back into the others.
        """
        fresh = machine.phase is not MachinePhase.RETURNING
        enter(machine, MachinePhase.RETURNING)
        back = f"; back to {self._names(machine)}" if machine.memberships else ""
        text = f"{machine.id} answers {machine.aim} itself{back}"
        self.save(event=text if fresh else None)
        if machine.scaling_group is not None and seen.lifecycle == "Standby":
            try:
                scaling.exit_standby(self.view.access, machine.scaling_group, [machine.id])
            except Rejected as fault:
                if (
                    scaling.describe(self.view.access, machine.scaling_group).instances.get(machine.id)
                    == "Standby"
                ):
                    raise
                log.warning("%s", fault)  # an earlier request was taken
        refused = [
            self._attach(membership)
            for membership, standing in seen.standings
            if standing in (Standing.OUT, Standing.DRAINING)
        ]
        for each in refused:
            if each is not None:
                raise each
        if machine.joined_at is None:
            machine.joined_at = machine.since = time.time()
            self.save()

    def _attach(self, membership: Membership) -> AirlockError | None:
        """One group that refuses it keeps it out of no other."""
        group = self.groups[membership.key]
        try:
            groups.attach(self.view.access, group, membership.target, membership.port, membership.zone)
        except AirlockError as fault:
            return fault
        return None

    def done(self, machine: MachineRecord) -> None:
        """Its turn is over."""
        enter(machine, MachinePhase.DONE)
        machine.failure = None
        verb = "serves" if machine.memberships else "has"
        count = sum(each.phase is MachinePhase.DONE for each in self.region.machines)
        self.save(
            event=f"{machine.id} {verb} {machine.aim} ({count} of {len(self.region.machines)} machines)"
        )

    def _names(self, machine: MachineRecord) -> str:
        return ", ".join(membership.name for membership in machine.memberships)
