"""The demo on a terminal: a table that lives, or plain lines where the output is no terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from include.local.api import TaskInstance
from include.local.control import Builds

WIDE = 100
STEPS = ("check", "swap", "verify", "bake", "roll_back")
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
_NO_NEWS = (None, "scheduled", "queued", "skipped", "upstream_failed")


class Progress:
    """Shows one release as it goes on; a context manager."""

    def __init__(self, console: Console, title: str, service: str, regions: Sequence[str]) -> None:
        """Describe what is shown."""
        self._console, self._title, self._service, self._regions = console, title, service, regions
        self._began = time.monotonic()
        self._live: Live | None = None
        self._told: dict[str, str | None] = {}

    def __enter__(self) -> Self:
        """Begin to show."""
        self._began = time.monotonic()
        self._console.print(f"\n{self._title}", style="bold", markup=False, highlight=False)
        if self._console.is_terminal:
            self._live = Live(console=self._console, refresh_per_second=8)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last picture on the terminal."""
        if self._live is not None:
            self._live.stop()

    def show(self, tasks: Mapping[str, TaskInstance], builds: Builds, load: Mapping[str, Any]) -> None:
        """Show how far the release is."""
        if self._live is not None:
            self._live.update(self._picture(tasks, builds, load))
            return
        for line in self.news(tasks):
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def news(self, tasks: Mapping[str, TaskInstance]) -> list[str]:
        """Return a line for each step whose state has changed since the last call."""
        lines = []
        for task_id, task in sorted(tasks.items(), key=lambda item: (item[1].start or "~", item[0])):
            if task.state in _NO_NEWS or task.state == self._told.get(task_id):
                continue
            self._told[task_id] = task.state
            lines.append(f"{self._elapsed():6.1f} s  {task_id}: {task.state}")
        return lines

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _picture(self, tasks: Mapping[str, TaskInstance], builds: Builds, load: Mapping[str, Any]) -> Group:
        table = table_for(self._console)
        for heading in ("region", "production"):
            table.add_column(heading)
        for step in STEPS:
            table.add_column(step.removeprefix("roll_"), justify="center")
        for heading in ("requests", "failed", "gap"):
            table.add_column(heading, justify="right")
        for region in self._regions:
            build = builds.get(region, {}).get("production", "?")
            signs = [_sign(tasks.get(f"{region}.{step}")) for step in STEPS]
            table.add_row(region, build, *signs, *clients_of(load, f"{self._service}/{region}"))
        others = [
            Text.assemble(_sign(task), f" {task_id}   ")
            for task_id, task in sorted(tasks.items())
            if task_id.split(".")[0] not in self._regions and not task_id.startswith("tell.")
        ]
        return Group(table, Text.assemble(f"{self._elapsed():4.0f} s   ", *others))


def table_for(console: Console, title: str | None = None) -> Table:
    """Return an empty table that is set closer where the terminal is narrow."""
    padding = (0, 1) if console.width >= WIDE else (0, 0)
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, padding=padding)


def clients_of(load: Mapping[str, Any], host: str) -> tuple[str, str, str]:
    """Return what a host's clients saw: requests, failures, the longest gap between two good answers."""
    seen = load["hosts"].get(host)
    if seen is None:
        return ("-", "-", "-")
    return (str(seen["requests"]), str(seen["failed"]), f"{seen['longest_gap_s']:.2f} s")


def _sign(task: TaskInstance | None) -> Text:
    sign, style = _SIGNS.get(task.state, _WAITING) if task is not None else _SIGNS[None]
    return Text(sign, style=style)
