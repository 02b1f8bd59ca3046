"""The tell steps: beside the lanes, never in their way; green whatever becomes of the telling."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import DagRunTriggerException

from include.airlock.errors import RequestError, Transient
from include.airlock.model.service import Service
from include.airlock.model.wording import shown
from include.airlock.release.assets import asset_of
from include.airlock.release.step import ReleaseStep

if TYPE_CHECKING:
    from include.airlock.announce.notifier import Notifier, NotTold, Store
    from include.airlock.model.record import ReleaseRecord
    from include.airlock.release.run import ReleaseRun

log = logging.getLogger(__name__)

TELL_AGAIN = "airlock_tell_again"

_LONGEST_PART = 180
"""Characters of a release's run id that go into another run's: Airflow takes 250 in all."""


def notifiers_of(service: Service) -> list[Notifier]:
    """One notifier for each medium that the spec names."""
    from include.airlock.announce.slack import SlackNotifier
    from include.airlock.announce.webhook import WebhookNotifier

    found: list[Notifier] = []
    if service.announce.slack is not None:
        found.append(SlackNotifier(service.announce.slack.connection, service.announce.slack.channel))
    found += [WebhookNotifier(webhook.connection) for webhook in service.announce.webhooks]
    return found


def tell_all(service: Service, record: ReleaseRecord, store: Store) -> list[NotTold]:
    """Tell each of them; answers what was not told."""
    from include.airlock.announce.tell import tell

    return tell(record, notifiers_of(service), store)


def tell_now(service: Service, run: ReleaseRun) -> None:
    """Tell from within a step that it waits for people; what can't be told now is left to the tell steps."""
    from include.airlock.announce.floor import floor
    from include.airlock.model.record import Outcome

    try:
        store = run.ledger.told(run.release)
        with floor(store):
            record = run.record()
            record.outcome, record.sentence, record.ended_at = Outcome.RUNNING, None, None
            tell_all(service, record, store)
    except Exception as trouble:  # noqa: BLE001  # whatever it is: telling never breaks doing
        log.warning("not told that a question waits: %s", trouble)


class TellOperator(ReleaseStep):
    """Bring every medium up to date with the release. What could not be told is kept for the next tell."""

    ui_color = "#f4f6f6"

    def execute(self, context: Context) -> Any:
        """Tell; never fails a release. A change request that can't be used is the preflight's to report."""
        try:
            run = self.open(context)
        except RequestError as fault:
            return self.refused(context, str(fault))
        if run.request.plan_only:
            log.info("only a plan was asked for: nobody is told")
            return None
        from include.airlock.announce.floor import floor

        with floor(run.ledger.told(run.release)):
            return self.told(run, context)

    def refused(self, context: Context, why: str) -> Any:
        """There is no release to tell of."""
        log.warning("nothing to announce: %s", why)

    def told(self, run: ReleaseRun, context: Context) -> Any:
        """Tell the release as it stands; one that was stopped and goes on is running again."""
        from include.airlock.model.record import Outcome

        record = run.record()
        if record.nothing:
            return []  # there is only an end to tell
        record.outcome, record.sentence, record.ended_at = Outcome.RUNNING, None, None
        self._note_queue(record, context)
        self._note_turn(record, run, context)
        self._note_window(record, run)
        return texts(tell_all(self.service, record, run.ledger.told(run.release)))

    def _note_queue(self, record: ReleaseRecord, context: Context) -> None:
        """Say that other releases of the service wait their turn behind this one."""
        ti: Any = context["ti"]
        waiting = ti.get_dr_count(dag_id=record.dag, states=["queued"])
        if waiting:
            several = "releases wait their" if waiting > 1 else "release waits its"
            text = f"{waiting} more {several} turn behind this one"
            log.info("%s", text)
            record.warnings = [*record.warnings, text]

    def _note_turn(self, record: ReleaseRecord, run: ReleaseRun, context: Context) -> None:
        """Say that the release waits for another one: that may take an hour, in which nobody else tells."""
        from include.airlock.release.in_turn import before

        if any(region.touched for region in record.regions):
            return  # it has had its turn
        services = [each.service.service for each in (run.train.runs if run.train else (run,))]
        text = before(context, services, self.trains)
        if text is not None and text not in record.warnings:
            record.warnings = [*record.warnings, text]

    @staticmethod
    def _note_window(record: ReleaseRecord, run: ReleaseRun) -> None:
        """Say that the next region waits for its window: that may take days, in which nobody else tells."""
        from include.airlock.release.window_gate import remark

        text = remark(run)
        if text is not None and text not in record.warnings:
            record.warnings = [*record.warnings, text]


