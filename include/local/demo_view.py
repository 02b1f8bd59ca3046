"""The demo on a terminal: a picture that lives, or plain lines where the output is no terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Generic, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from include.local.api import TaskInstance
from include.local.demo_scene import Load, Scene, Tasks, World
from include.local.demo_tables import sign

_NO_NEWS = (None, "scheduled", "queued", "skipped", "upstream_failed")


class Progress(Generic[World]):
    """Shows one release as it goes on; a context manager."""

    def __init__(self, console: Console, title: str, scene: Scene[World]) -> None:
        """Describe what is shown."""
        self._console, self._title, self._scene = console, title, scene
        self._began = time.monotonic()
        self._live: Live | None = None
        self._told: dict[str, str | None] = {}
        self._world: World | None = None

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

    def show(self, tasks: Tasks, world: World, load: Load) -> None:
        """Show how far the release is."""
        if self._live is not None:
            tables = self._scene.picture(self._console, tasks, world, load)
            self._live.update(Group(*tables, self._others(tasks)))
            return
        for line in self.news(tasks, world):
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def news(self, tasks: Tasks, world: World) -> list[str]:
        """Return a line for each step and each part of the world that has changed since the last call."""
        lines = []
        for task_id, task in sorted(tasks.items(), key=lambda item: (item[1].start or "~", item[0])):
            if task.state in _NO_NEWS or task.state == self._told.get(task_id):
                continue
            self._told[task_id] = task.state
            lines.append(f"{task_id}: {task.state}")
        lines += self._scene.news(self._world, world)
        self._world = world
        return [f"{self._elapsed():6.1f} s  {line}" for line in lines]

    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    def _others(self, tasks: Tasks) -> Text:
        """The steps that stand outside the lanes, in one line."""
        others = [
            Text.assemble(sign(task), f" {task_id}   ")
            for task_id, task in sorted(tasks.items())
            if not task_id.startswith("tell.") and not _in_a_lane(task_id, tasks)
        ]
        return Text.assemble(f"{self._elapsed():4.0f} s   ", *others)


def _in_a_lane(task_id: str, tasks: Mapping[str, TaskInstance]) -> bool:
    """Say whether a step belongs to a lane; every lane has a step `check`."""
    lane, _, _ = task_id.rpartition(".")
    return f"{lane}.check" in tasks
