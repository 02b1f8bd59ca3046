"""The machines' turns in the sandbox's journal: when each left its groups, got a build and came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from include.local.machines import SERVING

Entry = Mapping[str, Any]
Place = tuple[str, str]
"""A machine and one of its groups."""

LEAVE = frozenset(
    {
        "elasticloadbalancing:DeregisterTargets",
        "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
    }
)
RUN = "ssm:SendCommand"
_GONE = "unused"
_OK = 200


@dataclass
class Turns:
    """What some machines did, read of the journal in its order.

    `left` and `returned` count for each place how often it stopped and began to get requests, `asked` the
    requests to take a machine out, `deployed` the builds that were put onto a machine. `most_out` is how
    many machines at once got no requests from at least one of their groups; `hasty` names the places from
    which a machine was not yet drained when its deployment was asked for; `cut` counts requests that were
    cut.
    """

    left: Counter[Place] = field(default_factory=Counter)
    returned: Counter[Place] = field(default_factory=Counter)
    asked: Counter[Place] = field(default_factory=Counter)
    deployed: dict[str, list[str]] = field(default_factory=dict)
    most_out: int = 0
    hasty: list[Place] = field(default_factory=list)
    cut: int = 0

    @classmethod
    def read(cls, journal: Iterable[Entry], places: Iterable[Place]) -> Turns:
        """Read the turns of machines that all serve in these places when the journal begins."""
        turns = cls()
        states = dict.fromkeys(places, "healthy")
        for entry in journal:
            turns._take(entry, states)
        return turns

    def _take(self, entry: Entry, states: dict[Place, str]) -> None:
        if entry.get("event") == "target_state":
            self._moved(entry, states)
        elif entry.get("event") == "deployed" and entry["machine"] in {machine for machine, _ in states}:
            self.deployed.setdefault(entry["machine"], []).append(entry["build"])
        elif entry.get("event") == "killed_connection" and entry["machine"] in {m for m, _ in states}:
            self.cut += entry["requests"]
        elif entry.get("status") == _OK:
            self._requested(entry, states)

    def _moved(self, entry: Entry, states: dict[Place, str]) -> None:
        place = (entry["machine"], entry["group"])
        if place not in states:
            return
        before, after = entry["from"] in SERVING, entry["to"] in SERVING
        self.left[place] += before and not after
        self.returned[place] += after and not before
        states[place] = entry["to"]
        self.most_out = max(self.most_out, len(set(_out(states))))

    def _requested(self, entry: Entry, states: Mapping[Place, str]) -> None:
        machines = entry.get("machines") or []
        if entry.get("operation") in LEAVE:
            self.asked.update((machine, group) for machine in machines for group in entry["groups"])
        if entry.get("operation") == RUN:
            self.hasty += [
                place for place, state in states.items() if place[0] in machines and state != _GONE
            ]


def _out(states: Mapping[Place, str]) -> Iterator[str]:
    return (machine for (machine, _), state in states.items() if state not in SERVING)
