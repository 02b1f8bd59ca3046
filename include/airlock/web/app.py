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

from include.airlock.release.ledger import Ledger
from include.airlock.release.record_file import record_file_of
from include.airlock.release.record_keeping import NotKept, read, read_file, with_plan
from include.airlock.release.record_text import render
from include.airlock.release.run import airflow_url, page_of, record_of
from include.airlock.web.access import RunId, ServiceName, may_read
from include.airlock.web.status import Locked, Status, not_begun, status_of
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
    release = _release(ledger, run_id)
    file = record_file_of(ledger, release) or _read(read_file, service, release)
    if file is not None:
        overtaken = {
            place.name: ledger.changed_later(release, place.name, undone=False) for place in file.places
        }
        return status_of(
            file, record=record_of(service, release), overtaken=overtaken, locked=_locked(ledger)
        )
    dag = f"release_{service}"
    run = run_of(session, dag, run_id)
    if run is None:
        raise _unknown(service, run_id)
    return not_begun(
        service,
        run_id,
        dag=dag,
        state=str(run.state),
        after=run.run_after,
        url=page_of(dag, run_id),
        record=record_of(service, run_id),
    )


@router.get("/record", response_class=PlainTextResponse)
def release_record(service: ServiceName, run_id: RunId, ledger: LedgerDep) -> PlainTextResponse:
    """The record file, as the ledger knows the release now; else as it was kept."""
    release = _release(ledger, run_id)
    file = record_file_of(ledger, release)
    text = _read(read, service, release) if file is None else render(with_plan(file, service, release))
    if text is None:
        raise _unknown(service, run_id)
    return PlainTextResponse(text, headers=_HEADERS)


def _release(ledger: Ledger, run_id: str) -> str:
    """A run of ``rollback_<service>`` stands for the release that it undoes."""
    entry = ledger.rollback(run_id)
    return entry.release if entry and entry.release else run_id


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
