"""A model of one service's apps with two slots each, on one clock: what a rollback is tested against.

Every call to the platform and every store counts as an act; ``script`` says at which act something
happens: ``kill``, ``lost`` (carried out, no answer), ``cut`` (not carried out, no answer), ``portal
<region>`` (the worker dies, and a person swaps there by hand) or ``rival <acts>`` (what ``rival`` does,
for so many acts). What must never happen is checked at the act itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from include.airlock.azure import look, refresh, swap, way_back
from include.airlock.azure.arm import Answer
from include.airlock.azure.look import RegionView
from include.airlock.azure.sites import SlotState
from include.airlock.azure.swap import Clock
from include.airlock.errors import Unreachable
from include.airlock.model.health import Reading
from include.airlock.model.service import Service
from include.airlock.release import back, lane, ledger, preflight, rollback
from include.airlock.status import watch
from tests.unit.aws.machine_parts import Killed, Violated
from tests.unit.azure.cloud_model import answer
from tests.unit.release.pressing import Serial

ACT_S = 0.05


@dataclass
class SlotCloud:
    """All apps of one service. ``worker`` names who acts now; ``journal`` who changed what, in order.

    A worker whose name starts with "back" may only bring ``going_back`` back, the last one first.
    ``at_reads``: a rival goes on only while the worker reads. A process of the same step that stands still
    between the ledger's compare and its own write or call could be told by nobody.
    """

    regions: tuple[str, ...]
    old: str
    new: str
    swap_s: float = 8.0
    deploy_s: float = 10.0
    script: dict[int, str] = field(default_factory=dict)
    clock: float = 1_000_000.0
    acts: int = 0
    process: int = 0
    worker: str = ""
    rival: Callable[[int], None] | None = None
    leash: int | None = None
    waiting: int = 0
    at_reads: bool = False
    going_back: set[str] = field(default_factory=set)
    journal: list[tuple[str, str, str]] = field(default_factory=list)
    apps: dict[str, App] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.apps = {name: App(self, name, [self.old, self.new]) for name in self.regions}

    # -- time and acts

    def now(self) -> float:
        return self.clock

    def sleep(self, seconds: float) -> None:
        self.clock += max(seconds, 0.001)
        for app in self.apps.values():
            app.settle()

    def step(self) -> str:
        """One act of a worker; it may be its last."""
        self.sleep(ACT_S)
        self.acts += 1
        if self.leash is not None and self.acts >= self.leash:
            raise Killed
        word, _, rest = (self.script.pop(self.acts, None) or "").partition(" ")
        if word == "rival" and self.leash is None:
            self.waiting = int(rest)
            if not self.at_reads:
                self.give_way()
        if word == "portal":
            self.apps[rest].begin("somebody")
        if word in ("kill", "portal"):
            raise Killed
        return word

    def read(self) -> None:
        if self.step() in ("lost", "cut"):
            raise Unreachable("no answer")
        self.give_way()

    def give_way(self) -> None:
        """The rival goes on, while the worker stands still."""
        if self.waiting and self.rival is not None and self.leash is None:
            acts, self.waiting = self.waiting, 0
            self.rival(acts)

    def change(self, effect: Callable[[], Any]) -> Any:
        word = self.step()
        if word == "cut":
            raise Unreachable("no answer")
        found = effect()
        if word == "lost":
            raise Unreachable("no answer")
        return found

    # -- what must never happen

    def may_swap(self, app: App) -> None:
        others = [name for name, each in self.apps.items() if each.ends is not None and each is not app]
        if others:
            raise Violated(f"{app.name} is swapped while {others} is")
        if app.name not in self.going_back or not self.worker.startswith("back"):
            return
        if app.content[0] == self.old:
            raise Violated(f"the way back puts {app.content[1]} into production of {app.name} again")
        after = self.regions[self.regions.index(app.name) + 1 :]
        ours = self.going_back - {name for who, _, name in self.journal if who == "somebody"}
        late = [name for name in after if name in ours and self.apps[name].content[0] != self.old]
        if late:
            raise Violated(f"{app.name} goes back before {late}")


@dataclass
class App:
    """One region's app, in place of ``SlotSite``: ``content`` is what production and staging run."""

    cloud: SlotCloud
    name: str
    content: list[str]
    ends: float | None = None
    ready: float | None = None
    coming: str | None = None
    swapped_at: str | None = None
    swaps: int = 0

    @property
    def region(self) -> Any:
        return SimpleNamespace(app=self.name, name=self.name, public_host=None)

    def settle(self) -> None:
        if self.ends is not None and self.cloud.clock >= self.ends:
            self.content.reverse()
            self.swapped_at, self.ends = f"t{self.ends}", None
        if self.ready is not None and self.cloud.clock >= self.ready:
            assert self.coming is not None
            self.content[1], self.ready = self.coming, None

    def begin(self, who: str) -> None:
        """A swap starts, by us or by hand."""
        if self.ends is None and self.ready is None:
            self.ends = self.cloud.clock + self.cloud.swap_s
            self.swaps += 1
            self.cloud.journal.append((who, "swap", self.name))

    # -- what SlotSite answers

    def _state(self, number: int) -> SlotState:
        self.cloud.read()
        busy = "op" if self.ends is not None else None
        build = self.content[number]
        return SlotState("Running", "h", ("h",), f"id-{build}", self.swapped_at, busy, None)

    def production(self) -> SlotState:
        return self._state(0)

    def staging(self) -> SlotState:
        return self._state(1)

    def swap(self) -> Answer:
        found: Answer = self.cloud.change(self._swap)
        return found

    def _swap(self) -> Answer:
        if self.ends is not None or self.ready is not None:
            return answer(409, "Cannot modify this site because another operation is in progress.")
        self.cloud.may_swap(self)
        self.begin(self.cloud.worker)
        return answer(202, "", {"location": "https://arm/op/1"})

    def follow(self, location: str) -> Answer:
        self.cloud.read()
        return answer(202, "", {"location": location}) if self.ends is not None else answer(200, "{}")

    def deploy_package(self, url: str, kind: str) -> Answer:
        build = url.rpartition("-")[2].removesuffix(".zip")
        found: Answer = self.cloud.change(lambda: self._deploy(build))
        return found

    def _deploy(self, build: str) -> Answer:
        if self.ends is not None:
            return answer(409, "another operation is in progress")
        self.coming, self.ready = build, self.cloud.clock + self.cloud.deploy_s
        self.cloud.journal.append((self.cloud.worker, "deploy", self.name))
        return answer(202, "")

    def config(self, *, staging: bool) -> dict[str, Any]:
        return {}

    def settings(self, *, staging: bool) -> dict[str, Any]:
        return {"WEBSITE_SWAP_WARMUP_PING_STATUSES": "200"}

    def sticky_settings(self) -> frozenset[str]:
        return frozenset()

    def differences(self) -> list[dict[str, Any]]:
        return []


