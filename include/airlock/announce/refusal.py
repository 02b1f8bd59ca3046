"""What could not even begin, told: one short message, with no headline before it and no thread below.

It is no release and is counted nowhere; it is kept only so that it can be told later where a medium is down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.airlock.model.record import Outcome, ReleaseRecord, Rollback
from include.airlock.model.visible import plain

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.airlock.model.service import Service


def refused_release(context: Context, service: str, why: str) -> ReleaseRecord:
    """A run whose params are no change request; the build is shown as it was typed."""
    from include.airlock.release.ledger import now
    from include.airlock.release.run import dag_run_of, page_of

    dag_run, params = dag_run_of(context), _params(context)
    return ReleaseRecord(
        release=dag_run.run_id,
        dag=dag_run.dag_id,
        service=service,
        build=plain(str(params.get("build") or params.get(f"build_{service}") or ""), 64),
        requested_by=getattr(dag_run, "triggering_user_name", None),
        on_failure="",
        started_at=now(),
        ended_at=now(),
        url=page_of(dag_run.dag_id, dag_run.run_id),
        outcome=Outcome.REFUSED,
        sentence=why,
    )


def refused_rollback(context: Context, service: str, why: str) -> ReleaseRecord:
    """A rollback that was refused by its look."""
    record = refused_release(context, service, why)
    reason = plain(str(_params(context).get("reason") or ""), 500)
    record.rollback = Rollback(
        run=record.release,
        by=record.requested_by,
        reason=reason,
        at=record.started_at,
        url=record.url,
        places=[],
    )
    return record


def tell_refusal(context: Context, service: Service, record: ReleaseRecord) -> list[str]:
    """Tell each medium of the service.

    Raises:
        DagRunTriggerException: one could not be told; it is told again apart from this run.
    """
    from include.airlock.announce.operators import notifiers_of, tell_again, tell_all
    from include.airlock.announce.told import Told
    from include.airlock.release.run import ledger_of

    ledger = ledger_of(context, service.service)
    name = ledger.save_refusal(record)
    store = ledger.told(name)
    for notifier in notifiers_of(service):
        if store.get(notifier.name) is None:
            store.set(notifier.name, Told(alone=True).model_dump(mode="json"))
    if tell_all(service, record, store):
        raise tell_again(service.service, name)
    return []


def _params(context: Context) -> dict[str, Any]:
    return dict(context["params"])
