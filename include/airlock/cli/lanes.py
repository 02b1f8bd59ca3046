"""How far a release is, by the states of its steps: pure, so that every picture of it says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from include.airlock.cli.facts import Task

VERBS = ("approve", "check", "deploy", "roll", "swap", "switch", "verify", "bake")
"""The forward steps of a lane, in the order of every strategy."""
BACK = "roll_back"
ASKS = "waits for an answer"
HELD = "waits for its window"

_GATES = ("approve", "check")
"""What may wait for people or for a window; how long it takes says nothing of the place."""
_AWAITING = "awaiting_input"
_BEGUN = ("running", "deferred", "up_for_retry", "up_for_reschedule", "restarting", _AWAITING)


@dataclass(frozen=True)
class Lane:
    """One place of a release: its forward steps in order, its way back, and whether it was asked for."""

    name: str
    steps: tuple[tuple[str, Task], ...]
    back: Task | None
    asked: bool

    @property
    def phase(self) -> str:
        """Where it stands, in a word or two."""
        if not self.asked:
            return "not asked"
        if any(task.state == _AWAITING for _, task in self.steps):
            return ASKS
        return self._back_phase() or self._forward_phase()

    def _back_phase(self) -> str | None:
        state = self.back.state if self.back is not None else None
        if state == "success":
            return "brought back"
        if state == "failed":
            return "could not be brought back"
        if not self.steps and state in ("skipped", "upstream_failed"):
            return "not touched"
        # Where nothing was done its step only looks that there is nothing to be done.
        done = not self.steps or any(task.state in ("success", "failed") for _, task in self.steps)
        return "going back" if state in _BEGUN and done else None

    def _forward_phase(self) -> str:
        states = [task.state for _, task in self.steps]
        failed = next((verb for verb, task in self.steps if task.state == "failed"), None)
        if failed is not None:
            return f"failed in {failed}"
        if states and all(state == "success" for state in states):
            return "accepted"
        if any(state in ("upstream_failed", "skipped") for state in states):
            return "not started"
        if any(verb == "check" and task.state == "deferred" for verb, task in self.steps):
            return HELD
        # Between two steps nothing runs, and the lane is at the later one already.
        current = next((verb for verb, task in self.steps if task.state != "success"), None)
        return current if current is not None and self.begun is not None else "waiting"

    @property
    def accepted(self) -> bool:
        """Whether the place has the new build for good."""
        return self.phase == "accepted"

    @property
    def over(self) -> bool:
        """Whether nothing more is expected of it."""
        return not self.asked or self.phase not in ("waiting", "going back", ASKS, HELD, *VERBS)

    @property
    def begun(self) -> datetime | None:
        """When its first step started."""
        return min((task.start for _, task in self.steps if _has_run(task) and task.start), default=None)

    @property
    def started(self) -> datetime | None:
        """When its first step after the gates started: from then on it takes what it takes."""
        starts = [
            task.start for verb, task in self.steps if _has_run(task) and verb not in _GATES and task.start
        ]
        return min(starts, default=None)

    @property
    def ended(self) -> datetime | None:
        """When its last forward step ended; None while one is open."""
        if not self.steps or any(task.end is None for _, task in self.steps):
            return None
        return max(task.end for _, task in self.steps if task.end)

    def elapsed(self, now: datetime) -> float:
        """Seconds from the end of its gates to its own end or now; 0 before."""
        if self.started is None:
            return 0.0
        return max(((self.ended or now) - self.started).total_seconds(), 0.0)

    def share(self, now: datetime, expected: float | None) -> float:
        """How much of it is done, from 0 to 1: by time where past releases say how long, else by steps.

        It is 1 only when the place is accepted.
        """
        if self.accepted or (not self.steps and self.phase == "brought back"):
            return 1.0
        if expected and self.steps:
            return min(self.elapsed(now) / expected, 0.95)
        done = sum(task.state == "success" for _, task in self.steps)
        return min(done / max(len(self.steps), 1), 0.95)


def _has_run(task: Task) -> bool:
    """Whether it has begun: Airflow gives a start also to what it passes over."""
    return task.state not in ("skipped", "upstream_failed")


def lanes_of(
    tasks: Mapping[str, Task], places: Sequence[str] = (), asked: Sequence[str] = ()
) -> tuple[Lane, ...]:
    """The lanes of a run in the order of ``places``; ``asked``: those asked for, none meaning all.

    Without ``places`` they are found by their steps, in the order in which they began.
    """
    # A release's lane has a check; that of a rollback's DAG is a way back alone.
    found = {task_id.rpartition(".")[0] for task_id in tasks if task_id.rpartition(".")[2] in ("check", BACK)}
    found.discard("")
    lanes = [_lane(name, tasks, not asked or name in asked or _region(name) in asked) for name in found]
    known = {name: index for index, name in enumerate(places)}
    last = len(known)
    order = {name: known.get(name, known.get(_region(name), last)) for name in found}
    return tuple(sorted(lanes, key=lambda lane: (order[lane.name], *_begin(lane))))


def _region(lane: str) -> str:
    """The region of a lane: a train's are named ``<region>.<service>``, and it is asked for by regions."""
    return lane.partition(".")[0]


def _lane(name: str, tasks: Mapping[str, Task], asked: bool) -> Lane:
    steps = tuple((verb, tasks[f"{name}.{verb}"]) for verb in VERBS if f"{name}.{verb}" in tasks)
    return Lane(name, steps, tasks.get(f"{name}.{BACK}"), asked)


def _begin(lane: Lane) -> tuple[float, str]:
    return (lane.begun.timestamp() if lane.begun else float("inf"), lane.name)


def expected_seconds(past: Sequence[Mapping[str, Task]]) -> dict[str, float]:
    """How long each place takes, in seconds: the median of the past releases that were accepted there."""
    seen: dict[str, list[float]] = {}
    for tasks in past:
        for lane in lanes_of(tasks):
            if lane.accepted and lane.started is not None and lane.ended is not None:
                seen.setdefault(lane.name, []).append((lane.ended - lane.started).total_seconds())
    return {name: median(times) for name, times in seen.items()}


def remaining_seconds(lanes: Sequence[Lane], expected: Mapping[str, float], now: datetime) -> float | None:
    """Seconds until all asked places are accepted, if all goes well; None where no past release tells."""
    open_ones = [lane for lane in lanes if lane.asked and not lane.over]
    if any(lane.name not in expected for lane in open_ones):
        return None
    return sum(max(expected[lane.name] - lane.elapsed(now), 0.0) for lane in open_ones)
