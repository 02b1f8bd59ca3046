"""What only ``slot_swap`` has as Airflow operators: the refresh of a staging slot; how its places open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.errors import AirlockError
from include.airlock.release.step import ReleaseStep

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.airlock.model.service import Service
    from include.airlock.release.place import Place
    from include.airlock.release.run import ReleaseRun


def slots(service: Service, name: str) -> Place:
    """Open one region's app with its staging slot; see ``release.place.OpenPlace``."""
    from include.airlock.azure.place import SlotPlace

    return SlotPlace(service, name)


class ProposeOperator(ReleaseStep):
    """Find what a start by the calendar releases; a start by somebody names its build itself."""

    ui_color = "#fdf6e3"

    def _go(self, context: Context, *, patience: float) -> Any:
        """Returns what is proposed, in a sentence; skips a run that somebody started.

        Raises:
            Refused: the staging slots do not agree.
            Transient: a slot could not be read.
        """
        from include.airlock.azure.proposal import propose
        from include.airlock.release.in_turn import turns, wait
        from include.airlock.release.proposal import in_words, keep, keep_refusal, standing
        from include.airlock.release.run import is_scheduled

        if not is_scheduled(context, self.service):
            raise AirflowSkipException("somebody started this run, and named its build")
        wanted = turns(context, [self.service.service], self.trains, alone=True)
        later = wait(wanted, patience=patience)
        if later:
            self._come_back(later)
        proposal = standing(context, self.service)
        if proposal is not None:
            return in_words(proposal)
        try:
            said = keep(context, self.service, propose(self.service))
        except AirlockError as fault:
            keep_refusal(context, self.service, fault)
            raise
        self.log.info("%s", said)
        return said


class RefreshOperator(ReleaseStep):
    """Put the latest build into one stale staging slot."""

    in_turn = True
    ui_color = "#e8daef"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``refresh.refresh``."""
        from include.airlock.azure.refresh import refresh

        assert self.region
        return refresh(run, self.region, patience=patience)

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """A failed refresh is told as the staging slot's state; it is no failure of an accepted region."""
        assert self.region
        region = run.region(self.region)
        if not fault.retryable and (region.watch or region.refreshing):
            region.watch = region.refreshing = None  # a Clear begins the proof anew
            run.save(region)
