"""One step's view of the release that it is part of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.airlock.errors import Locked, Overtaken, Refused, RequestError
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.record import Phase, RegionRecord, ReleaseRecord
from include.airlock.model.service import Service
from include.airlock.release.ledger import Ledger, Lock, Store, now

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.airlock.model.train import Train
    from include.airlock.release.train import TrainRun

_PATIENT_S = 5.0
"""Seconds between the time a run may start and its start, from which on it is told as waiting."""


def ledger_of(context: Context, service: str) -> Ledger:
    """A service's ledger; the task must have the service's asset among its inlets."""
    return Ledger(store_of(context, service))


def store_of(context: Context, service: str) -> Store:
    """What a service's ledger is kept in."""
    from include.airlock.release.assets import asset_of

    store: Store = context["asset_state_store"][asset_of(service)]
    return store


@dataclass
class ReleaseRun:
    """The service, what was asked for, and what is remembered."""

    service: Service
    request: ChangeRequest
    ledger: Ledger
    release: str
    ended: bool = False
    """Whether the running step was ended from outside: nothing more is sent."""
    train: TrainRun | None = None
    """The releases that it is one of, where a train releases several services together."""
    undoing: bool = False
    """Whether it is undone after its end: then a later release that was rolled back stands in no way."""

    def record(self) -> ReleaseRecord:
        """The whole release as stored now."""
        record = self.ledger.release(self.release)
        assert record is not None, "opened at start"
        return record

    def region(self, name: str) -> RegionRecord:
        """A region's part as stored now."""
        return self.ledger.region(self.release, name)

    def save(self, region: RegionRecord, event: str | None = None) -> None:
        """Store a region's part, with an event to tell when there is one."""
        self.ledger.save_region(self.release, region, event)

    def sole_writer(self, region: RegionRecord, part: str) -> Callable[..., None]:
        """A ``save`` for what is stored in the field ``part`` of a region: compare-and-swap on the ledger.

        Make it right after the region was read or stored: what it holds then is what must be found.

        Airflow may start a step again while a process of it that it holds for lost still lives. The one
        that finds another's writing stops, before it sends anything.
        """
        expected = region.model_copy(deep=True)

        def save(_: object = None, *, event: str | None = None) -> None:
            nonlocal expected
            if self.ended:
                raise Overtaken("the step was ended from outside; nothing more is sent")
            stored = self.region(region.name)
            if getattr(stored, part) != getattr(expected, part) or stored.phase is not expected.phase:
                raise Overtaken(f"another process of this release is changing {region.name}; this one stops")
            self.save(region, event)
            expected = region.model_copy(deep=True)

        return save

    def not_overtaken(self, name: str) -> None:
        """No release that was opened after this one may have changed the region.

        Raises:
            Refused: names the release that did.
        """
        later = self.ledger.changed_later(self.release, name, undone=not self.undoing)
        if later is not None:
            raise Refused(f"{later} has changed {name} since; this release has no say there any more")

    def asked(self, name: str) -> bool:
        """Whether the change request asks for this region."""
        return name in self.request.regions

    def earlier_are_accepted(self, name: str) -> None:
        """One region in flight: every asked region before ``name`` must be accepted, in a train by all.

        Raises:
            Refused: names the region that is not.
        """
        if self.train is not None:
            self.train.lets_start(name)
        for other in self.record().regions:
            if other.name == name:
                return
            if other.phase not in (Phase.ACCEPTED, Phase.NOT_ASKED):
                raise Refused(
                    f"{name} may not start: {other.name} is not accepted ({other.phase}); clear its failure"
                )

    def not_locked(self) -> None:
        """The service must not be locked, but by this release's own region in flight.

        Raises:
            Locked: with the reason as written and how to unlock.
        """
        lock = self.ledger.lock()
        if lock is None or (lock.kind == "in_flight" and lock.release == self.release):
            return
        raise Locked(
            f"{self.service.service} is locked since {lock.at} by {lock.release}: {lock.reason}; "
            "when it is mended, run the DAG airlock_unlock with a reason"
        )

    def in_flight(self, name: str) -> None:
        """Keep other releases out while a region is changed or in doubt, whatever becomes of this run.

        Raises:
            Locked: a rollback has locked the service since the step began.
        """
        self.lock("in_flight", f"{name} is being changed to {self.request.build} and not accepted yet")
        self.not_locked()

    def released_again(self) -> None:
        """A rollback of this release is history once a place of it is released again."""
        record = self.record()
        if record.rollback is not None:
            record.rollback = None
            self.ledger.save_header(record)

    def lock(self, kind: str, reason: str) -> None:
        """Lock the service in this release's name."""
        self.ledger.set_lock(Lock(kind=kind, reason=reason, release=self.release, at=now()))


