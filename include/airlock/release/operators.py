"""The steps that belong to the release itself, whatever its strategy: the verdict, and the unlock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from include.airlock.errors import ReleaseFailed, RequestError
from include.airlock.release.assets import asset_of
from include.airlock.release.step import ReleaseStep

if TYPE_CHECKING:
    from include.airlock.model.record import ReleaseRecord


class VerdictOperator(ReleaseStep):
    """Say how the release ended; fails unless every asked region is accepted."""

    ui_color = "#fcf3cf"

    def execute(self, context: Context) -> Any:
        """Stores the outcome, and pushes it as XCom ``verdict`` for whoever started the release.

        Raises:
            ReleaseFailed: with the one sentence that says why.
        """
        from include.airlock.model.record import Outcome
        from include.airlock.release.ledger import now
        from include.airlock.release.run import open_release
        from include.airlock.release.verdict import outcome_of

        run = open_release(context, self.service)
        record = run.record()
        record.outcome, record.sentence = outcome_of(record)
        record.ended_at = now()
        run.ledger.save_header(record)
        context["ti"].xcom_push(key="verdict", value=summary(record))
        if record.outcome not in (Outcome.RELEASED, Outcome.NOTHING):
            raise ReleaseFailed(record.sentence)
        self.log.info("%s", record.sentence)
        return record.sentence


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
    }


class UnlockOperator(BaseOperator):
    """Take a service's lock away: explicit, with a reason, recorded with who did it and by which run."""

    def __init__(self, *, services: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(inlets=[asset_of(service) for service in services], **kwargs)
        self.services = services

    def execute(self, context: Context) -> str:
        """Returns what was unlocked.

        Raises:
            RequestError: the service is unknown or not locked.
        """
        from include.airlock.release.run import ledger_of

        params: Any = context["params"]
        service, reason = params["service"], str(params["reason"]).strip()
        if service not in self.services:
            raise RequestError(f"there is no service '{service}'; there are {', '.join(self.services)}")
        dag_run: Any = context["dag_run"]
        by = getattr(dag_run, "triggering_user_name", None)
        held = ledger_of(context, service).unlock(by=by, reason=reason, run=dag_run.run_id)
        if held is None:
            raise RequestError(f"{service} is not locked")
        was = f"it was locked since {held.at} by {held.release}: {held.reason}"
        text = f"{service} is unlocked ({reason}); {was}"
        self.log.info("%s", text)
        return text
