"""The tell steps of ``rollback_<service>``: the undone release's own message and thread go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.announce.operators import TellEndOperator, TellOperator
from include.airlock.release.rollback_steps import OfRollback, refusal_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.airlock.model.record import ReleaseRecord
    from include.airlock.release.run import ReleaseRun


class TellBackOperator(OfRollback, TellOperator):
    """Bring every medium up to date with the rollback; skipped where nothing is rolled back."""

    def told(self, run: ReleaseRun, context: Any) -> Any:
        """See ``TellOperator.told``. Releases that wait, and windows, do not matter to a way back."""
        from include.airlock.announce.operators import tell_all, texts

        return texts(tell_all(self.service, _running(run.record()), run.ledger.told(run.release)))


def _running(record: ReleaseRecord) -> ReleaseRecord:
    from include.airlock.model.record import Outcome

    record.outcome, record.sentence, record.ended_at = Outcome.RUNNING, None, None
    return record


class TellBackEndOperator(OfRollback, TellEndOperator):
    """Tell how the rollback ended; what can't be told now goes to a DAG of its own."""

    def execute(self, context: Context) -> Any:
        """A refusal is told as well, in one message; a mere look is told to nobody."""
        try:
            return super().execute(context)
        except AirflowSkipException:
            why = refusal_of(context, self.service.service)
            if why is None:
                raise
        from include.airlock.announce.refusal import refused_rollback, tell_refusal

        return tell_refusal(context, self.service, refused_rollback(context, self.service.service, why))
