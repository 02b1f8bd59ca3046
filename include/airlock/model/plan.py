"""A plan: the steps of a release as plain values, printable and testable without Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from include.airlock.model.service import Service


class When(StrEnum):
    """When a step may start, given the steps that it comes after."""

    NONE_FAILED = "none_failed"
    """All are done and none failed; a region that was not asked for counts as done."""
    ONE_FAILED = "one_failed"
    """At least one failed: the way back of a lane."""
    WAY_BACK_TAKEN = "way_back_taken"
    """One way back was taken."""
    ALL_DONE = "all_done"
    """All are done, however they ended."""


@dataclass(frozen=True)
class Step:
    """One step: ``verb`` in ``room`` (what changes there, or the release itself), for a region or for all.

    ``id`` is also the task's id; ``after`` are ids of steps; ``about`` is a sentence for people.
    """

    id: str
    room: str
    verb: str
    region: str | None
    after: tuple[str, ...]
    when: When
    about: str
    service: str | None = None
    """In a train: the service that the step is of, None where it is of all."""


@dataclass(frozen=True)
class Plan:
    """The steps of one service's release, in an order in which every step follows those it comes after."""

    service: Service
    steps: tuple[Step, ...]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def __str__(self) -> str:
        """One line a step, for people."""
        return "\n".join(f"{step.id}: {step.about}" for step in self.steps)
