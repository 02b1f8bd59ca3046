"""A rollback driven step by step in this process: the look, then each place by its own plan."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from include.airlock.dag import PLACES
from include.airlock.errors import AirlockError, Transient
from include.airlock.model.record import Outcome, ReleaseRecord
from include.airlock.model.rollback import RollbackRequest
from include.airlock.model.service import Service
from include.airlock.release.ledger import Ledger, RollbackEntry
from include.airlock.release.place import OpenPlace
from include.airlock.release.rollback import Act, look, undo, undone
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later
from include.airlock.release.verdict import outcome_of
from include.airlock.strategies.rollback import compile_rollback
from tests.integration.rehearsal import LIMIT_S, LONGEST_PAUSE_S, Rehearsal

WHY = "payments are refused since 20:14"


@dataclass
class Undoing:
    """One press of the button. ``running`` names a release that Airflow would say runs."""

    service: Service
    ledger: Ledger
    run: str = "back-1"
    running: str | None = None
    patience: float = 30.0
    errors: dict[str, AirlockError] = field(default_factory=dict)

    @classmethod
    def of(cls, release: Rehearsal, **more: Any) -> Undoing:
        """Undo releases of the same service, remembered in the same ledger."""
        return cls(release.service, release.ledger, **more)

    @property
    def places(self) -> OpenPlace:
        return PLACES[next(step.room for step in compile_rollback(self.service) if step.verb == "undo")]

    def look(self, **conf: Any) -> RollbackEntry:
        request = RollbackRequest.of(self.service, {"reason": WHY, **conf})
        act = Act(self.run, "ann", "http://airflow.example/back-1")
        return look(self.service, self.ledger, request, act, self.places, lambda: self.running)

    @property
    def entry(self) -> RollbackEntry:
        found = self.ledger.rollback(self.run)
        assert found is not None
        return found

    @property
    def record(self) -> ReleaseRecord:
        assert self.entry.release is not None
        found = self.ledger.release(self.entry.release)
        assert found is not None
        return found

    @property
    def undone(self) -> ReleaseRun:
        return undone(self.service, self.ledger, self.record, self.entry.places)

    def place(self, name: str) -> bool:
        """One place to its end; False when it failed."""
        ends = time.monotonic() + LIMIT_S
        while time.monotonic() < ends:
            try:
                result = undo(self.undone, name, self.places, lambda: self.running, patience=self.patience)
                if not isinstance(result, Later):
                    return True
                time.sleep(min(result.seconds, LONGEST_PAUSE_S))
            except Transient:
                time.sleep(LONGEST_PAUSE_S)
            except AirlockError as fault:
                self.errors[name] = fault
                return False
        return False

    def go(self, **conf: Any) -> tuple[Outcome, str]:
        """The look, then every place in the plan's order up to the first that fails."""
        self.look(**conf)
        names = [step.region for step in compile_rollback(self.service) if step.verb == "undo"]
        for name in names:
            if name in self.entry.places and not self.place(str(name)):
                break
        return outcome_of(self.record)