def open_train(context: Context, train: Train) -> TrainRun:
    """The release of a train in the running task's DAG run: that of each service that is asked for.

    Raises:
        RequestError: the run's params ask for nothing that the train can release, or its run id is taken.
    """
    from include.airlock.model.train_request import TrainRequest
    from include.airlock.release.train import TrainRun

    release = dag_run_of(context).run_id
    asked = TrainRequest.of(train, dict(context["params"]), run_id=release)
    runs = []
    for service, request in zip(train.services, asked.requests, strict=True):
        if not request.regions:
            continue  # it is in none of the asked regions
        ledger = ledger_of(context, service.service)
        header = header_of(context, service, request).model_copy(update={"train": train.name})
        _open(ledger, header, enlist=request.plan_only)
        runs.append(ReleaseRun(service, request, ledger, release))
    made = TrainRun(train, asked.regions, asked.on_failure, tuple(runs))
    for run in runs:
        run.train = made
    return made


def open_release(context: Context, service: Service, train: Train | None = None) -> ReleaseRun:
    """The release of the running task's DAG run; its record is made by the first step that asks.

    It is enlisted when it has its turn; what is only planned needs none.

    Raises:
        RequestError: the run's params are not a change request for this service, or its run id is taken.
        AirflowSkipException: the train was asked to go where this service is not.
    """
    if train is not None:
        from airflow.sdk.exceptions import AirflowSkipException

        run = open_train(context, train).run_of(service.service)
        if run is None:
            raise AirflowSkipException(f"{service.service} is in none of the asked regions")
        return run
    ledger = ledger_of(context, service.service)
    request = _request(context, service, ledger)
    run = ReleaseRun(service, request, ledger, dag_run_of(context).run_id)
    _open(ledger, header_of(context, service, request), enlist=request.plan_only)
    return run


def _open(ledger: Ledger, header: ReleaseRecord, *, enlist: bool) -> None:
    """Store the header unless it is there. Airflow's run ids are unique within one DAG alone.

    Raises:
        RequestError: another DAG, or a run that was deleted since, has released under the same run id.
    """
    known = ledger.release(header.release)
    if known is not None and _what(known) != _what(header):
        raise RequestError(
            f"the run id {header.release} stands for another release of {known.service} already: "
            f"{known.build} by {known.dag}; start it anew with another run id"
        )
    ledger.open(header, enlist=enlist)


def _what(record: ReleaseRecord) -> tuple[str, str, bool]:
    return record.dag, record.build, record.plan_only


def is_scheduled(context: Context, service: Service) -> bool:
    """Whether the calendar started the run, so that its change request is what the step propose found."""
    return service.scheduled is not None and dag_run_of(context).run_type == "scheduled"


def _request(context: Context, service: Service, ledger: Ledger) -> ChangeRequest:
    if not is_scheduled(context, service):
        return ChangeRequest.of(service, dict(context["params"])).under(dag_run_of(context).run_id)
    record = ledger.release(dag_run_of(context).run_id)
    if record is None:
        raise RequestError("no build is proposed; see the step propose")
    return ChangeRequest.proposed(record)


def dag_run_of(context: Context) -> Any:
    """The running task's DAG run."""
    dag_run = context["dag_run"]
    assert dag_run is not None
    return dag_run


def header_of(context: Context, service: Service, request: ChangeRequest) -> ReleaseRecord:
    """A new release's header. Two steps may make it at once: it holds nothing that would differ."""
    dag_run = dag_run_of(context)
    started = dag_run.start_date or datetime.now(UTC)
    waited = (started - dag_run.run_after).total_seconds()
    regions = [
        RegionRecord(name=place, phase=Phase.WAITING if place in request.regions else Phase.NOT_ASKED)
        for place in service.places
    ]
    return ReleaseRecord(
        release=dag_run.run_id,
        dag=dag_run.dag_id,
        service=service.service,
        build=request.build,
        change_request=request.change_request,
        reason=request.reason,
        window_override=request.window_override,
        requested_by=getattr(dag_run, "triggering_user_name", None),
        on_failure=request.on_failure,
        bound=request.plan,
        plan_only=request.plan_only,
        started_at=started.astimezone(UTC).isoformat(timespec="milliseconds"),
        url=page_of(dag_run.dag_id, dag_run.run_id),
        file=record_of(service.service, dag_run.run_id),
        waited_s=round(waited, 1) if waited > _PATIENT_S else None,
        regions=regions,
    )


def record_of(service: str, run_id: str) -> str:
    """The address of a release's record file; the run may be a release's or a rollback's."""
    from urllib.parse import quote

    return f"{airflow_url()}/airlock/releases/{quote(service, safe='')}/{quote(run_id, safe='')}/record"


def airflow_url() -> str:
    """The address of Airflow as people and tools reach it."""
    from airflow.sdk.configuration import conf

    return conf.get("api", "base_url", fallback="http://localhost:8080").rstrip("/")


def page_of(dag_id: str, run_id: str) -> str:
    """The address of a DAG run's page in Airflow."""
    from urllib.parse import quote

    return f"{airflow_url()}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"