class TellEndOperator(TellOperator):
    """Tell how the release ended; what can't be told now goes to a DAG of its own, so nothing waits."""

    def refused(self, context: Context, why: str) -> Any:
        """Tell in one message that the run's params can't be used; a mere plan is told to nobody."""
        from include.airlock.announce.refusal import refused_release, tell_refusal

        params: Any = context["params"]
        if params.get("plan_only") is True:
            return super().refused(context, why)
        record = refused_release(context, self.service.service, why)
        record.train = self.train.name if self.train else None
        return tell_refusal(context, self.service, record)

    def told(self, run: ReleaseRun, context: Context) -> Any:
        """Computes the outcome itself: it must not wait for, nor hold up, the verdict."""
        left = tell_all(self.service, ended(run.record()), run.ledger.told(run.release))
        if left:
            raise tell_again(self.service.service, run.release)
        return []


def ended(record: ReleaseRecord) -> ReleaseRecord:
    """The record with its outcome."""
    from include.airlock.release.ledger import now
    from include.airlock.release.verdict import outcome_of

    record.outcome, record.sentence = outcome_of(record)
    record.ended_at = now()
    return record


def tell_again(service: str, release: str) -> DagRunTriggerException:
    """Starts the DAG that goes on telling."""
    from datetime import UTC, datetime

    moment = datetime.now(UTC)
    return DagRunTriggerException(
        trigger_dag_id=TELL_AGAIN,
        dag_run_id=f"{service}.{release[:_LONGEST_PART].replace('/', '.')}.{moment:%Y%m%dT%H%M%S}",
        conf={"service": service, "release": release},
        logical_date=None,
        reset_dag_run=False,
        skip_when_already_exists=True,
        wait_for_completion=False,
        allowed_states=["success"],
        failed_states=["failed"],
        poke_interval=60,
        deferrable=False,
    )


def texts(troubles: list[NotTold]) -> list[str]:
    """What was not told, to whom and why, for the log."""
    return [f"{trouble.medium}: {trouble}" for trouble in troubles]


class TellAgainOperator(BaseOperator):
    """Tell what an ended release could not tell, with growing pauses, apart from any release."""

    def __init__(self, *, services: tuple[Service, ...], **kwargs: Any) -> None:
        super().__init__(inlets=[asset_of(service.service) for service in services], **kwargs)
        self.services = services

    def execute(self, context: Context) -> None:
        """Tell once; a retry tells the rest.

        Raises:
            RequestError: no such service or release.
            Transient: something is still not told.
        """
        from include.airlock.model.record import Outcome
        from include.airlock.release.record_keeping import keep_record
        from include.airlock.release.run import ledger_of

        params: Any = context["params"]
        service = next((s for s in self.services if s.service == params["service"]), None)
        record = None
        if service is not None:
            ledger = ledger_of(context, service.service)
            record = ledger.release(params["release"])
        if service is None or record is None:
            raise RequestError(
                f"no release {shown(params['release'])} of {shown(params['service'])} is known"
            )
        if context["ti"].get_dagrun_state(record.dag, record.release) == "running":
            raise Transient(f"{record.release} runs again and tells by itself; looking once more later")
        if record.outcome is Outcome.RUNNING:
            record = ended(record)
        if record.release in ledger.unwritten():
            keep_record(ledger, service.service, record.release)
        left = tell_all(service, record, ledger.told(params["release"]))
        if left:
            raise Transient("; ".join(texts(left)))
