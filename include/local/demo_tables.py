"""The tables of the demo: how they are set, and the cells that every kind of release has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from include.local.api import TaskInstance
from include.local.demo_scene import Load, Tasks

WIDE = 100
_SIGNS = {
    None: ("·", "dim"),
    "success": ("✔", "green"),
    "failed": ("✘", "bold red"),
    "running": ("▶", "bold yellow"),
    "upstream_failed": ("–", "dim"),
    "skipped": ("–", "dim"),
    "up_for_retry": ("↻", "yellow"),
    "deferred": ("⏸", "yellow"),
}
_WAITING = ("…", "dim")


def table_for(
    console: Console,
    words: Sequence[str],
    *,
    signs: Iterable[str] = (),
    numbers: Sequence[str] = (),
    title: str | None = None,
) -> Table:
    """Return an empty table, set closer where the terminal is narrow: columns of words, signs and numbers."""
    padding = (0, 1) if console.width >= WIDE else (0, 0)
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=padding)
    for heading in words:
        table.add_column(heading)
    for heading in signs:
        table.add_column(heading.removeprefix("roll_"), justify="center")
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table


def clients_of(load: Load, host: str) -> tuple[str, str, str]:
    """Return what a host's clients saw: requests, failures, the longest gap between two good answers."""
    seen = load["hosts"].get(host)
    if seen is None:
        return ("-", "-", "-")
    return (str(seen["requests"]), str(seen["failed"]), f"{seen['longest_gap_s']:.2f} s")


def sign(task: TaskInstance | None) -> Text:
    """Return a step's state as one sign; None is a step that Airflow does not name yet."""
    mark, style = _SIGNS.get(task.state, _WAITING) if task is not None else _SIGNS[None]
    return Text(mark, style=style)


def signs_of(tasks: Tasks, lane: str, steps: Iterable[str]) -> list[Text]:
    """Return a sign for each step of a lane."""
    return [sign(tasks.get(f"{lane}.{step}")) for step in steps]


def gap_heading(console: Console) -> str:
    """Return the heading of the longest gap, shorter where the terminal is narrow."""
    return "longest gap" if console.width >= WIDE else "gap"
