"""The steps of a lane as Airflow operators, the same for every strategy: parameters in, the lane called."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.errors import AirlockError, WindowClosed
from include.airlock.release.step import ReleaseStep

if TYPE_CHECKING:
    from include.airlock.release.place import OpenPlace
    from include.airlock.release.run import ReleaseRun

log = logging.getLogger(__name__)

_HALTING = ("halt", "roll_back_machine")
"""Policies that leave a region where it stopped; the first also leaves its machine."""


class PlaceStep(ReleaseStep):
    """A step that looks at places; ``places`` opens one by its name and differs by strategy."""

    def __init__(self, *, places: OpenPlace, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.places = places
        self._doing: ReleaseRun | None = None

    def on_kill(self) -> None:
        """A person ended the step: cancel what would go on without it. A look later tells how far it got."""
        run = self._doing
        if run is None or self.region is None:
            return
        run.ended = True  # Airflow lets the interrupted work go on for some seconds
        try:
            with self.places(self.service, self.region) as place:
                place.withdraw(run, run.region(self.region))
        except AirlockError as fault:
            log.warning("what was under way could not be cancelled: %s", fault)


class PreflightOperator(PlaceStep):
    """Look at all asked regions at once; one report of every fault; nothing is touched."""

    ui_color = "#fdf6e3"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Returns the warnings."""
        from include.airlock.release.preflight import preflight
        from include.airlock.release.window_gate import remark

        warnings = [str(fault) for fault in preflight(run, self.places)]
        closed = remark(run)
        warnings += [closed] if closed else []
        for warning in warnings:
            self.log.warning("%s", warning)
        record = run.record()
        record.warnings, record.refusal, record.faults = warnings, None, []
        run.ledger.save_header(record)
        return warnings

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """Keep the report for the verdict, as one sentence."""
        record = run.record()
        record.refusal = "; ".join(line.strip(" -") for line in str(fault).splitlines())
        found = getattr(fault, "faults", [])
        record.faults = [{"region": each.region, "code": each.code, "text": each.text} for each in found]
        run.ledger.save_header(record)


class CheckOperator(PlaceStep):
    """Look again at one region, right before it is touched."""

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``lane.check``."""
        from include.airlock.release.lane import check

        assert self.region
        return check(run, self.region, self.places)

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """A closed window is no failure of the region."""
        from include.airlock.release.window_gate import note_closed

        if isinstance(fault, WindowClosed) and self.region is not None:
            note_closed(run, self.region, fault)
            return
        super().note_failure(run, fault)


class ChangeOperator(PlaceStep):
    """Change one region by its strategy's own means: swap it, roll it, switch it."""

    ui_color = "#d6eaf8"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``lane.change``."""
        from include.airlock.release.lane import change

        assert self.region
        self._doing = run
        verb = self.task_id.rpartition(".")[2]
        return change(run, self.region, self.places, patience=patience, verb=verb)


class VerifyOperator(PlaceStep):
    """Prove the new build by the status page as clients reach it, and that the way back is open."""

    ui_color = "#d5f5e3"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``lane.verify``."""
        from include.airlock.release.lane import verify

        assert self.region
        return verify(run, self.region, self.places, patience=patience)


class BakeOperator(PlaceStep):
    """Keep watching production for the bake time, then accept the region."""

    ui_color = "#fdebd0"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``lane.bake``."""
        from include.airlock.release.lane import bake

        assert self.region
        return bake(run, self.region, self.places, patience=patience)


class RollBackOperator(PlaceStep):
    """The way back of one lane: runs when a step of it failed, acts as far as the policy says."""

    after_failures = True
    ui_color = "#fadbd8"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Skips a lane that the release never reached, and one whose policy is to halt, once that is safe."""
        from include.airlock.release.back import halt, reached, roll_back

        assert self.region
        self._doing = run
        if not reached(run, self.region):
            raise AirflowSkipException(f"the release did not reach {self.region}")
        if run.request.on_failure in _HALTING:
            later = halt(run, self.region, self.places, patience=patience)
            if later:
                return later
            if run.request.on_failure == "halt":
                raise AirflowSkipException("the policy is to halt and leave the region as it is")
            return run.region(self.region).stand
        return roll_back(run, self.region, self.places, patience=patience)

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """Nothing more: the way back keeps why it got stuck, and must not hide why it was taken."""
        if self.region is not None and run.region(self.region).failure is None:
            super().note_failure(run, fault)


class RollBackEarlierOperator(PlaceStep):
    """Where the policy is to roll back the whole release: the regions done before, last one first."""

    after_failures = True
    ui_color = "#fadbd8"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``back.roll_back_earlier``."""
        from include.airlock.release.back import roll_back_earlier

        if run.request.on_failure != "roll_back_release":
            raise AirflowSkipException(
                f"the policy is {run.request.on_failure}: earlier regions keep the new build"
            )
        return roll_back_earlier(run, self.places, patience=patience)
