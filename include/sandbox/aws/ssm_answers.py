"""Commands, invocations and agents as Systems Manager's API tells them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from include.sandbox.aws.commands import Command, Invocation
from include.sandbox.aws.machines import RUNNING, Machine

_OUTPUT_KEPT = 24000
_LISTED_KEPT = 2500
Json = dict[str, Any]


def command_answer(command: Command) -> Json:
    """Return a ``Command``."""
    return {
        "CommandId": command.id,
        "DocumentName": command.document,
        "DocumentVersion": command.version,
        "Comment": command.comment,
        "ExpiresAfter": command.requested + timedelta(seconds=command.timeout),
        "Parameters": command.parameters,
        "InstanceIds": [] if command.targets else list(command.invocations),
        "Targets": command.targets,
        "RequestedDateTime": command.requested,
        "Status": command.status,
        "StatusDetails": command.status,
        "OutputS3Region": command.region,
        "OutputS3BucketName": "",
        "OutputS3KeyPrefix": "",
        "MaxConcurrency": "50",
        "MaxErrors": "0",
        "TargetCount": len(command.invocations),
        "CompletedCount": command.count("Success", "Failed", "TimedOut", "Cancelled"),
        "ErrorCount": command.count("Failed", "TimedOut"),
        "DeliveryTimedOutCount": sum(
            held.details == "DeliveryTimedOut" for held in command.invocations.values()
        ),
        "ServiceRole": "",
        "TimeoutSeconds": command.timeout,
    }


def invocation_answer(command: Command, held: Invocation) -> Json:
    """Return what GetCommandInvocation says; its times are texts, empty before they have come."""
    elapsed = (held.ended or datetime.now(UTC)) - held.started if held.started else None
    return {
        "CommandId": command.id,
        "InstanceId": held.machine.id,
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.version,
        "PluginName": held.step,
        "ResponseCode": held.exit_code,
        "ExecutionStartDateTime": _text(held.started),
        "ExecutionElapsedTime": f"PT{elapsed.total_seconds():.3f}S" if elapsed else "",
        "ExecutionEndDateTime": _text(held.ended),
        "Status": held.status,
        "StatusDetails": held.details,
        "StandardOutputContent": _joined(held.terminal.output)[:_OUTPUT_KEPT],
        "StandardOutputUrl": "",
        "StandardErrorContent": _joined(held.terminal.error)[:_OUTPUT_KEPT],
        "StandardErrorUrl": "",
        "CloudWatchOutputConfig": {"CloudWatchLogGroupName": "", "CloudWatchOutputEnabled": False},
    }


def invocation_listing(command: Command, held: Invocation, *, details: bool) -> Json:
    """Return one entry of ListCommandInvocations; its output, cut, only with ``details``."""
    plugin: Json = {
        "Name": held.step,
        "Status": held.status,
        "StatusDetails": held.details,
        "ResponseCode": held.exit_code,
        "Output": _joined([*held.terminal.output, *held.terminal.error])[:_LISTED_KEPT],
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
    }
    for key, at in (("ResponseStartDateTime", held.started), ("ResponseFinishDateTime", held.ended)):
        if at is not None:
            plugin[key] = at
    return {
        "CommandId": command.id,
        "InstanceId": held.machine.id,
        "InstanceName": "",
        "Comment": command.comment,
        "DocumentName": command.document,
        "DocumentVersion": command.version,
        "RequestedDateTime": command.requested,
        "Status": held.status,
        "StatusDetails": held.details,
        "StandardOutputUrl": "",
        "StandardErrorUrl": "",
        "CommandPlugins": [plugin] if details else [],
    }


def machine_answer(machine: Machine) -> Json:
    """Return an ``InstanceInformation``."""
    online = machine.online and machine.power == RUNNING
    return {
        "InstanceId": machine.id,
        "PingStatus": "Online" if online else "ConnectionLost",
        "LastPingDateTime": datetime.now(UTC),
        "AgentVersion": "3.3.3050.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "IPAddress": machine.address,
        "ComputerName": f"{machine.id}.{machine.region}.compute.internal",
    }


def _text(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if at else ""


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
