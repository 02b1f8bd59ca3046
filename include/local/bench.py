"""`make bench`: what a release costs, and what parsing costs. What was measured is printed, also a miss."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from include.local.api import TaskInstance
from include.local.control import SandboxControl
from include.local.demo_story import RELEASE_A, SERVICE
from include.local.home import first_free
from include.local.memory import PeakMemory
from include.local.parse_time import parse_seconds
from include.local.stack import LocalStack

PARSED = (1, 50, 300)
# Reads of the load generator's public hosts and of the token endpoint are no calls to the cloud's API.
_NOT_THE_CLOUD = frozenset({"token", "metadata", "status"})


@dataclass(frozen=True)
class Cost:
    """What one release cost: wall and worker time in seconds, calls to the cloud, memory in bytes."""

    state: str
    wall_s: float
    worker_s: float
    cloud_calls: int
    peak_bytes: int


def run() -> int:
    """Measure and print; 0 when the release that was measured went through."""
    console = Console(highlight=False)
    parse = {count: parse_seconds(count) for count in PARSED}
    with LocalStack(first_free("bench"), fresh=True) as stack:
        stack.api.await_dag(f"release_{SERVICE}")
        cost = release_cost(stack, SERVICE, RELEASE_A.conf)
    console.print(_table(parse, cost))
    return 0 if cost.state == "success" else 1


def release_cost(stack: LocalStack, service: str, conf: Mapping[str, Any]) -> Cost:
    """Release once and measure it."""
    control = SandboxControl(stack.endpoints)
    calls = cloud_calls(control, service)
    dag, began = f"release_{service}", time.monotonic()
    with PeakMemory(lambda: stack.sessions) as memory:
        run_id = stack.api.trigger_run(dag, conf)
        state = stack.api.await_run(dag, run_id, timeout_s=600)
        wall = time.monotonic() - began
    tasks = stack.api.task_instances(dag, run_id)
    used = cloud_calls(control, service) - calls
    return Cost(state, wall, worker_seconds(tasks), used, memory.peak_bytes)


def worker_seconds(tasks: Mapping[str, TaskInstance]) -> float:
    """Return how long steps held a worker; a skipped one held none."""
    return sum(task.duration or 0.0 for task in tasks.values() if task.state in ("success", "failed"))


def cloud_calls(control: SandboxControl, service: str) -> int:
    """Return how many calls to the resource manager a service's resources have received."""
    operations: Mapping[str, int] = control.counts()["services"].get(service, {})
    return sum(number for name, number in operations.items() if name not in _NOT_THE_CLOUD)


def _table(parse: Mapping[int, float], cost: Cost) -> Table:
    table = Table(title="Airlock, measured", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("what")
    table.add_column("measured", justify="right")
    for count, seconds in parse.items():
        table.add_row(f"parse {count} specs, above Airflow's import", f"{1000 * seconds:.0f} ms")
    table.add_row(f"one release ({cost.state}): wall time", f"{cost.wall_s:.1f} s")
    table.add_row("worker time", f"{cost.worker_s:.1f} s")
    table.add_row("calls to the cloud's API", str(cost.cloud_calls))
    table.add_row("peak memory of everything (PSS)", f"{cost.peak_bytes / 1e6:.0f} MB")
    return table
