"""The steps of ``rollback_<service>`` as Airflow operators: parameters in, ``release.rollback`` called."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.errors import AirlockError, ReleaseFailed
from include.airlock.release.record_link import RecordLink
from include.airlock.release.step import ReleaseStep
from include.airlock.release.steps import ChangeOperator, PlaceStep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.airlock.model.record import ReleaseRecord
    from include.airlock.release.ledger import Ledger, RollbackEntry
    from include.airlock.release.rollback import Act, Running
    from include.airlock.release.run import ReleaseRun

log = logging.getLogger(__name__)

_LATEST = 10
"""Releases among which the running one is sought by its name; Airflow itself counts them all."""


class OfRollback(ReleaseStep):
    """A step whose release is the one that its run undoes."""

    def open(self, context: Context) -> ReleaseRun:
        """The undone release; a run that only looks, or was refused, has none.

        Raises:
            AirflowSkipException: there is nothing to do.
        """
        from include.airlock.release.rollback import undone
        from include.airlock.release.run import ledger_of

        ledger = ledger_of(context, self.service.service)
        entry = ledger.rollback(_run_id(context))
        record = ledger.release(entry.release) if entry and entry.release else None
        if entry is None or record is None or entry.dry or entry.refusal:
            raise AirflowSkipException("nothing is rolled back by this run; see the step look")
        self._running = running_release(context, ledger, self.service.service, self.trains)
        return undone(self.service, ledger, record, entry.places)


class LookBackOperator(PlaceStep):
    """Say for every place how it would be brought back; then lock the service, unless that was all."""

    ui_color = "#fdf6e3"

    def execute(self, context: Context) -> Any:
        """Returns what was said, by place.

        Raises:
            RequestError: the params can't be used.
            Refused: there is nothing to undo, or a place can't be brought back.
        """
        from include.airlock.model.rollback import RollbackRequest
        from include.airlock.release.ledger import RollbackEntry
        from include.airlock.release.rollback import look
        from include.airlock.release.run import ledger_of

        ledger, act = ledger_of(context, self.service.service), act_of(context)
        running = running_release(context, ledger, self.service.service, self.trains)
        try:
            request = RollbackRequest.of(self.service, dict(context["params"]))
            entry = look(self.service, ledger, request, act, self.places, running)
        except AirlockError as fault:
            if not fault.retryable:
                dry = context["params"].get("dry") is True
                _keep_refusal(ledger, RollbackEntry(run=act.run, dry=dry, refusal=str(fault)))
            raise
        self.log.info("%s", entry.report)
        return entry.report


def refusal_of(context: Context, service: str) -> str | None:
    """Why the run's rollback never began; None where it began, or was only to look."""
    from include.airlock.release.run import ledger_of

    entry = ledger_of(context, service).rollback(_run_id(context))
    if context["params"].get("dry") is True or (entry is not None and not entry.refusal):
        return None
    return entry.refusal if entry and entry.refusal else "its look did not end; see the step look"


def _keep_refusal(ledger: Ledger, entry: RollbackEntry) -> None:
    """For the verdict. A run that has begun stays what it is."""
    begun = ledger.rollback(entry.run)
    if begun is None or begun.dry or begun.refusal:
        ledger.save_rollback(entry)


class UndoOperator(OfRollback, ChangeOperator):
    """Bring one place back to the build that it had before the undone release, and prove it."""

    after_failures = True
    in_turn = False  # no way back waits for a turn: its lock keeps releases out
    ui_color = "#fadbd8"

    def perform(self, run: ReleaseRun, *, patience: float) -> Any:
        """See ``rollback.undo``."""
        from include.airlock.release.rollback import undo

        assert self.region
        self._run = run
        return undo(run, self.region, self.places, self._running, patience=patience)

    def note_failure(self, run: ReleaseRun, fault: AirlockError) -> None:
        """Why a place got stuck is kept by the way back; anything else that stopped it is told beside it."""
        from include.airlock.model.record import Phase

        if self.region is None or fault.retryable:
            return
        region = run.region(self.region)
        if region.phase not in (Phase.STUCK, Phase.ROLLING_BACK, Phase.ROLLED_BACK):
            region.failure = f"roll_back: {fault}"
            run.save(region, f"was not rolled back: {fault}")


