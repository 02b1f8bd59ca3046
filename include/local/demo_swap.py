"""A release by slot swaps, as the demo shows it: a row for each region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from include.local.control import Builds, SandboxControl
from include.local.demo_scene import Evidence, Load, Tasks
from include.local.demo_swap_judge import Expected, faults, switches
from include.local.demo_tables import clients_of, gap_heading, signs_of, table_for
from include.local.lane_time import lane_seconds

STEPS = ("check", "swap", "verify", "bake", "roll_back")
_BY_SWITCHES = {0: "not touched", 1: "released", 2: "swapped back"}


@dataclass(frozen=True)
class SwapScene:
    """A service whose regions swap their slots one after the other."""

    service: str
    lanes: Sequence[str]
    expected: Expected

    def look(self, control: SandboxControl) -> Builds:
        """Read which build is in which slot."""
        return control.builds(self.service)

    def picture(self, console: Console, tasks: Tasks, world: Builds, load: Load) -> list[Table]:
        """Draw each region's build, steps and clients."""
        numbers = ("requests", "failed", "gap")
        table = table_for(console, ("region", "production"), signs=STEPS, numbers=numbers)
        for region in self.lanes:
            build = world.get(region, {}).get("production", "?")
            clients = clients_of(load, f"{self.service}/{region}")
            table.add_row(region, build, *signs_of(tasks, region, STEPS), *clients)
        return [table]

    def news(self, before: Builds | None, now: Builds) -> list[str]:
        """Say nothing: the steps' own news tell it all."""
        return []

    def faults(self, seen: Evidence[Builds]) -> list[str]:
        """Return what is wrong with how it ended."""
        return faults(self.service, self.expected, seen)

    def told(self, console: Console, title: str, seen: Evidence[Builds], tasks: Tasks) -> list[Table]:
        """Draw what became of each region."""
        words = ("region", "old build", "new build", "what happened")
        numbers = ("seconds", "requests", "failed", gap_heading(console))
        table = table_for(console, words, numbers=numbers, title=title)
        times = switches(self.service, seen.journal)
        for region in self.lanes:
            seconds = lane_seconds(tasks, region)
            table.add_row(
                region,
                seen.before[region]["production"],
                seen.after[region]["production"],
                _BY_SWITCHES.get(times[region], f"switched {times[region]} times"),
                "-" if seconds is None else f"{seconds:.1f}",
                *clients_of(seen.load, f"{self.service}/{region}"),
            )
        return [table]
