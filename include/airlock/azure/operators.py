"""The steps of ``slot_swap`` as Airflow operators: parameters in, the region's lane called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.errors import AirlockError
from include.airlock.release.step import ReleaseStep

if TYPE_CHECKING:
    from include.airlock.release.run import ReleaseRun


class PreflightOperator(ReleaseStep):
    """Look at all asked regions at once; one report of every fault; nothing is touched."""

    ui_color = "#fdf6e3"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Returns the warnings."""
        from include.airlock.azure.preflight import preflight

        warnings = [str(fault) for fault in preflight(run)]
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


class CheckOperator(ReleaseStep):
    """Look again at one region, right before it is touched."""

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``forward.check``."""
        from include.airlock.azure.forward import check

        assert self.region
        check(run, self.region)


class SwapOperator(ReleaseStep):
    """Swap staging into production, exactly once."""

    ui_color = "#d6eaf8"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``forward.swap``."""
        from include.airlock.azure.forward import swap

        assert self.region
        return swap(run, self.region, patience=patience)


class VerifyOperator(ReleaseStep):
    """Prove the new build by production's status page, and see the old one in staging."""

    ui_color = "#d5f5e3"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``forward.verify``."""
        from include.airlock.azure.forward import verify

        assert self.region
        return verify(run, self.region, patience=patience)


class BakeOperator(ReleaseStep):
    """Keep watching production for the bake time, then accept the region."""

    ui_color = "#fdebd0"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``forward.bake``."""
        from include.airlock.azure.forward import bake

        assert self.region
        return bake(run, self.region, patience=patience)


class RollBackOperator(ReleaseStep):
    """The way back of one lane: runs when a step of it failed, acts where the policy says so."""

    after_failures = True
    ui_color = "#fadbd8"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Skips a lane that the release never reached, and one whose policy is to halt."""
        from include.airlock.azure.back import reached, roll_back

        assert self.region
        region = run.region(self.region)
        if not reached(run, self.region):
            raise AirflowSkipException(f"the release did not reach {self.region}")
        if run.request.on_failure == "halt":
            if region.swap is not None:
                run.lock("in_flight", f"{self.region} is in doubt: {region.failure}")
            raise AirflowSkipException("the policy is to halt and leave everything as it is")
        return roll_back(run, self.region, patience=patience)

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """Nothing more: the way back keeps why it got stuck, and must not hide why it was taken."""
        if self.region is not None and run.region(self.region).failure is None:
            super().note_failure(run, fault)


class RollBackEarlierOperator(ReleaseStep):
    """Where the policy is to roll back the whole release: the regions done before, last one first."""

    after_failures = True
    ui_color = "#fadbd8"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``back.roll_back_earlier``."""
        from include.airlock.azure.back import roll_back_earlier

        if run.request.on_failure != "roll_back_release":
            raise AirflowSkipException(
                f"the policy is {run.request.on_failure}: earlier regions keep the new build"
            )
        return roll_back_earlier(run, patience=patience)


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
