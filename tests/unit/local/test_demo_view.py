"""What the demo shows: a line for each change where the output is no terminal, a table where it is one."""

from __future__ import annotations

import io

from rich.console import Console

from include.local.api import TaskInstance
from include.local.control import Farms
from include.local.demo_roll import RollScene
from include.local.demo_roll_judge import ExpectedRoll
from include.local.demo_swap import SwapScene
from include.local.demo_swap_judge import Expected
from include.local.demo_tables import table_for
from include.local.demo_view import Progress
from include.local.lane_time import lane_seconds
from include.local.machines import Machine

REGIONS = ("westeurope", "northeurope")
LOAD = {"hosts": {"payments/westeurope": {"requests": 12, "failed": 1, "longest_gap_s": 0.25}}}
CLIENTS = ("requests", "failed", "gap")
BUILDS = {region: {"production": "2026.11.1", "staging": "2026.11.2"} for region in REGIONS}

SWAPS = SwapScene("payments", REGIONS, Expected("success", {}, {}, {}, no_failed_request=True))
FARM = "eu-west-1.production"
ROLL = RollScene("checkout", ExpectedRoll("success", FARM, "2", {"alb": "checkout/eu-west-1/production/alb"}))


def task(task_id: str, state: str | None, start: str | None = None, end: str | None = None) -> TaskInstance:
    return TaskInstance(task_id, state, 1, start, end, None)


def shown(*, terminal: bool, looks: list[dict[str, TaskInstance]]) -> str:
    """What is printed for some looks at a run."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, color_system=None)
    with Progress(console, "Release A", SWAPS) as progress:
        for look in looks:
            progress.show(look, BUILDS, LOAD)
    return out.getvalue()


def test_without_a_terminal_each_change_is_one_line() -> None:
    swap = "westeurope.swap"
    looks = [{swap: task(swap, state)} for state in (None, "queued", "running", "running", "success")]
    lines = shown(terminal=False, looks=looks).strip().splitlines()
    assert lines[0] == "Release A"
    assert [line.split("  ")[-1] for line in lines[1:]] == [f"{swap}: running", f"{swap}: success"]


def test_on_a_terminal_a_row_shows_builds_and_clients() -> None:
    text = shown(terminal=True, looks=[{"westeurope.swap": task("westeurope.swap", "running")}])
    row = next(line for line in text.splitlines() if "westeurope" in line)
    assert [word in row for word in ("2026.11.1", "▶", "12", "0.25 s")] == [True] * 4


def farms(state: str, build: str = "1") -> Farms:
    """A farm of two machines, the first of them in this state in its only group."""
    first = Machine(build, "running", {"group": state})
    return {FARM: {"i-1": first, "i-2": Machine("1", "running", {"group": "healthy"})}}


def test_a_machine_that_comes_to_another_stage_is_one_line() -> None:
    # Given a look before, then one in which a machine drains, twice
    out = io.StringIO()
    with Progress(Console(file=out, width=120), "Release D", ROLL) as progress:
        for state in ("healthy", "draining", "draining"):
            progress.show({}, farms(state), LOAD)
    # Then the change is told once, and the other machine is not named
    lines = out.getvalue().strip().splitlines()[1:]
    assert [line.split("  ")[-1] for line in lines] == ["i-1: draining (1)"]


def test_on_a_terminal_machines_have_rows_of_their_own() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, color_system=None)
    steps = {f"{FARM}.{step}": task(f"{FARM}.{step}", "running") for step in ("check", "roll")}
    with Progress(console, "Release D", ROLL) as progress:
        progress.show(steps | {"verdict": task("verdict", None)}, farms("initial", "2"), LOAD)
    text = out.getvalue()
    row = next(line for line in text.splitlines() if "i-1" in line)
    assert [word in row for word in ("2", "returning", "initial")] == [True] * 3
    # And the steps outside the farm stand in one line below
    last = next(line for line in text.splitlines() if "verdict" in line)
    assert ".roll" not in last


def test_eighty_columns_cut_nothing_off() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    words = ("region", "old build", "new build", "what happened")
    table = table_for(console, words, numbers=("seconds", *CLIENTS))
    table.add_row("northeurope", "2026.11.1", "2026.11.2", "swapped back", "12.3", "1412", "0", "0.25 s")
    console.print(table)
    assert "…" not in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_lanes_seconds_run_from_its_first_step_to_its_last() -> None:
    tasks = {
        "one.check": task("one.check", "success", "2026-11-21T10:00:00Z", "2026-11-21T10:00:01Z"),
        "one.bake": task("one.bake", "failed", "2026-11-21T10:00:05Z", "2026-11-21T10:00:09.5Z"),
        "one.roll_back": task("one.roll_back", "skipped", "2026-11-21T10:01:00Z", "2026-11-21T10:01:00Z"),
        "two.check": task("two.check", "upstream_failed"),
    }
    assert lane_seconds(tasks, "one") == 9.5
    assert lane_seconds(tasks, "two") is None
