"""The turn over every order of single reads and writes: one holder at most, and somebody always gets it.

Releases are coroutines on a ledger with nothing but an atomic get and set; who takes the next step, who
dies and who is cleared is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import greenlet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.airlock.release.turn import Claimant, Entry, Turn, in_front

DAGS = ("release_payments", "train_evening", "train_morning")


def entry(dag: str = "release_payments", **more: Any) -> Entry:
    made = {"dag": dag, "run": f"{dag}-1", "began": "t", "step": "preflight", "at": 0.0}
    return Entry.model_validate(made | {"choosing": False, "number": 1} | more)


@pytest.mark.parametrize(
    ("mine", "others", "first"),
    [
        (entry(), [], None),
        (entry(number=2), [entry("train_a", number=1)], "train_a"),
        (entry(number=1), [entry("train_a", number=2)], None),
        (entry(number=1), [entry("train_a", number=1)], None),
        (entry("train_b", number=1), [entry("train_a", number=1)], "train_a"),
        (entry(number=1), [entry("train_a", number=9, held=True)], "train_a"),
        (entry(number=1), [entry("train_a", choosing=True, number=0)], "train_a"),
        (entry(number=5), [entry("train_a", number=4), entry("train_b", number=9, held=True)], "train_b"),
        (None, [entry("train_a", number=7)], "train_a"),
        (None, [], None),
    ],
)
def test_who_goes_first(mine: Entry | None, others: list[Entry], first: str | None) -> None:
    found = in_front(mine, others)
    assert (found.dag if found else None) == first


@dataclass
class Ledger:
    """A store whose every call is one step of whoever calls it."""

    values: dict[str, Any] = field(default_factory=dict)
    pause: Callable[[], None] = lambda: None

    def get(self, key: str, default: Any = None) -> Any:
        self.pause()
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.pause()
        self.values[key] = value

    def delete(self, key: str) -> None:
        self.pause()
        self.values.pop(key, None)


@dataclass
class Step:
    """A step of a run: takes the turn, acts for some steps, gives it back if it is the run's last."""

    world: World
    dag: str
    life: int
    name: str
    alone: bool
    gives_back: bool
    inside: bool = False
    settling: bool = False
    serial: int = 0
    """Grows whenever it begins to read its own key, and when it has written there."""
    awaited: list[tuple[Step, int]] = field(default_factory=list)
    coroutine: Any = None

    def start(self) -> Step:
        self.coroutine = greenlet.greenlet(self._run)
        return self

    @property
    def turn(self) -> Turn:
        me = Claimant(self.dag, f"{self.dag}-1", f"life {self.life}", self.name, self.alone)
        return Turn(self.world.ledger, me, DAGS, self.world.alive, self._settle)

    def _settle(self, _: float) -> None:
        """A time longer than from any read to its write: what others of this run began is through then."""
        self.serial += 1
        mates = [s for s in self.world.steps if s is not self and (s.dag, s.life) == (self.dag, self.life)]
        self.awaited = [(mate, mate.serial) for mate in mates if not mate.settling]
        self.settling = True
        self.world.hub.switch()
        self.settling = False

    def _run(self) -> None:
        while self._take() is not None:
            self.world.hub.switch()
        for _ in range(3):
            assert self.turn.held() or self.life != self.world.lives[self.dag]
            self.inside = True
            self.world.hub.switch()
        self.inside = False
        if self.gives_back:
            self.turn.give_back()

    def _take(self) -> Entry | None:
        self.serial += 1
        return self.turn.take()

    @property
    def may_go(self) -> bool:
        if self.coroutine.dead:
            return False
        waits = [mate for mate, serial in self.awaited if mate.serial == serial]
        return not (self.settling and any(not (m.coroutine.dead or m.inside) for m in waits))


@dataclass
class World:
    """The runs of three DAGs that may release one service."""

    ledger: Ledger = field(default_factory=Ledger)
    running: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(DAGS, False))
    lives: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DAGS, 0))
    steps: list[Step] = field(default_factory=list)
    hub: Any = None

    def __post_init__(self) -> None:
        self.hub = greenlet.getcurrent()
        self.ledger.pause = self.hub.switch

    def alive(self, dag: str, run: str) -> bool:
        self.hub.switch()
        return self.running[dag]

    def begin(self, dag: str, *, several: bool) -> None:
        """A run starts, or is cleared after its end: at its first step, or at two steps at once."""
        if self.running[dag]:
            return
        self.running[dag] = True
        self.lives[dag] += 1
        names = ("west.swap", "north.swap") if several and self.lives[dag] > 1 else ("preflight",)
        for name in names:
            last = len(names) == 1
            self.steps.append(Step(self, dag, self.lives[dag], name, last, last).start())

    def end(self, dag: str) -> None:
        """The run ends, wherever its steps are: its processes are ended with it."""
        self.running[dag] = False
        for step in self.steps:
            if step.dag == dag and not step.coroutine.dead:
                step.coroutine.throw(greenlet.GreenletExit)
                step.inside = False

    def crash(self, dag: str) -> None:
        """The worker of a step dies while the run goes on; the step is tried again."""
        for index, step in enumerate(self.steps):
            if step.dag == dag and not step.coroutine.dead:
                step.coroutine.throw(greenlet.GreenletExit)
                again = Step(self, dag, step.life, step.name, step.alone, step.gives_back)
                self.steps[index] = again.start()
                return

    def go(self, dag: str, which: int) -> None:
        ready = [step for step in self.steps if step.dag == dag and step.may_go]
        if ready:
            ready[which % len(ready)].coroutine.switch()
        if ready and all(s.coroutine.dead for s in self.steps if s.dag == dag):
            self.running[dag] = False

    def inside(self) -> set[str]:
        return {step.dag for step in self.steps if step.inside and self.running[step.dag]}


def drawn(chance: Random, world: World) -> None:
    """One act of whoever: mostly some steps of one run, now and then a death, an end or a Clear."""
    dag, what = chance.choice(DAGS), chance.random()
    if what < 0.80:
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
            world.go(dag, chance.randrange(2))
    elif what < 0.93:
        world.begin(dag, several=chance.random() < 0.7)
    elif what < 0.97:
        world.crash(dag)
    else:
        world.end(dag)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_one_holder_at_most_and_somebody_always_gets_it(seed: int) -> None:
    # Given any order of steps, deaths, ends and Clears / Then never two releases are at work
    world, chance = World(), Random(seed)
    for _ in range(400):
        drawn(chance, world)
        assert len(world.inside()) <= 1
    # When all that still runs goes on / Then each of them gets its turn and ends
    for _ in range(400):
        for dag in DAGS:
            world.go(dag, 0)
            world.go(dag, 1)
        assert len(world.inside()) <= 1
    assert not any(world.running.values())
