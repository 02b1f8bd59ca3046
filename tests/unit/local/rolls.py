"""What the sandbox's journal says of machines' turns, for the tests of those who read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Entry = dict[str, Any]
ALB, CLASSIC = "web", "web-classic"
GROUPS = {ALB: "healthy", CLASSIC: "InService"}
_LEAVE = {
    ALB: "elasticloadbalancing:DeregisterTargets",
    CLASSIC: "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
}
PLACES = [(machine, group) for machine in ("i-1", "i-2") for group in GROUPS]


def moved(machine: str, group: str, before: str, after: str) -> Entry:
    """An event: a machine's state in a group."""
    return {"event": "target_state", "machine": machine, "group": group, "from": before, "to": after}


def request(operation: str, machine: str, groups: Sequence[str], status: int = 200) -> Entry:
    """A request that names a machine."""
    return {"operation": operation, "machines": [machine], "groups": list(groups), "status": status}


def leaving(machine: str) -> list[Entry]:
    """A machine is taken out of both groups and is drained."""
    entries = []
    for group, inside in GROUPS.items():
        entries += [request(_LEAVE[group], machine, [group]), moved(machine, group, inside, "draining")]
    return entries + [moved(machine, group, "draining", "unused") for group in GROUPS]


def deploying(machine: str, build: str = "2") -> list[Entry]:
    """A machine gets a build."""
    sent = request("ssm:SendCommand", machine, ["airlock-demo-deploy"])
    return [sent, {"event": "deployed", "machine": machine, "build": build, "started": True}]


def returning(machine: str) -> list[Entry]:
    """A machine is put back into both groups and becomes healthy."""
    entries = []
    for group, inside in GROUPS.items():
        between = "initial" if group == ALB else "OutOfService"
        entries += [moved(machine, group, "unused", between), moved(machine, group, between, inside)]
    return entries


def turn(machine: str) -> list[Entry]:
    """A machine's whole turn, as it should be."""
    return [*leaving(machine), *deploying(machine), *returning(machine)]
