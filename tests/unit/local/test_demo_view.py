"""What the demo shows: a line for each change where the output is no terminal, a table where it is one."""

from __future__ import annotations

import io

from rich.console import Console

from include.local.api import TaskInstance
from include.local.demo_report import region_seconds
from include.local.demo_view import Progress, table_for

REGIONS = ("westeurope", "northeurope")
LOAD = {"hosts": {"payments/westeurope": {"requests": 12, "failed": 1, "longest_gap_s": 0.25}}}
CLIENTS = ("requests", "failed", "gap")
BUILDS = {region: {"production": "2026.11.1", "staging": "2026.11.2"} for region in REGIONS}


def task(task_id: str, state: str | None, start: str | None = None, end: str | None = None) -> TaskInstance:
    return TaskInstance(task_id, state, 1, start, end, None)


def shown(*, terminal: bool, looks: list[dict[str, TaskInstance]]) -> str:
    """What is printed for some looks at a run."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, color_system=None)
    with Progress(console, "Release A", "payments", REGIONS) as progress:
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


def test_eighty_columns_cut_nothing_off() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    table = table_for(console)
    for heading in ("region", "old build", "new build", "what happened", "seconds", *CLIENTS):
        table.add_column(heading)
    table.add_row("northeurope", "2026.11.1", "2026.11.2", "swapped back", "12.3", "1412", "0", "0.25 s")
    console.print(table)
    assert "…" not in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_regions_seconds_run_from_its_first_step_to_its_last() -> None:
    tasks = {
        "one.check": task("one.check", "success", "2026-11-21T10:00:00Z", "2026-11-21T10:00:01Z"),
        "one.bake": task("one.bake", "failed", "2026-11-21T10:00:05Z", "2026-11-21T10:00:09.5Z"),
        "one.roll_back": task("one.roll_back", "skipped", "2026-11-21T10:01:00Z", "2026-11-21T10:01:00Z"),
        "two.check": task("two.check", "upstream_failed"),
    }
    assert region_seconds(tasks, "one") == 9.5
    assert region_seconds(tasks, "two") is None