class View(RegionView):
    """A region as a step looks at it, its pages those of the model."""

    def url(self, slot: SlotState, *, production: bool) -> str:
        return "production" if production else "staging"

    def reading(self, url: str) -> Reading:
        app: Any = self.site
        app.cloud.step()
        if url == "staging" and app.ready is not None:
            return Reading(faults=("no connection",))
        return Reading(app.content[0 if url == "production" else 1], True, "running")


class _Arm:
    access = SimpleNamespace(ca_file=None)

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


@contextmanager
def wired(cloud: SlotCloud) -> Iterator[None]:
    """The product talks to ``cloud`` and lives by its clock."""

    def view(service: Service, name: str) -> View:
        return View(service, service.region(name), _Arm(), cloud.apps[name])  # type: ignore[arg-type,union-attr]

    def now() -> str:
        return datetime.fromtimestamp(cloud.clock, UTC).isoformat()

    with pytest.MonkeyPatch.context() as patch:
        clock = SimpleNamespace(time=cloud.now, sleep=cloud.sleep)
        for module in (look, way_back, refresh, lane, back, watch):
            patch.setattr(module, "time", clock)
        for module in (lane, back, ledger, rollback):
            patch.setattr(module, "now", now)
        for module in (preflight, rollback):
            patch.setattr(module, "ThreadPoolExecutor", Serial)
        patch.setattr(swap, "Clock", lambda: Clock(cloud.now, cloud.sleep))
        patch.setattr(RegionView, "of", staticmethod(view))
        yield
