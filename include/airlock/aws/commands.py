"""Commands on machines through Systems Manager: send one, follow it, find one whose answer was lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from include.airlock.aws.clients import call, chunks, pages
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.operations import (
    CANCEL_COMMAND,
    DESCRIBE_INSTANCE_INFORMATION,
    GET_COMMAND_INVOCATION,
    LIST_COMMANDS,
    SEND_COMMAND,
)
from include.airlock.errors import Rejected, Unreachable

LONGEST_COMMENT = 100
"""Characters: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html"""

_LONGEST_OUTPUT = 24_000
_LONGEST_TOLD = 4_096
_DELIVERY_S = (30, 2_592_000)
_MOST_IDS = 50
_CLOCKS = timedelta(minutes=10)
"""How far this machine's clock may be off; the comment is what tells commands apart."""


class Ping(StrEnum):
    """Whether Systems Manager reaches a machine's agent."""

    ONLINE = "Online"
    LOST = "ConnectionLost"
    INACTIVE = "Inactive"
    UNMANAGED = "unmanaged"


class Status(StrEnum):
    """How far a command is on one machine."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def over(self) -> bool:
        """Whether it can't change any more."""
        return self not in (Status.PENDING, Status.RUNNING)


_STATUSES = {
    "Pending": Status.PENDING,
    "Delayed": Status.PENDING,
    "InProgress": Status.RUNNING,
    "Cancelling": Status.RUNNING,
    "Success": Status.SUCCEEDED,
    "Failed": Status.FAILED,
    "Cancelled": Status.CANCELLED,
    "TimedOut": Status.TIMED_OUT,
}


@dataclass(frozen=True)
class CommandState:
    """What became of a command on one machine; ``details`` is AWS's finer word for the status.

    ``output`` and ``error`` are what AWS keeps of both streams: 24 000 and 8 000 characters.
    """

    status: Status
    details: str
    exit_code: int | None
    output: str
    error: str

    @property
    def told(self) -> str:
        """The end of the output, short enough to tell people."""
        return self.output[-_LONGEST_TOLD:]


def pings(access: AwsAccess, machines: Iterable[str]) -> dict[str, Ping]:
    """Whether Systems Manager reaches each machine; one it does not know is UNMANAGED."""
    asked = list(dict.fromkeys(machines))
    rows = [
        row
        for part in chunks(asked, _MOST_IDS)
        for row in pages(
            access,
            DESCRIBE_INSTANCE_INFORMATION,
            "InstanceInformationList",
            what=f"ask whether Systems Manager reaches {', '.join(part)}",
            Filters=[{"Key": "InstanceIds", "Values": list(part)}],
        )
    ]
    words = {row["InstanceId"]: row.get("PingStatus") for row in rows}
    return {machine: _ping(words, machine) for machine in asked}


def _ping(words: Mapping[str, str | None], machine: str) -> Ping:
    if machine not in words:
        return Ping.UNMANAGED
    word = words[machine] or ""
    return Ping(word) if word in (Ping.ONLINE, Ping.INACTIVE) else Ping.LOST


def send(
    access: AwsAccess,
    machine: str,
    document: str,
    version: str | None,
    parameters: Mapping[str, Sequence[str]],
    comment: str,
    timeout: timedelta,
) -> str:
    """Run a document on one machine and return the command's id; sent once.

    ``timeout`` is how long the command may wait to be delivered (30 s to 30 days, AWS's limits);
    how long it may run is the document's to say. ``comment`` finds it again: see ``find_sent``.

    Raises:
        Unreachable: no answer came; the command may or may not run.
        Rejected: the machine is not managed, or the parameters don't fit the document.
        NotFound: there is no such document.
    """
    if not comment or len(comment) > LONGEST_COMMENT:
        raise ValueError(f"a command needs a comment of 1 to {LONGEST_COMMENT} characters")
    least, most = _DELIVERY_S
    answer = call(
        access,
        SEND_COMMAND,
        what=f"run {document} on {machine}",
        on=f"document/{document} and instance/{machine}",
        InstanceIds=[machine],
        DocumentName=document,
        **({"DocumentVersion": version} if version else {}),
        Parameters={name: list(values) for name, values in parameters.items()},
        Comment=comment,
        TimeoutSeconds=int(min(max(timeout.total_seconds(), least), most)),
    )
    command = (answer.get("Command") or {}).get("CommandId")
    if not command:
        raise Unreachable(f"run {document} on {machine}: the answer names no command")
    return str(command)


def state(access: AwsAccess, command: str, machine: str) -> CommandState:
    """What became of a command on a machine.

    Right after sending AWS may know no invocation yet: that is pending, and so is any answer
    without a status, never success.

    Raises:
        NotFound: there is no such command.
    """
    try:
        answer = call(
            access,
            GET_COMMAND_INVOCATION,
            what=f"follow command {command} on {machine}",
            CommandId=command,
            InstanceId=machine,
        )
    except Rejected as fault:
        if fault.code != "InvocationDoesNotExist":
            raise
        return CommandState(Status.PENDING, "InvocationDoesNotExist", None, "", "")
    return _state(answer)


def _state(answer: dict[str, Any]) -> CommandState:
    code = answer.get("ResponseCode")
    return CommandState(
        status=_STATUSES.get(answer.get("Status") or "", Status.PENDING),
        details=str(answer.get("StatusDetails") or answer.get("Status") or ""),
        exit_code=None if code in (None, -1) else int(code),
        output=_text(answer.get("StandardOutputContent")),
        error=_text(answer.get("StandardErrorContent")),
    )


def _text(text: str | None) -> str:
    """A program's output as text: its lines kept, other control characters left out."""
    kept = (char for char in (text or "")[-_LONGEST_OUTPUT:] if char in "\n\t" or char.isprintable())
    return "".join(kept)


def find_sent(access: AwsAccess, machine: str, comment: str, since: datetime) -> str | None:
    """The newest command with exactly this comment that was sent to a machine, or None.

    For a request whose answer was lost. That there is none yet proves nothing for some seconds:
    the list may lag.
    """
    rows = pages(
        access,
        LIST_COMMANDS,
        "Commands",
        what=f"look for the command sent to {machine}",
        InstanceId=machine,
        Filters=[{"key": "InvokedAfter", "value": _stamp(since - _CLOCKS)}],
    )
    mine = [row for row in rows if row.get("Comment") == comment]
    newest = max(mine, key=lambda row: row["RequestedDateTime"], default=None)
    return None if newest is None else str(newest["CommandId"])


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def cancel(access: AwsAccess, command: str, machine: str) -> None:
    """Ask for the end of a command on a machine; whether it ended is for ``state`` to say."""
    call(
        access,
        CANCEL_COMMAND,
        what=f"cancel command {command} on {machine}",
        CommandId=command,
        InstanceIds=[machine],
    )
