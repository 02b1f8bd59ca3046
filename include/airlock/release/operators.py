"""The steps that belong to the release itself, whatever its strategy: the verdict, and the unlock."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperator, Context

from include.airlock.errors import ReleaseFailed, RequestError
from include.airlock.model.record import Outcome
from include.airlock.release.ledger import now
from include.airlock.release.run import ReleaseRun, asset_of, ledger_of
from include.airlock.release.step import ReleaseStep
from include.airlock.release.verdict import outcome_of


class VerdictOperator(ReleaseStep):
    """Say how the release ended; fails unless every asked region is accepted."""

    ui_color = "#fcf3cf"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """Stores the outcome.

        Raises:
            ReleaseFailed: with the one sentence that says why.
        """
        record = run.record()
        record.outcome, record.sentence = outcome_of(record)
        record.ended_at = record.ended_at or now()
        run.ledger.save_header(record)
        if record.outcome is Outcome.RELEASED:
            run.ledger.release_lock_of(run.release)
            self.log.info("%s", record.sentence)
            return record.sentence
        raise ReleaseFailed(record.sentence)


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
        params: Any = context["params"]
        service, reason = params["service"], str(params["reason"]).strip()
        if service not in self.services:
            raise RequestError(f"there is no service '{service}'; there are {', '.join(self.services)}")
        dag_run: Any = context["dag_run"]
        by = getattr(dag_run, "triggering_user_name", None)
        held = ledger_of(context, service).unlock(by=by, reason=reason, run=dag_run.run_id)
        if held is None:
            raise RequestError(f"{service} is not locked")
        text = f"{service} is unlocked ({reason}); it was locked since {held.at} by {held.release}: {held.reason}"
        self.log.info("%s", text)
        return text
