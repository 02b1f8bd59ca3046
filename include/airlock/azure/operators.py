"""What only ``slot_swap`` has as Airflow operators: the refresh of a staging slot; how its places open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.airlock.errors import AirlockError
from include.airlock.release.step import ReleaseStep

if TYPE_CHECKING:
    from include.airlock.model.service import Service
    from include.airlock.release.place import Place
    from include.airlock.release.run import ReleaseRun


def slots(service: Service, name: str) -> Place:
    """Open one region's app with its staging slot; see ``release.place.OpenPlace``."""
    from include.airlock.azure.place import SlotPlace

    return SlotPlace(service, name)


class RefreshOperator(ReleaseStep):
    """Put the latest build into one stale staging slot."""

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
