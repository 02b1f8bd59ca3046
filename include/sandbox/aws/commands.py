"""Run Command: commands that really run on the machines, and what can be read of them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from include.sandbox.aws.documents import Step
from include.sandbox.aws.machines import RUNNING, Machine
from include.sandbox.aws.programs import Terminal, run_line
from include.sandbox.aws.surroundings import Surroundings

ENDED = ("Success", "Failed", "TimedOut", "Cancelled")
_ONLINE_LOOK = 0.05


@dataclass
class Invocation:
    """A command on one machine. Status and details are SSM's words."""

    machine: Machine
    status: str = "Pending"
    details: str = "Pending"
    exit_code: int = -1
    step: str = ""
    terminal: Terminal = field(default_factory=Terminal)
    started: datetime | None = None
    ended: datetime | None = None
    work: asyncio.Task[None] | None = None

    def end(self, status: str, details: str | None = None) -> None:
        """Set how it ended; a first end is final."""
        if self.status not in ENDED:
            self.status, self.details, self.ended = status, details or status, datetime.now(UTC)


@dataclass
class Command:
    """One command: what was asked, and one invocation per machine."""

    document: str
    version: str
    parameters: Mapping[str, list[str]]
    comment: str
    timeout: int
    region: str
    targets: list[dict[str, object]] = field(default_factory=list)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    requested: datetime = field(default_factory=lambda: datetime.now(UTC))
    visible_at: float = 0.0
    invocations: dict[str, Invocation] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """The status of the whole: of the worst, once all have ended."""
        states = {invocation.status for invocation in self.invocations.values()}
        if not states:
            return "Success"
        if states <= set(ENDED):
            return next(word for word in ("Failed", "TimedOut", "Cancelled", "Success") if word in states)
        if "Cancelling" in states:
            return "Cancelling"
        return "Pending" if states == {"Pending"} else "InProgress"

    def count(self, *statuses: str) -> int:
        """Return how many invocations have one of these statuses."""
        return sum(invocation.status in statuses for invocation in self.invocations.values())


class Commands:
    """Every command that was sent, newest last."""

    def __init__(self, around: Surroundings, machines: Mapping[str, Machine]) -> None:
        self._around = around
        self._machines = machines
        self.sent: dict[str, Command] = {}

    def send(self, command: Command, machines: Sequence[Machine], steps: Sequence[Step]) -> None:
        """Start a command on these machines."""
        around = self._around
        command.visible_at = around.now() + around.scaled(around.timings.invocation_visible)
        self.sent[command.id] = command
        for machine in machines:
            invocation = Invocation(machine, step=steps[0].name if steps else "")
            command.invocations[machine.id] = invocation
            invocation.work = around.spawn(self._carry_out(command, invocation, steps))

    def visible(self, command: Command, machine: str | None, operation: str) -> bool:
        """Tell whether a command's invocations can be read yet."""
        first = next(iter(command.invocations.values()), None)
        if first is None or self._around.now() < command.visible_at:
            return False
        fault = self._around.faults.match(
            ("invocations_empty",),
            service=first.machine.service,
            region=command.region,
            machine=machine or list(command.invocations),
            operation=(operation, operation.partition(":")[2]),
        )
        return fault is None

    def cancel(self, command: Command, machine_ids: Sequence[str]) -> None:
        """Cancel on these machines (none: on all): a script that runs is killed."""
        for id_, invocation in command.invocations.items():
            if (not machine_ids or id_ in machine_ids) and invocation.status not in ENDED:
                invocation.status = invocation.details = "Cancelling"
                if invocation.work is not None:
                    invocation.work.cancel()

    async def _carry_out(self, command: Command, invocation: Invocation, steps: Sequence[Step]) -> None:
        around = self._around
        try:
            async with asyncio.timeout(around.scaled(command.timeout)):
                await self._delivered(invocation.machine)
        except TimeoutError:
            invocation.end("TimedOut", "DeliveryTimedOut")
            return
        except asyncio.CancelledError:
            invocation.end("Cancelled")
            return
        invocation.status = invocation.details = "InProgress"
        invocation.started = datetime.now(UTC)
        try:
            await self._run(invocation, steps)
        except asyncio.CancelledError:
            invocation.end("Cancelled")
        around.journal.event(
            "command_ended",
            **invocation.machine.where,
            command=command.id,
            document=command.document,
            state=invocation.details,
            exit_code=invocation.exit_code,
        )

    async def _delivered(self, machine: Machine) -> None:
        await asyncio.sleep(self._around.scaled(self._around.timings.command_start))
        while not (machine.online and machine.power == RUNNING):
            await asyncio.sleep(_ONLINE_LOOK)

    async def _run(self, invocation: Invocation, steps: Sequence[Step]) -> None:
        around, machine = self._around, invocation.machine
        never = around.faults.match(("command_never_ends",), **machine.where)
        if never and not never.params["runs"]:
            await asyncio.Event().wait()
        for step in steps:
            invocation.step = step.name
            try:
                async with asyncio.timeout(around.scaled(step.timeout)):
                    invocation.exit_code = await self._script(invocation, step)
            except TimeoutError:
                invocation.end("TimedOut", "ExecutionTimedOut")
                return
            if invocation.exit_code:
                invocation.terminal.error.append(
                    f"failed to run commands: exit status {invocation.exit_code}"
                )
                invocation.end("Failed")
                return
        if never:
            invocation.exit_code = -1
            await asyncio.Event().wait()
        invocation.end("Success")

    @staticmethod
    async def _script(invocation: Invocation, step: Step) -> int:
        """Run a script's lines; like a shell's, its exit code is the last line's, or that of an exit."""
        code = 0
        for line in step.lines:
            code = await run_line(invocation.machine, line, invocation.terminal)
            if line.strip().startswith("exit"):
                break
        return code
