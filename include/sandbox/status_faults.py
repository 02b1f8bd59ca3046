"""The faults of a status page: what a public host answers instead of the instance's own page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from aiohttp import web

from include.sandbox import pages
from include.sandbox.application import Instance
from include.sandbox.fault_kinds import FAULTS
from include.sandbox.faults import Fault

NAMES = frozenset(name for name, kind in FAULTS.items() if kind.surface == "status")
_MEGABYTE = b" " * 2**20

Play = Callable[[web.Request, Instance, Fault], Awaitable[web.StreamResponse]]


async def play(request: web.Request, instance: Instance, fault: Fault) -> web.StreamResponse:
    """Answer a request for the status page as the fault says."""
    return await _PLAYS[fault.fault](request, instance, fault)


async def _changed(request: web.Request, instance: Instance, fault: Fault) -> web.StreamResponse:
    status = await instance.status()
    match fault.fault:
        case "status_wrong_build":
            status = replace(status, build=str(fault.params["build"]))
        case "status_missing_build":
            status = replace(status, build=None)
        case "status_starting":
            status = replace(status, state="starting")
        case "status_empty_dependencies":
            status = replace(status, dependencies=())
        case "status_dependency_down":
            status = status.without(fault.params["dependency"])
        case "status_flapping" if fault.played % max(1, int(fault.params["every"])) == 0:
            status = status.without(None)
    return pages.respond(request.path, status)


async def _slow(request: web.Request, instance: Instance, fault: Fault) -> web.StreamResponse:
    await asyncio.sleep(fault.params["delay"])
    return pages.respond(request.path, await instance.status())


async def _drip(request: web.Request, instance: Instance, fault: Fault) -> web.StreamResponse:
    whole = pages.respond(request.path, await instance.status())
    answer = web.StreamResponse(headers={"Content-Type": whole.headers["Content-Type"]})
    await answer.prepare(request)
    body = whole.body if isinstance(whole.body, bytes) else b""
    for at in range(len(body)):
        await answer.write(body[at : at + 1])
        await asyncio.sleep(fault.params["delay"])
    await answer.write_eof()
    return answer


async def _huge(request: web.Request, _instance: Instance, fault: Fault) -> web.StreamResponse:
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    await answer.prepare(request)
    await answer.write(b"{")
    for _ in range(int(fault.params["megabytes"])):
        await answer.write(_MEGABYTE)
    await answer.write(b"}")
    await answer.write_eof()
    return answer


async def _not_json(_request: web.Request, _instance: Instance, _fault: Fault) -> web.StreamResponse:
    page = "<!doctype html>\n<html><body><h1>Sign in to continue</h1></body></html>\n"
    return web.Response(text=page, content_type="text/html")


async def _redirect(_request: web.Request, _instance: Instance, fault: Fault) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": str(fault.params["location"])})


async def _error(_request: web.Request, _instance: Instance, fault: Fault) -> web.StreamResponse:
    return web.Response(status=int(fault.params["status"]), text="Internal Server Error")


async def _dropped(request: web.Request, _instance: Instance, _fault: Fault) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


_PLAYS: dict[str, Play] = {
    "status_wrong_build": _changed,
    "status_missing_build": _changed,
    "status_starting": _changed,
    "status_empty_dependencies": _changed,
    "status_dependency_down": _changed,
    "status_flapping": _changed,
    "status_slow": _slow,
    "status_drip": _drip,
    "status_huge": _huge,
    "status_not_json": _not_json,
    "status_redirect": _redirect,
    "status_error": _error,
    "status_dropped": _dropped,
}
