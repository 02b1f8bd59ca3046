"""A machine-by-machine release, as the demo shows it: the farm's machines, then its load balancers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from include.local.control import Farms, SandboxControl
from include.local.demo_roll_judge import ExpectedRoll, faults
from include.local.demo_scene import Evidence, Load, Tasks
from include.local.demo_tables import clients_of, gap_heading, signs_of, table_for
from include.local.lane_time import lane_seconds
from include.local.machines import places_of
from include.local.turns import Turns

STEPS = ("check", "roll", "verify", "bake", "roll_back")
_CLIENTS = ("requests", "failed")


@dataclass(frozen=True)
class RollScene:
    """A service of whose farms one is released, machine by machine."""

    service: str
    expected: ExpectedRoll

    @property
    def lanes(self) -> Sequence[str]:
        """The farm that is released; the others' steps are skipped."""
        return (self.expected.place,)

    def look(self, control: SandboxControl) -> Farms:
        """Read each machine's build and where it stands."""
        return control.farms(self.service)

    def picture(self, console: Console, tasks: Tasks, world: Farms, load: Load) -> list[Table]:
        """Draw the steps, the machines with their state in each group, and the load balancers' clients."""
        place = self.expected.place
        steps = table_for(console, ("farm",), signs=STEPS)
        steps.add_row(place, *signs_of(tasks, place, STEPS))
        return [steps, self._machines(console, world), self._balancers(console, load, "gap")]

    def news(self, before: Farms | None, now: Farms) -> list[str]:
        """Say which machine has come to another stage."""
        if before is None:
            return []
        place = self.expected.place
        return [
            f"{id_}: {machine.stage} ({machine.build})"
            for id_, machine in now[place].items()
            if machine.stage != before[place][id_].stage
        ]

    def faults(self, seen: Evidence[Farms]) -> list[str]:
        """Return what is wrong with how it ended."""
        return faults(self.expected, seen)

    def told(self, console: Console, title: str, seen: Evidence[Farms], tasks: Tasks) -> list[Table]:
        """Draw what became of each machine, and what the clients of each load balancer saw."""
        place = self.expected.place
        turns = Turns.read(seen.journal, places_of(seen.before[place]))
        seconds = lane_seconds(tasks, place)
        if seconds is not None:
            title = f"{title}, {seconds:.1f} s of it on {place}"
        words = ("machine", "old build", "new build", "left", "came back", "stands")
        table = table_for(console, words, title=title)
        for id_, machine in seen.after[place].items():
            here = [each for each in places_of(seen.before[place]) if each[0] == id_]
            table.add_row(
                id_,
                seen.before[place][id_].build,
                machine.build,
                _times([turns.left[each] for each in here]),
                _times([turns.returned[each] for each in here]),
                machine.stage,
            )
        return [table, self._balancers(console, seen.load, gap_heading(console))]

    def _machines(self, console: Console, world: Farms) -> Table:
        machines = world[self.expected.place]
        groups = list(next(iter(machines.values())).standings) if machines else []
        table = table_for(console, ("machine", "build", "stage", *groups))
        for id_, machine in machines.items():
            table.add_row(id_, machine.build, machine.stage, *machine.standings.values())
        return table

    def _balancers(self, console: Console, load: Load, gap: str) -> Table:
        table = table_for(console, ("load balancer",), numbers=(*_CLIENTS, gap))
        for name, key in self.expected.hosts.items():
            table.add_row(name, *clients_of(load, key))
        return table


def _times(counts: Sequence[int]) -> str:
    """Say how often something happened in each group, shortly where it is the same in all of them."""
    if len(set(counts)) == 1:
        return "once" if counts[0] == 1 else f"{counts[0]} times"
    return " and ".join(str(count) for count in counts) + " times"