class RollbackVerdictOperator(ReleaseStep):
    """Say how the rollback ended; fails unless every place of it serves its old build, proved."""

    ui_color = "#fcf3cf"
    operator_extra_links = (RecordLink(),)

    def execute(self, context: Context) -> Any:
        """Stores the release's new outcome, and pushes it as XCom ``verdict`` for whoever pressed the button.

        Raises:
            ReleaseFailed: with the one sentence that says why.
        """
        from include.airlock.release.run import ledger_of

        ledger = ledger_of(context, self.service.service)
        entry = ledger.rollback(_run_id(context))
        if entry is None or entry.refusal or entry.release is None:
            refusal = entry.refusal if entry else None
            sentence = f"the rollback of {self.service.service} was refused: {refusal or 'see the step look'}"
            return _end(context, {"outcome": "refused", "sentence": sentence}, ok=False)
        if entry.dry:
            return _end(
                context, {"outcome": "dry", "sentence": entry.report, "release": entry.release}, ok=True
            )
        return _end(context, *judged(ledger, entry))


def judged(ledger: Ledger, entry: RollbackEntry) -> tuple[dict[str, Any], bool]:
    """The verdict for machines, and whether all is back. Stores it with the release."""
    from include.airlock.model.record import Outcome
    from include.airlock.release.ledger import now
    from include.airlock.release.looks import ruled
    from include.airlock.release.operators import summary
    from include.airlock.release.record_keeping import keep_record
    from include.airlock.release.verdict import outcome_of

    assert entry.release is not None
    record = ledger.release(entry.release)
    assert record is not None
    record.outcome, record.sentence = outcome_of(record)
    record.ended_at = now()
    ruled(record, f"{record.outcome}: {record.sentence}")
    ledger.save_header(record)
    keep_record(ledger, record.service, record.release)
    verdict = {**summary(record), "release": record.release, "build": record.build, "places": entry.places}
    return verdict, record.outcome is Outcome.ROLLED_BACK


def _end(context: Context, verdict: dict[str, Any], ok: bool) -> Any:
    context["ti"].xcom_push(key="verdict", value=verdict)
    if not ok:
        raise ReleaseFailed(verdict["sentence"])
    log.info("%s", verdict["sentence"])
    return verdict["sentence"]


def _run_id(context: Context) -> str:
    dag_run = context["dag_run"]
    assert dag_run is not None
    return dag_run.run_id


def act_of(context: Context) -> Act:
    """The press of the button that the running task is part of."""
    from include.airlock.release.rollback import Act
    from include.airlock.release.run import page_of

    dag_run: Any = context["dag_run"]
    by = getattr(dag_run, "triggering_user_name", None)
    return Act(run=dag_run.run_id, by=by, url=page_of(dag_run.dag_id, dag_run.run_id))


def running_release(context: Context, ledger: Ledger, service: str, trains: Sequence[str] = ()) -> Running:
    """Ask Airflow, each time anew, whether a release of the service runs, or another rollback of it.

    ``trains`` are those that may hold the service. A train that has not its turn is in nobody's way: the
    lock, which is set before this is asked again, stops it at its preflight.
    """
    from include.airlock.release.dag_runs import state_of
    from include.airlock.release.in_turn import holder_of, rivals_of, undoing_of
    from include.airlock.release.run import dag_run_of

    ti: Any = context["ti"]
    own = dag_run_of(context).dag_id
    (alone,) = rivals_of(service, ())
    undoing = [dag for dag in undoing_of(service, trains) if dag != own]

    def ask() -> str | None:
        waiting = []
        for name in reversed(ledger.known()[-_LATEST:]):
            record = ledger.release(name)
            if record is None or state_of(context, record.dag, name) != "running":
                continue
            if not _has_only_waited(record):
                return name
            waiting.append(name)
        if ti.get_dr_count(dag_id=alone, states=["running"]) > len(waiting):
            return f"a release of {service} that has just begun"
        holder = holder_of(context, service, trains)
        if holder is not None and holder.run not in waiting:
            return holder.name
        return next((f"a run of {d}" for d in undoing if ti.get_dr_count(dag_id=d, states=["running"])), None)

    return ask


def _has_only_waited(record: ReleaseRecord) -> bool:
    """Whether a release waits before its first region: for its window, an approval, its turn.

    It holds no way back up: the lock, set before this is asked again, stops it at its next step. A train
    does, since it would stop for all of its services.
    """
    from include.airlock.model.record import Phase

    begun = any(r.touched or r.phase not in (Phase.WAITING, Phase.NOT_ASKED) for r in record.regions)
    return record.train is None and not begun
