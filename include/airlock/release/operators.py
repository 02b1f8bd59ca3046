"""The steps that belong to the release itself, whatever its strategy: the verdict, and the unlock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from include.airlock.errors import ReleaseFailed, RequestError
from include.airlock.release.assets import asset_of
from include.airlock.release.record_link import RecordLink
from include.airlock.release.step import ReleaseStep

if TYPE_CHECKING:
    from include.airlock.model.record import ReleaseRecord
    from include.airlock.release.run import ReleaseRun


class VerdictOperator(ReleaseStep):
    """Say how the release ended; fails unless every asked region is accepted."""

    ui_color = "#fcf3cf"
    operator_extra_links = (RecordLink(),)

    def execute(self, context: Context) -> Any:
        """Stores the outcome, and pushes it as XCom ``verdict`` for whoever started the release.

        Raises:
            ReleaseFailed: with the one sentence that says why.
        """
        from include.airlock.model.record import Outcome
        from include.airlock.release.in_turn import give_back
        from include.airlock.release.run import open_release

        record = store_verdict(open_release(context, self.service))
        context["ti"].xcom_push(key="verdict", value=summary(record))
        give_back(context, [self.service.service], self.trains)
        if record.outcome not in (Outcome.RELEASED, Outcome.NOTHING, Outcome.PLANNED):
            raise ReleaseFailed(record.sentence)
        self.log.info("%s", record.sentence)
        return record.sentence


def store_verdict(run: ReleaseRun) -> ReleaseRecord:
    """Store how a release ended, and its record file; answers the record."""
    from include.airlock.release.ledger import now
    from include.airlock.release.looks import ruled
    from include.airlock.release.record_keeping import keep_record
    from include.airlock.release.verdict import outcome_of

    record = run.record()
    record.outcome, record.sentence = outcome_of(record)
    record.ended_at, record.question = now(), None
    ruled(record, f"{record.outcome}: {record.sentence}")
    run.ledger.save_header(record)
    keep_record(run.ledger, run.service.service, run.release)
    return record


def summary(record: ReleaseRecord) -> dict[str, Any]:
    """How a release ended, for machines: the XCom ``verdict``."""
    keys = {"name", "phase", "old_build", "new_build", "failure", "stand", "refresh"}
    keys |= {"started_at", "ended_at"}
    regions = [region.model_dump(mode="json", include=keys) for region in record.regions]
    return {
        "outcome": record.outcome.value,
        "sentence": record.sentence,
        "regions": regions,
        "faults": record.faults,
        "warnings": record.warnings,
        "decisions": [each.model_dump(mode="json") for each in record.decisions],
    }


class UnlockOperator(BaseOperator):
    """Take a service's lock away: explicit, with a reason, recorded with who did it and by which run."""

    def __init__(self, *, services: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(inlets=[asset_of(service) for service in services], **kwargs)
        self.services = services

    def execute(self, context: Context) -> str:
        """Returns what was unlocked.

        Raises:
            RequestError: the service is unknown or not locked, the reason says nothing, or the run that
                holds the lock is at work.
        """
        from include.airlock.release.record_keeping import keep_record
        from include.airlock.release.run import ledger_of
        from include.airlock.release.unlocking import not_at_work, reason_of

        params: Any = context["params"]
        service, reason = params["service"], reason_of(params["reason"])
        if service not in self.services:
            raise RequestError(f"there is no service '{service}'; there are {', '.join(self.services)}")
        dag_run: Any = context["dag_run"]
        by = getattr(dag_run, "triggering_user_name", None)
        ledger = ledger_of(context, service)
        not_at_work(context, ledger, service)
        held = ledger.unlock(by=by, reason=reason, run=dag_run.run_id)
        if held is None:
            raise RequestError(f"{service} is not locked")
        keep_record(ledger, service, held.release)
        was = f"it was locked since {held.at} by {held.release}: {held.reason}"
        text = f"{service} is unlocked ({reason}); {was}"
        self.log.info("%s", text)
        return text
