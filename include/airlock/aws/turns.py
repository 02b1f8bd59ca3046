"""Machines in turn: look, decide, act, look, until each of them serves the build that it is to have.

The loop holds nothing that is not in the record, so a new process goes on where a killed one was.
What to do is decided in ``turn`` and ``capacity``.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence

from include.airlock.aws.machine_view import MachineView
from include.airlock.aws.turn import Cause, Limits, Move, Next, Sight, decide
from include.airlock.aws.turn_acts import Acts
from include.airlock.aws.turn_sight import Sights
from include.airlock.errors import (
    AirlockError,
    DeployFailed,
    NotHealthy,
    NotProven,
    Stalled,
    TooFewServe,
    Transient,
)
from include.airlock.model.machines import UNDER_WAY, GroupFloor, MachinePhase, MachineRecord
from include.airlock.model.record import RegionRecord
from include.airlock.release.looks import looked
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later

log = logging.getLogger(__name__)

_FAULTS: dict[Cause | None, type[AirlockError]] = {
    Cause.CAPACITY: TooFewServe,
    Cause.STALLED: Stalled,
    Cause.DEPLOY: DeployFailed,
    Cause.UNHEALTHY: NotHealthy,
    Cause.UNPROVEN: NotProven,
}

SETTLE_S = 30.0
"""Seconds after which a command whose request got no answer would be in Systems Manager's list."""

MARGIN_S = 60.0
"""Seconds on top of a time that AWS itself keeps to, for the states to be told."""

SLOW_MARGIN_S = 300.0
"""The same for Network Load Balancers, which were reported to take 3 to 5 minutes each way."""


