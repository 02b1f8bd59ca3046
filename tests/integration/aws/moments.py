"""A ledger that does something at the moment when a release remembers something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from include.airlock.model.machines import MachinePhase
from include.airlock.model.record import RegionRecord
from tests.integration.rehearsal import MemoryStore

Holds = Callable[[RegionRecord], bool]


class Moments(MemoryStore):
    """A store in memory; what is to happen at a moment happens right after that moment is stored."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[Holds, Callable[[], object]]] = []

    def once(self, holds: Holds, act: Callable[[], object]) -> None:
        """Do it the first time that a region is stored of which ``holds`` is true."""
        self._waiting.append((holds, act))

    def set(self, key: str, value: Any) -> None:
        """Store a value, and let happen what waits for it."""
        super().set(key, value)
        if "/region/" not in key:
            return
        region = RegionRecord.model_validate(value)
        due = [each for each in self._waiting if each[0](region)]
        self._waiting = [each for each in self._waiting if each not in due]
        for _, act in due:
            act()


def machine_is(machine: str, phase: MachinePhase) -> Holds:
    """When a machine enters a phase."""
    return lambda region: any(each.id == machine and each.phase is phase for each in region.machines)


def weight_is(percent: int) -> Holds:
    """When the idle group was proved to get that share."""

    def holds(region: RegionRecord) -> bool:
        shift = region.shift
        if shift is None or shift.weights is None or shift.staged_at is None:
            return False
        return shift.weights[shift.idle] == percent

    return holds
