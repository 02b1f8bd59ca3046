"""The pages: ``/airlock/releases/<service>/<run id>``, and ``…/record`` below it.

Nothing here is open to anybody unknown: the router carries Airflow's authentication, and FastAPI's own
pages (its documentation and schema) are off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from airflow.api_fastapi.common.db.common import SessionDep
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response, status
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import PlainTextResponse, RedirectResponse
from sqlalchemy.orm import Session

from include.airlock.model.record_file import RecordFile
from include.airlock.release.ledger import Ledger
from include.airlock.release.record_file import file_of
from include.airlock.release.record_keeping import NotKept, read, read_file, with_plan
from include.airlock.release.record_text import render
from include.airlock.release.run import airflow_url, page_of, record_of
from include.airlock.web.access import RunId, ServiceName, may_read
from include.airlock.web.status import Locked, Status, as_it_stands, at_work, not_begun, status_of
from include.airlock.web.store import ledger_of, run_of

T = TypeVar("T")

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""A record is for the one who asked, and is shown as the text that it is."""

app = FastAPI(title="Airlock", docs_url=None, redoc_url=None, openapi_url=None)
router = APIRouter(prefix="/releases/{service}/{run_id}", dependencies=[Depends(may_read)])


def _ledger(service: ServiceName, session: SessionDep) -> Ledger:
    return ledger_of(session, service)


LedgerDep = Annotated[Ledger, Depends(_ledger)]


@router.get("")
def release_status(
    service: ServiceName, run_id: RunId, ledger: LedgerDep, session: SessionDep, response: Response
) -> Status:
    """Is it released, where, since when?"""
    response.headers.update(_HEADERS)
    release = _release(ledger, service, run_id)
    file = _file(session, ledger, release) or _read(read_file, service, release)
    if file is None:
        return _not_begun(session, service, run_id)
    overtaken = {place.name: ledger.changed_later(release, place.name, undone=False) for place in file.places}
    record = record_of(service, file.release)
    return status_of(file, record=record, overtaken=overtaken, locked=_locked(ledger))


def _not_begun(session: Session, service: str, run_id: str) -> Status:
    dag = f"release_{service}"
    run = run_of(session, dag, run_id)
    if run is None:
        raise _unknown(service, run_id)
    record, url = record_of(service, run_id), page_of(dag, run_id)
    return not_begun(
        service, run_id, dag=dag, state=str(run.state), after=run.run_after, url=url, record=record
    )


@router.get("/record", response_class=PlainTextResponse)
def release_record(
    service: ServiceName, run_id: RunId, ledger: LedgerDep, session: SessionDep
) -> PlainTextResponse:
    """The record file, as the ledger knows the release now; else as it was kept."""
    release = _release(ledger, service, run_id)
    file = _file(session, ledger, release)
    text = _read(read, service, release) if file is None else render(with_plan(file, service, release))
    if text is None:
        raise _unknown(service, run_id)
    return PlainTextResponse(text, headers=_HEADERS)


def _file(session: Session, ledger: Ledger, release: str) -> RecordFile | None:
    """What the ledger knows, as it stands by Airflow's word on the run that is or was at work."""
    record = ledger.release(release)
    if record is None:
        return None
    run = run_of(session, *at_work(record))
    return file_of(ledger, as_it_stands(record, None if run is None else str(run.state)))


def _release(ledger: Ledger, service: str, run_id: str) -> str:
    """The name under which the ledger knows what a run is about.

    A run of ``rollback_<service>`` stands for the release that it undoes; what could not even begin has a
    name of its own.
    """
    entry = ledger.rollback(run_id)
    names = [entry.release] if entry and entry.release else [run_id]
    names += [f"refused/{kind}_{service}/{run_id}" for kind in ("release", "rollback")]
    return next((name for name in names if ledger.release(name) is not None), names[0])


def _read(reading: Callable[[str, str], T | None], service: str, release: str) -> T | None:
    """What is kept of a release that the ledger has forgotten."""
    try:
        return reading(service, release)
    except NotKept as fault:
        raise HTTPException(
            status.HTTP_503_SERVICE_UNAVAILABLE, "the place of the records can't be read"
        ) from fault


def _locked(ledger: Ledger) -> Locked | None:
    held = ledger.lock()
    return None if held is None else Locked.model_validate(held.model_dump())


def _unknown(service: str, run_id: str) -> HTTPException:
    return HTTPException(status.HTTP_404_NOT_FOUND, f"no release {run_id} of {service} is known")


@app.exception_handler(HTTPException)
async def refused(request: Request, fault: HTTPException) -> Any:
    """A person who followed a link without being signed in is sent to Airflow's door, and back afterwards."""
    html = "text/html" in request.headers.get("accept", "")
    if fault.status_code == status.HTTP_401_UNAUTHORIZED and html:
        back = urlencode({"next": request.url.path})
        return RedirectResponse(f"{airflow_url()}/api/v2/auth/login?{back}", status.HTTP_303_SEE_OTHER)
    return await http_exception_handler(request, fault)


app.include_router(router)
