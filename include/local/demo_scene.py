"""What the demo needs to know of a kind of release: where to look, what to show, when it ended well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from rich.console import Console
from rich.table import Table

from include.local.api import TaskInstance
from include.local.control import SandboxControl

Tasks = Mapping[str, TaskInstance]
Load = Mapping[str, Any]
Entry = Mapping[str, Any]
World = TypeVar("World")


@dataclass(frozen=True)
class Evidence(Generic[World]):
    """What was seen of one release: Airflow's state of the run, the sandbox before and after, the clients."""

    run_state: str
    before: World
    after: World
    journal: Sequence[Entry]
    load: Load


class Scene(Protocol[World]):
    """One kind of release. A world is what is read of the sandbox at one moment."""

    @property
    def service(self) -> str:
        """The service that is released."""

    @property
    def lanes(self) -> Sequence[str]:
        """The lanes whose steps the picture shows in rows of their own."""

    def look(self, control: SandboxControl) -> World:
        """Read what is true now."""

    def picture(self, console: Console, tasks: Tasks, world: World, load: Load) -> Sequence[Table]:
        """Draw how far the release is."""

    def news(self, before: World | None, now: World) -> Sequence[str]:
        """Say what has changed in the world, a line for each; nothing changed before the first look."""

    def faults(self, seen: Evidence[World]) -> list[str]:
        """Return every way in which the release did not end as it should, as sentences."""

    def told(self, console: Console, title: str, seen: Evidence[World], tasks: Tasks) -> Sequence[Table]:
        """Draw what came of it."""


@dataclass(frozen=True)
class Act:
    """One release of the demo: what is asked for, and the kind of release that it is."""

    name: str
    title: str
    scene: Scene[Any]
    conf: Mapping[str, Any]

    @property
    def dag(self) -> str:
        """The DAG that releases the service."""
        return f"release_{self.scene.service}"


@dataclass(frozen=True)
class Played:
    """One act as it was played: what was seen, and what is wrong with it."""

    act: Act
    run_id: str
    seconds: float
    evidence: Evidence[Any]
    tasks: Tasks
    faults: list[str]
