"""`make bench`: what a release costs, and what parsing costs. What was measured is printed, also a miss."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from include.local import bench_roll, bench_roll_world, bench_world
from include.local.api import TaskInstance
from include.local.bench_floor import floor_seconds
from include.local.bench_roll import Roll
from include.local.bench_roll_table import roll_table
from include.local.control import SandboxControl
from include.local.home import first_free
from include.local.memory import PeakMemory
from include.local.parse_time import parse_seconds
from include.local.stack import LocalStack
from include.local.terminal import open_console

PARSED = (1, 50, 300)
# The aims of the project; a figure that misses one is printed all the same, and marked.
AIM_ABOVE_FLOOR_S, AIM_WORKER_S, AIM_PARSE_S = 10.0, 25.0, 0.05
# Reads of the load generator's public hosts and of the token endpoint are no calls to the cloud's API.
_NOT_THE_CLOUD = frozenset({"token", "metadata", "status"})


@dataclass(frozen=True)
class Cost:
    """What one release cost: seconds of wall, floor and worker time, calls to the cloud, bytes of memory."""

    state: str
    wall_s: float
    floor_s: float
    worker_s: float
    cloud_calls: int
    peak_bytes: int


def run() -> int:
    """Measure and print; 0 when the release that was measured went through."""
    console = open_console()
    began = time.monotonic()

    def say(step: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {step}", style="dim", markup=False)

    say(f"parsing {', '.join(map(str, PARSED))} specs, three times each")
    parse = {count: statistics.median(parse_seconds(count) for _ in range(3)) for count in PARSED}
    cost, rolls = _released(say)
    console.print(_table(parse, cost))
    console.print(roll_table(rolls))
    ours = [roll for roll in rolls if roll.who == bench_roll.OURS]
    good = cost.state == "success" and all(roll.ok and roll.released for roll in ours)
    return 0 if good else 1


def _released(say: Callable[[str], None]) -> tuple[Cost, list[Roll]]:
    """Release by slot swaps twice and measure the second, then roll a farm by everyone.

    The first release warms the caches of Airflow's processes.
    """
    with tempfile.TemporaryDirectory(prefix="airlock-bench-") as folder:
        dags = bench_world.write_dags(Path(folder) / "dags")
        bench_roll_world.write_dags(dags)
        home = first_free("bench")
        settings = bench_world.sandbox_settings()
        with LocalStack(home, dags=dags, sandbox_settings=settings, fresh=True) as stack:
            stack.api.await_dag(f"release_{bench_world.SERVICE}")
            say(f"Airlock releases {len(bench_world.REGIONS)} regions by slot swaps, twice")
            warm = {"build": bench_world.BUILD, "refresh_build": bench_world.NEXT_BUILD}
            release_cost(stack, bench_world.SERVICE, warm)
            cost = release_cost(stack, bench_world.SERVICE, {"build": bench_world.NEXT_BUILD})
            return cost, bench_roll.measure(stack, say)


def release_cost(stack: LocalStack, service: str, conf: Mapping[str, Any]) -> Cost:
    """Release once and measure it, from the trigger to the end of the run."""
    control = SandboxControl(stack.endpoints)
    calls, entries = cloud_calls(control, service), len(control.journal())
    dag, began = f"release_{service}", time.monotonic()
    with PeakMemory(lambda: stack.sessions) as memory:
        run_id = stack.api.trigger_run(dag, conf)
        state = stack.api.await_run(dag, run_id, timeout_s=600)
        wall = time.monotonic() - began
    floor = floor_seconds(
        [entry for entry in control.journal()[entries:] if entry.get("service") == service],
        consecutive=bench_world.CONSECUTIVE,
        interval_s=bench_world.INTERVAL_S,
        bake_s=bench_world.BAKE_S,
    )
    worker = worker_seconds(stack.api.task_instances(dag, run_id))
    return Cost(state, wall, floor, worker, cloud_calls(control, service) - calls, memory.peak_bytes)


def worker_seconds(tasks: Mapping[str, TaskInstance]) -> float:
    """Return how long steps held a worker; a skipped one held none."""
    return sum(task.duration or 0.0 for task in tasks.values() if task.state in ("success", "failed"))


def cloud_calls(control: SandboxControl, service: str) -> int:
    """Return how many calls to the resource manager a service's resources have received."""
    operations: Mapping[str, int] = control.counts()["services"].get(service, {})
    return sum(number for name, number in operations.items() if name not in _NOT_THE_CLOUD)


def _table(parse: Mapping[int, float], cost: Cost) -> Table:
    regions = len(bench_world.REGIONS)
    table = Table(title="Airlock, measured", title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("what", "measured", "aim"):
        table.add_column(column, justify="left" if column == "what" else "right")
    above = cost.wall_s - cost.floor_s
    table.add_row(f"a release of {regions} regions ({cost.state}): wall time", f"{cost.wall_s:.1f} s", "")
    table.add_row("  floor: cloud's own times, bakes, checks", f"{cost.floor_s:.1f} s", "")
    table.add_row("  above the floor", *_against(above, AIM_ABOVE_FLOOR_S, "s"))
    table.add_row("  ratio of wall time to floor", f"{cost.wall_s / cost.floor_s:.2f}", "")
    table.add_row("  worker time", *_against(cost.worker_s, AIM_WORKER_S, "s"))
    table.add_row("  worker time beyond the floor's waits", f"{cost.worker_s - cost.floor_s:.1f} s", "")
    table.add_row("  calls to the cloud's API", str(cost.cloud_calls), "")
    table.add_row("  peak memory of everything (PSS)", f"{cost.peak_bytes / 1e6:.0f} MB", "")
    for count, seconds in parse.items():
        measured = f"{1000 * seconds:.0f} ms"
        aim = _against(1000 * seconds, 1000 * AIM_PARSE_S, "ms")[1] if count == 1 else ""
        table.add_row(f"parse {count} spec{'s' if count > 1 else ''}, above Airflow's import", measured, aim)
    return table


def _against(measured: float, aim: float, unit: str) -> tuple[str, str]:
    verdict = "met" if measured <= aim else "missed"
    return f"{measured:.1f} {unit}", f"≤ {aim:g} {unit}: {verdict}"
