"""Turns that did not end well: begun anew, halted and left safe, or machine by machine brought back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from include.airlock.aws import commands
from include.airlock.aws.machine_view import MachineView
from include.airlock.aws.standing import Standing
from include.airlock.aws.suspension import resume
from include.airlock.aws.turn_acts import enter
from include.airlock.aws.turn_sight import Sights
from include.airlock.aws.turns import MARGIN_S, SETTLE_S, Turns
from include.airlock.errors import AirlockError, DeployFailed, Overtaken
from include.airlock.model.machines import UNDER_WAY, MachinePhase, MachineRecord, Watch
from include.airlock.model.record import RegionRecord
from include.airlock.model.streak import Accept, Policy
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later

log = logging.getLogger(__name__)

_SHORT = Policy(consecutive=2, unhealthy_after=2, interval_s=0.5, deadline_s=5.0)
"""Whether the old build still runs on a machine: it was up before, so it needs no patience."""


def begin_anew(view: MachineView, turns: Turns, region: RegionRecord) -> Later | None:
    """A turn that stopped and is asked for again gets its time anew; a failed deploy is sent again.

    A command of the earlier try that still runs is cancelled first, and its end waited for.
    """
    again = _due(region.machines, lambda machine: region.new_build)
    later = settle(view, turns, again)
    if later:
        return later
    for machine in again:
        if machine.aim != region.new_build:  # it was brought back, and is released again
            out = machine.phase in UNDER_WAY
            machine.aim = region.new_build
            machine.phase = MachinePhase.LEAVING if out else MachinePhase.WAITING
            machine.command = None
        elif machine.phase is MachinePhase.DEPLOYING and (machine.failure or not _deployed(view, machine)):
            machine.command = None
        machine.failure, machine.since, machine.watch = None, time.time(), None
        machine.left_at = machine.joined_at = None
    if again:
        turns.save()
    return None


def _deployed(view: MachineView, machine: MachineRecord) -> bool:
    """Whether its deploy command ended well, so that only the proof is left."""
    command = machine.command
    if command is None or command.id is None:
        return False
    return commands.state(view.access, command.id, machine.id).status is commands.Status.SUCCEEDED


def make_safe(view: MachineView, turns: Turns, run: ReleaseRun, region: RegionRecord) -> Later | None:
    """The release stops here: a machine that is out goes back if its old build is proved healthy.

    With ``roll_back_machine`` it gets its old build again first where it is not. Machines whose
    turn is over keep the new build. What was suspended is resumed on every path.

    Raises:
        TooFewServe, Stalled, DeployFailed, NotHealthy, NotProven: a machine is left out; says which.
    """
    redeploy = run.request.on_failure == "roll_back_machine"
    mine = [machine for machine in region.machines if machine.phase in UNDER_WAY]
    due = _due(mine, lambda machine: machine.old_build)
    try:
        later = settle(view, turns, due)
        if later is None:
            back = [m for m in mine if m not in due or _turn_back(turns, m, redeploy=redeploy)]
            later = turns.go(back)
    except Overtaken:
        raise  # what is written is the other process's
    except AirlockError as fault:
        _leave_word(view, turns, run, region, fault)
        raise
    if later is None:
        _leave_word(view, turns, run, region)
    return later


def bring_back(view: MachineView, turns: Turns, run: ReleaseRun, region: RegionRecord) -> Later | None:
    """Every machine that this release touched gets its old build again, the last one first, each guarded.

    Raises:
        TooFewServe, Stalled, DeployFailed, NotHealthy, NotProven: a turn stopped; says which.
    """
    mine = [machine for machine in reversed(region.machines) if machine.touched]
    due = _due(mine, lambda machine: machine.old_build)
    try:
        later = settle(view, turns, due)
        if later is None:
            for machine in due:
                _turn_back(turns, machine, redeploy=True)
            later = turns.go(mine)
    except Overtaken:
        raise  # what is written is the other process's
    except AirlockError as fault:
        _leave_word(view, turns, run, region, fault)
        raise
    if later is None:
        region.stand = None
        resume(view.access, run, region)
    return later


def _leave_word(
    view: MachineView, turns: Turns, run: ReleaseRun, region: RegionRecord, fault: AirlockError | None = None
) -> None:
    """Say what is half-done, and give Auto Scaling back, unless the step comes again by itself.

    Raises:
        Overtaken: another process is at work; what is written stays its own.
    """
    region.stand = stand_of(region, turns.sights)
    turns.save()
    if fault is None or not fault.retryable:
        resume(view.access, run, region)


def _turn_back(turns: Turns, machine: MachineRecord, *, redeploy: bool) -> bool:
    """Aim a machine at its old build. False: it stays as it is, since that build is not proved on it."""
    machine.watch = Watch(since=time.time())
    proved = isinstance(turns.sights.page(machine, machine.old_build, _SHORT), Accept)
    if not proved and not redeploy:
        return False
    machine.aim, machine.command, machine.failure = machine.old_build, None, None
    was_out = machine.phase in UNDER_WAY
    if proved:
        enter(machine, MachinePhase.RETURNING)
        text = f"{machine.id} still has {machine.old_build}, proved; it goes back"
    else:
        enter(machine, MachinePhase.LEAVING if was_out else MachinePhase.WAITING)
        text = f"{machine.id} is brought back to {machine.old_build}"
    machine.since, machine.left_at = time.time(), None
    turns.save(event=text)
    return True


def _due(
    machines: Sequence[MachineRecord], aim: Callable[[MachineRecord], str | None]
) -> list[MachineRecord]:
    """Those that do not aim at that build yet; and where one had stopped, every one whose turn is under way.

    A step that merely goes on, after a deferral or a lost worker, finds none stopped: what runs, runs on.
    """
    stopped = any(machine.failure is not None for machine in machines)
    return [
        machine
        for machine in machines
        if machine.aim != aim(machine)
        or machine.failure is not None
        or (stopped and machine.phase in UNDER_WAY)
    ]


def settle(view: MachineView, turns: Turns, machines: list[MachineRecord]) -> Later | None:
    """Wait until no deploy command of ours runs on any of them; running ones are cancelled.

    Raises:
        DeployFailed: one goes on although it was cancelled.
    """
    return turns.wait_for(lambda: all([_settled(view, machine, turns.save) for machine in machines]))


def _settled(view: MachineView, machine: MachineRecord, save: Callable[..., None]) -> bool:
    command = machine.command
    if machine.phase is not MachinePhase.DEPLOYING or command is None or command.sends == 0:
        return True
    if command.id is None:
        command.id = commands.find_sent(
            view.access, machine.id, command.token, datetime.fromtimestamp(command.sent_at, UTC)
        )
    if command.id is None:
        return time.time() - command.sent_at > SETTLE_S
    if commands.state(view.access, command.id, machine.id).status.over:
        return True
    if command.withdrawn_at is None:
        command.withdrawn, command.withdrawn_at = True, time.time()
        save(event=f"cancelling the deploy command on {machine.id}")
        commands.cancel(view.access, command.id, machine.id)
    elif time.time() - command.withdrawn_at > view.service.deploy.timeout.total_seconds() + MARGIN_S:
        command.withdrawn_at = None  # a Clear cancels it again
        raise DeployFailed(f"{machine.id}: the deploy command goes on although it was cancelled")
    return False


def withdraw(view: MachineView, run: ReleaseRun, region: RegionRecord) -> None:
    """Cancel the deploy commands under way, since nobody waits for them any more."""
    for machine in region.machines:
        command = machine.command
        if machine.phase is not MachinePhase.DEPLOYING or command is None or command.id is None:
            continue
        if not commands.state(view.access, command.id, machine.id).status.over:
            command.withdrawn = True
            run.save(region, f"the step was ended, so the deploy command on {machine.id} is cancelled")
            commands.cancel(view.access, command.id, machine.id)


def stand_of(region: RegionRecord, sights: Sights) -> str | None:
    """What is half-done, in a sentence; None when no machine was touched."""
    if not any(machine.touched for machine in region.machines):
        return None
    has_new = [m for m in region.machines if m.phase is MachinePhase.DONE and m.aim == region.new_build]
    parts = [f"{len(has_new)} of {len(region.machines)} machines serve {region.new_build}"]
    for machine in region.machines:
        if machine.phase in UNDER_WAY:
            parts.append(f"{machine.id} {_where(machine, sights)}")
        elif machine.touched and machine.aim == machine.old_build:
            parts.append(f"{machine.id} serves {machine.old_build} again")
    return "; ".join(parts)


def _where(machine: MachineRecord, sights: Sights) -> str:
    """Where a machine stands now, by a look; AWS may not answer, which must not hide the rest."""
    try:
        found = sights.standings(machine)
    except AirlockError as fault:
        log.warning("%s", fault)
        names = ", ".join(membership.name for membership in machine.memberships)
        return f"may be out of {names}, which could not be read"
    words = [f"{_STANDS[standing]} {membership.name}" for membership, standing in found.items()]
    return f"is {', '.join(words)}" if words else "has no proved build"


_STANDS = {
    Standing.OUT: "out of",
    Standing.DRAINING: "draining from",
    Standing.IN_SERVICE: "in service in",
    Standing.REGISTERING: "not yet healthy in",
    Standing.UNHEALTHY: "unhealthy in",
    Standing.UNKNOWN: "in no known state in",
}