class Turns:
    """Turns of machines, ``most`` of them out at once.

    ``save`` stores the region, or stops when another process has. ``urls`` are the status page's
    addresses through the load balancers, empty where none leads to these machines yet. With
    ``gone`` a group that somebody deleted is left out: on the way back it must hold up no other.
    """

    def __init__(
        self,
        view: MachineView,
        run: ReleaseRun,
        region: RegionRecord,
        save: Callable[..., None],
        *,
        urls: Sequence[str],
        most: int,
        patience: float,
        gone: bool = False,
    ) -> None:
        self._view = view
        self._region = region
        self._most = most
        self._patience = patience
        self._began = time.time()
        self._said: dict[str, str] = {}
        known = view.groups_of(region.machines, gone=gone)
        self.save = save
        self.sights = Sights(view, known, region, urls)
        self.acts = Acts(view, run, region, known, self.save)

    def go(self, machines: Sequence[MachineRecord]) -> Later | None:
        """Give each machine its turn; ``Later`` when a wait outlasts the patience.

        Raises:
            TooFewServe, Stalled, DeployFailed, NotHealthy, NotProven: a turn stopped; the machine says where.
            Drifted: another process is at work on the same farm.
            Transient: AWS has not answered for long.
        """
        silent: Transient | None = None
        while left := [machine for machine in machines if machine.phase is not MachinePhase.DONE]:
            begun = [machine for machine in left if machine.phase in UNDER_WAY]
            fresh = [machine for machine in left if machine.phase not in UNDER_WAY]
            active = begun + fresh[: max(0, self._most - len(begun))]
            try:
                acted = [self._step(machine) for machine in active]
                silent = None
            except Transient as fault:
                log.warning("%s", fault)
                silent, acted = fault, []
            if any(acted):
                continue
            later = self._pause(min((self._least(machine) for machine in active), default=0.0))
            if later and silent:
                raise silent  # a deferral would begin anew and never end; Airflow's retries are counted
            if later:
                return later
        return None

    def wait_for(self, reached: Callable[[], bool]) -> Later | None:
        """Look again and again until a state is reached; ``Later`` when that outlasts the patience."""
        while not reached():
            later = self._pause(0.0)
            if later:
                return later
        return None

    def _pause(self, least: float) -> Later | None:
        """The pause between two looks; a step whose patience is over comes back after ``least`` seconds."""
        pause = self._view.service.poll.total_seconds() * random.uniform(0.9, 1.1)  # noqa: S311 jitter
        if time.time() + max(pause, least) - self._began > self._patience:
            self.save()
            return Later(max(pause, least))
        time.sleep(pause)  # between two looks; the state is read each time
        return None

    def _step(self, machine: MachineRecord) -> bool:
        """Look at one machine, decide, act; True when something was done, so that a new look is due."""
        others = any(each.phase in UNDER_WAY for each in self._region.machines)
        if machine.phase is MachinePhase.WAITING and (machine.since is None or others):
            machine.since = time.time()  # what other turns of ours take is no lack of capacity
        seen = self.sights.of(machine)
        self._count(machine, seen)
        decision = decide(machine, seen, self._limits(machine), time.time())
        if self._said.get(machine.id) != decision.why:
            self._said[machine.id] = decision.why
            log.info("%s: %s: %s", machine.id, decision.move, decision.why)
            if decision.move is not Move.WAIT:
                looked(self._region, f"{machine.id}: {decision.why}")  # what the act that follows rests on
        return self._act(machine, seen, decision)

    def _count(self, machine: MachineRecord, seen: Sight) -> None:
        """Healthy looks in a row; one that is not begins anew."""
        if machine.phase is not MachinePhase.RETURNING:
            return
        if not seen.serves:
            machine.soaked, machine.in_service_at = 0, None
            return
        machine.soaked += 1
        machine.in_service_at = machine.in_service_at or time.time()

    def _act(self, machine: MachineRecord, seen: Sight, decision: Next) -> bool:
        """True when the machine got on; the same request sent again waits for the next look."""
        before = (machine.phase, machine.command)
        if decision.move is Move.STOP:
            machine.failure = decision.why
            self.save()
            raise _FAULTS[decision.cause](f"{machine.id}: {decision.why}")
        if decision.move is Move.LEAVE:
            self.acts.leave(machine, seen)
        elif decision.move is Move.SEND:
            self.acts.send(machine)
        elif decision.move is Move.JOIN:
            self.acts.join(machine, seen)
        elif decision.move is Move.DONE:
            self.acts.done(machine)
        if (machine.phase, machine.command) == before:
            return False
        self._began = time.time()  # patience is with a wait, not with a farm of many machines
        return True

    def _limits(self, machine: MachineRecord) -> Limits:
        service = self._view.service
        floors = self._floors(machine)
        delay = max([floor.delay_s for floor in floors], default=0.0)
        margin = SLOW_MARGIN_S if any(floor.slow for floor in floors) else MARGIN_S
        healthy = service.healthy_timeout.total_seconds()
        return Limits(
            capacity=healthy,
            drain=self._view.drain_timeout_s or delay + margin,
            command=service.deploy.timeout.total_seconds() + MARGIN_S,
            settle=SETTLE_S,
            healthy=healthy,
            soak=service.soak,
            slow_start=max([floor.slow_start_s for floor in floors], default=0.0),
        )

    def _floors(self, machine: MachineRecord) -> list[GroupFloor]:
        keys = {membership.key for membership in machine.memberships}
        return [floor for floor in self._region.floors if floor.key in keys]

    def _least(self, machine: MachineRecord) -> float:
        """Seconds that the present wait lasts at least, by AWS's own settings.

        A target group drains for its whole delay, and counts so many checks before it says healthy.
        """
        if machine.since is None or machine.soaked:
            return 0.0
        floors = [floor for floor in self._floors(machine) if floor.kind == "target_group"]
        waits = {
            MachinePhase.LEAVING: [floor.delay_s for floor in floors],
            MachinePhase.RETURNING: [floor.healthy_s for floor in floors],
        }.get(machine.phase, [])
        return max(0.0, max(waits, default=0.0) - (time.time() - machine.since))
