"""What to do next about one machine: a pure decision over what is remembered and what was seen.

A machine's turn: it leaves every group, is drained, gets the build, proves it by its own status
page, goes back into exactly the groups that it was in, and is healthy there for a while. Every
wait is for a state and has a limit. Forward and back are the same turn with another ``aim``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from include.airlock.aws.commands import Status
from include.airlock.aws.standing import Standing
from include.airlock.model.machines import Command, MachinePhase, MachineRecord, Membership
from include.airlock.model.streak import Accept, Decision, Fail
from include.airlock.model.verdict import Healthy, Verdict, in_words

MOST_SENDS = 3
"""Deploy commands for one turn, each but the first after proof that the one before is not there."""


class Move(StrEnum):
    """What to do next."""

    LEAVE = "leave"
    WAIT = "wait"
    SEND = "send"
    JOIN = "join"
    DONE = "done"
    STOP = "stop"


class Cause(StrEnum):
    """Why a turn stops."""

    CAPACITY = "capacity"
    STALLED = "stalled"
    DEPLOY = "deploy"
    UNHEALTHY = "unhealthy"
    UNPROVEN = "unproven"


@dataclass(frozen=True)
class Limits:
    """Seconds, but ``soak``, which is healthy reads in a row.

    ``settle`` is how long a command whose request got no answer may still show up in the list.
    """

    capacity: float
    drain: float
    command: float
    settle: float
    healthy: float
    soak: int
    slow_start: float = 0.0


@dataclass(frozen=True)
class Sight:
    """What was seen of one machine now; what was not looked at is None.

    ``lifecycle`` is its state in its Auto Scaling group, ``barred`` why it may not leave,
    ``page`` what the answers of its own status page came to, ``through`` the verdict on the page
    behind the load balancers.
    """

    standings: tuple[tuple[Membership, Standing], ...]
    lifecycle: str | None = None
    barred: str | None = None
    command: Status | None = None
    said: str = ""
    page: Decision | None = None
    through: Verdict | None = None

    def any(self, *wanted: Standing) -> bool:
        """Whether it stands so in any of its groups."""
        return any(standing in wanted for _, standing in self.standings)

    @property
    def out(self) -> bool:
        """Out of every group, drained, and standing by where it belongs to an Auto Scaling group."""
        gone = all(standing is Standing.OUT for _, standing in self.standings)
        return gone and self.lifecycle in (None, "Standby")

    @property
    def serves(self) -> bool:
        """Healthy in every group."""
        inside = all(standing is Standing.IN_SERVICE for _, standing in self.standings)
        return inside and self.lifecycle in (None, "InService")


@dataclass(frozen=True)
class Next:
    """The move, why in a sentence, and for a stop its cause."""

    move: Move
    why: str
    cause: Cause | None = None


def decide(machine: MachineRecord, seen: Sight, limits: Limits, now: float) -> Next:
    """The next move of a machine's turn. ``now`` is in epoch seconds, as the record's times are."""
    spent = now - (machine.since if machine.since is not None else now)
    if machine.phase in (MachinePhase.WAITING, MachinePhase.LEAVING):
        return _leave(machine, seen, limits, spent)
    if machine.phase is MachinePhase.DEPLOYING:
        return _deploy(machine, seen, limits, now)
    if machine.phase is MachinePhase.RETURNING:
        return _return(machine, seen, limits, now, spent)
    return Next(Move.DONE, "its turn is over")


def _leave(machine: MachineRecord, seen: Sight, limits: Limits, spent: float) -> Next:
    if seen.out:
        return Next(Move.SEND, "it is out of every group and drained")
    inside = seen.any(Standing.IN_SERVICE, Standing.REGISTERING, Standing.UNHEALTHY, Standing.UNKNOWN)
    if inside or seen.lifecycle == "InService":
        if not seen.barred and machine.left_at is not None and spent > limits.drain:
            return _stop(Cause.STALLED, f"not taken out after {limits.drain:g} s: {_where(seen)}")
        if not seen.barred:
            return Next(Move.LEAVE, "enough others serve")
        if spent > limits.capacity:
            return _stop(Cause.CAPACITY, f"it may not leave: {seen.barred}")
        return Next(Move.WAIT, f"it may not leave yet: {seen.barred}")
    if spent > limits.drain:
        return _stop(Cause.STALLED, f"not drained after {limits.drain:g} s: {_where(seen)}")
    return Next(Move.WAIT, f"draining: {_where(seen)}")


def _deploy(machine: MachineRecord, seen: Sight, limits: Limits, now: float) -> Next:
    command = machine.command
    if command is None or command.sends == 0:
        if not seen.out:  # somebody put it back before anything was sent
            if seen.barred:
                return _stop(Cause.CAPACITY, f"it was put back by somebody and may not leave: {seen.barred}")
            return Next(Move.LEAVE, f"it was put back by somebody: {_where(seen)}")
        return Next(Move.SEND, "it is out of every group and drained")
    if command.id is None:
        return _lost(command, seen, limits, now)
    ended = _ended(command, seen, limits, now)
    return ended or _proved(seen)


def _lost(command: Command, seen: Sight, limits: Limits, now: float) -> Next:
    """A request without an answer, looked for and not found: send again once it would have shown."""
    if now - command.sent_at <= limits.settle:
        return Next(Move.WAIT, "the deploy request got no answer; its command may still show")
    if command.sends >= MOST_SENDS:
        return _stop(Cause.DEPLOY, f"{command.sends} deploy requests got no answer and left no command")
    return _again(seen, "the deploy request got no answer and left no command")


def _again(seen: Sight, why: str) -> Next:
    """Send once more, unless somebody put the machine back in the meantime: it may be serving."""
    if seen.out:
        return Next(Move.SEND, why)
    return _stop(Cause.STALLED, f"{why}, and somebody put the machine back: {_where(seen)}")


def _ended(command: Command, seen: Sight, limits: Limits, now: float) -> Next | None:
    """What a command's state asks for; None when it succeeded, so that the page decides."""
    if seen.command is Status.SUCCEEDED:
        return None
    if seen.command in (None, Status.PENDING, Status.RUNNING):
        if now - command.sent_at > limits.command:
            return _stop(Cause.DEPLOY, f"the deploy command did not end within {limits.command:g} s")
        return Next(Move.WAIT, f"the deploy command is {seen.command or Status.PENDING}")
    if seen.command is Status.CANCELLED and command.withdrawn and command.sends < MOST_SENDS:
        return _again(seen, "the deploy command was cancelled when its step was ended")
    return _stop(Cause.DEPLOY, f"the deploy command {_ending(seen)}")


