"""The turn: of all DAGs that may release a service, one run at a time does.

Airflow keeps the runs of one DAG apart (``max_active_runs=1``), and the ledger has no atomic
operation but one get and one set. So the DAGs draw numbers, as in Lamport's bakery ("A New Solution
of Dijkstra's Concurrent Programming Problem", 1974): each writes under a key of its own that it is
about to draw, looks at all others, takes the next number, and goes when nobody is before it.

A number counts as long as its DAG run runs. One that ended holds nothing: so nothing must be given
back, nothing expires, and no clock is compared. A run that ended and is cleared begins anew (Airflow
gives it a new start), and draws anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, Field

from include.airlock.release.ledger import Store

SETTLE_S = 2.0
"""Seconds after which a step that is not the only one of its run looks whether it is alone at the door.

Longer than it takes from reading a key to writing it (Fischer's timed mutual exclusion). Only steps of
one run that was cleared may meet there; between runs, no time matters.
"""

DEAD_S = 120.0
"""Seconds after which another step of the same run, that is still drawing, counts as dead."""

Alive = Callable[[str, str], bool]
"""Whether a DAG's run, by its id, runs now."""


class Entry(BaseModel):
    """What one DAG says of its run: that it draws a number, has drawn it, or has the turn."""

    dag: str
    run: str
    began: str = Field(description="when the run began, as Airflow says: a Clear of an ended run changes it")
    step: str = Field(description="the task that draws")
    at: float = Field(description="epoch seconds of this writing")
    choosing: bool = True
    number: int = 0
    held: bool = False

    @property
    def name(self) -> str:
        """The DAG and its run, for people."""
        return f"{self.dag}, run {self.run}"


def in_front(mine: Entry | None, others: Iterable[Entry]) -> Entry | None:
    """Who goes before ``mine`` among the entries of runs that run: pure. None: nobody, it has the turn.

    Without a number of its own, everybody does.
    """
    for other in sorted(others, key=lambda each: (not each.held, each.number, each.dag)):
        if other.held or other.choosing or mine is None:
            return other
        if (other.number, other.dag) < (mine.number, mine.dag):
            return other
    return None


def holder(store: Store, rivals: Iterable[str], alive: Alive) -> Entry | None:
    """Which run of the DAGs ``rivals`` has the turn now, or None."""
    values = [store.get(_key(dag)) for dag in rivals]
    entries = [Entry.model_validate(value) for value in values if value is not None]
    return next((each for each in entries if each.held and alive(each.dag, each.run)), None)


@dataclass(frozen=True)
class Claimant:
    """Who wants the turn: a step of a DAG's run. ``began`` is the run's start as Airflow tells it."""

    dag: str
    run: str
    began: str
    step: str
    alone: bool = False
    """Whether no other step of the run can be at the door at the same time: true of its first one."""


@dataclass
class Turn:
    """The turn of one service, as one claimant sees it; ``rivals`` are all DAGs that may release it."""

    store: Store
    me: Claimant
    rivals: Sequence[str]
    alive: Alive
    pause: Callable[[float], None] = field(default=time.sleep)

    def held(self) -> bool:
        """Whether this run has the turn."""
        mine = self._mine()
        return mine is not None and mine.held

    def before(self) -> Entry | None:
        """Who is before this run now, or None; nothing is written."""
        mine = self._mine()
        return None if mine and mine.held else in_front(mine, self._others())

    def take(self, enter: Callable[[], None] = lambda: None) -> Entry | None:
        """Take the turn; answers whom this run waits for, or None when it has it. Ask again later.

        ``enter`` is called right after nobody is before this run any more, maybe more than once.
        """
        mine = self._read(self.me.dag)  # once: another step of this run may write meanwhile
        if mine is not None and self._is_mine(mine) and mine.held:
            return None
        if mine is not None and self._is_in_the_way(mine):
            return mine
        if mine is None or not self._is_mine(mine) or mine.choosing:
            mine = self._draw()
        if mine.choosing:
            return mine
        first = in_front(mine, self._others())
        if first is None:
            enter()
            self._write(mine.model_copy(update={"held": True}))
        return first

    def give_back(self) -> None:
        """This run needs the turn no more; what another one wrote stays."""
        stored = self._read(self.me.dag)
        if stored is not None and stored.run == self.me.run:
            self.store.delete(_key(self.me.dag))

    def _is_in_the_way(self, stored: Entry) -> bool:
        """Another run of this DAG that runs, or another step of this run that draws."""
        if stored.run != self.me.run:
            return self.alive(stored.dag, stored.run)
        drawing = stored.choosing and stored.began == self.me.began and stored.step != self.me.step
        return drawing and time.time() - stored.at < DEAD_S

    def _draw(self) -> Entry:
        me = self.me
        entry = Entry(dag=me.dag, run=me.run, began=me.began, step=me.step, at=time.time())
        self._write(entry)
        if not me.alone:
            self.pause(SETTLE_S)
            if self._read(me.dag) != entry:
                return entry  # another step of this run draws
        highest = max((other.number for other in self._all_others()), default=0)
        entry = entry.model_copy(update={"choosing": False, "number": highest + 1})
        self._write(entry)
        return entry

    def _mine(self) -> Entry | None:
        stored = self._read(self.me.dag)
        return stored if stored and self._is_mine(stored) else None

    def _is_mine(self, stored: Entry) -> bool:
        return (stored.run, stored.began) == (self.me.run, self.me.began)

    def _others(self) -> list[Entry]:
        return [other for other in self._all_others() if self.alive(other.dag, other.run)]

    def _all_others(self) -> list[Entry]:
        found = [self._read(dag) for dag in self.rivals if dag != self.me.dag]
        return [entry for entry in found if entry is not None]

    def _read(self, dag: str) -> Entry | None:
        value = self.store.get(_key(dag))
        return None if value is None else Entry.model_validate(value)

    def _write(self, entry: Entry) -> None:
        self.store.set(_key(entry.dag), entry.model_dump(mode="json"))


def _key(dag: str) -> str:
    return f"turn/{dag}"
