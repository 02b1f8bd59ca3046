"""EC2 machines behind load balancers, as the sandbox's own state tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

OUT = "out"
# What a target group and a classic load balancer call a machine that gets requests.
SERVING = frozenset({"healthy", "InService"})
_OUTSIDE = {"running": OUT, "starting": "warming up", "no application": "deploying"}


@dataclass(frozen=True)
class Machine:
    """One machine: its build, what its application does, and its state in each group of its farm.

    `standings` maps a target group's or a classic load balancer's name to the state there, `OUT` where it
    is not registered.
    """

    build: str
    application: str
    standings: Mapping[str, str]

    @property
    def stage(self) -> str:
        """Where it stands in its turn, in a word or two."""
        held = set(self.standings.values())
        if held <= SERVING:
            return "serving" if self.application == "running" else self.application
        if held == {OUT}:
            return _OUTSIDE.get(self.application, self.application)
        if "draining" in held:
            return "draining"
        return "unhealthy" if "unhealthy" in held else "returning"


def places_of(machines: Mapping[str, Machine]) -> list[tuple[str, str]]:
    """Return every machine with each of its groups."""
    return [(id_, group) for id_, machine in machines.items() for group in machine.standings]


def machines_of(state: Mapping[str, Any], ids: Iterable[str], groups: Iterable[str]) -> dict[str, Machine]:
    """Return id -> machine for a farm's machines and groups, of the AWS part of the sandbox's state."""
    held = {**state["target_groups"], **state["classic"]}
    targets = {name: held[name]["targets"] for name in groups}
    machines = {}
    for id_ in ids:
        told = state["machines"][id_]
        # A target is named by its machine and port.
        key = f"{id_}:{told['port']}"
        standings = {name: found[key]["state"] if key in found else OUT for name, found in targets.items()}
        machines[id_] = Machine(told["build"], told["state"], standings)
    return machines