def _ending(seen: Sight) -> str:
    words = {Status.CANCELLED: "was cancelled", Status.TIMED_OUT: "timed out"}
    ended = words.get(seen.command or Status.FAILED, "failed")
    return f"{ended}: {seen.said}" if seen.said else ended


def _proved(seen: Sight) -> Next:
    if isinstance(seen.page, Accept):
        return Next(Move.JOIN, f"its own status page: {seen.page.why}")
    if isinstance(seen.page, Fail):
        cause = Cause.UNHEALTHY if seen.page.definite else Cause.UNPROVEN
        return _stop(cause, f"its own status page: {seen.page.why}")
    return Next(Move.WAIT, "its own status page is asked")


def _return(machine: MachineRecord, seen: Sight, limits: Limits, now: float, spent: float) -> Next:
    if not seen.standings and seen.lifecycle is None:
        return Next(Move.DONE, "it was in no group, so there is none to go back to")
    if seen.any(Standing.OUT, Standing.DRAINING) or seen.lifecycle == "Standby":
        if machine.joined_at is not None and spent > limits.healthy:
            return _stop(Cause.STALLED, f"not back after {limits.healthy:g} s: {_where(seen)}")
        return Next(Move.JOIN, f"not in every group: {_where(seen)}")
    if not seen.serves:
        if spent > limits.healthy + limits.slow_start:
            return _stop(Cause.STALLED, f"not healthy after {limits.healthy:g} s: {_where(seen)}")
        return Next(Move.WAIT, f"not healthy everywhere yet: {_where(seen)}")
    if machine.soaked < limits.soak:
        return Next(Move.WAIT, f"healthy {machine.soaked} of {limits.soak} times in a row")
    began = machine.in_service_at if machine.in_service_at is not None else now
    if now - began < limits.slow_start:
        return Next(Move.WAIT, f"slow start for another {limits.slow_start - (now - began):.0f} s")
    if isinstance(seen.through, Healthy):
        return Next(Move.DONE, "healthy in every group, and the page behind them is well")
    said = in_words(seen.through) if seen.through else "not looked at yet"
    if spent > limits.healthy + limits.slow_start:
        return _stop(Cause.UNPROVEN, f"the status page behind the load balancers: {said}")
    return Next(Move.WAIT, f"the status page behind the load balancers: {said}")


def _where(seen: Sight) -> str:
    parts = [f"{membership.name} {standing.value}" for membership, standing in seen.standings]
    return ", ".join(parts + ([f"Auto Scaling {seen.lifecycle}"] if seen.lifecycle else []))


def _stop(cause: Cause, why: str) -> Next:
    return Next(Move.STOP, why, cause)
