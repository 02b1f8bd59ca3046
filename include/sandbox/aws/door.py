"""The one AWS endpoint: every service and region, told apart by the signature of each request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from include.sandbox.aws import refusals
from include.sandbox.aws.protocol import NotOffered, dispatch, is_temporary_key, right_signature
from include.sandbox.aws.requests import AwsRequest, NotSigned
from include.sandbox.aws.surroundings import Surroundings
from include.sandbox.aws.world import AwsWorld
from include.sandbox.faults import Fault
from include.sandbox.throttle import Bucket

# Reads of Elastic Load Balancing per account and region: so many at once, so many a second.
_BURST, _PER_SECOND = 40, 10
_BEFORE = ("throttled", "access_denied", "server_error", "connection_dropped")
_AFTER = ("lost_reply", "slow_answer")
_OK = 200


class AwsDoor:
    """Serves AWS's API. The world may be another one after a reset."""

    def __init__(self, around: Callable[[], Surroundings], world: Callable[[], AwsWorld]) -> None:
        self._around = around
        self._world = world
        self._buckets: dict[str, Bucket] = {}

    def app(self) -> web.Application:
        """Return the web application of the endpoint."""
        app = web.Application(client_max_size=4 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        try:
            asked = AwsRequest.read(request.headers, request.query_string, body)
        except NotSigned:
            text = "Request is missing Authentication Token"
            blank = AwsRequest("", "", "", "")
            return refusals.answer(blank, refusals.Refusal("MissingAuthenticationToken", text, 403))
        refusal = self._refused(asked, request, body)
        if refusal is not None:
            return refusals.answer(asked, refusal)
        return await self._play(request, asked, body)

    def _refused(self, asked: AwsRequest, request: web.Request, body: bytes) -> refusals.Refusal | None:
        aws = self._around().config.aws
        if asked.access_key != aws.access_key_id:
            if not is_temporary_key(asked.access_key):
                return refusals.bad_key(asked)
        elif not right_signature(request, body, aws.access_key_id, aws.secret_access_key, asked):
            return refusals.bad_signature(asked)
        if aws.limits and self._too_many(asked):
            return refusals.throttled(asked)
        return None

    def _too_many(self, asked: AwsRequest) -> bool:
        if asked.changes or asked.service != "elasticloadbalancing":
            return False
        now = time.monotonic()
        bucket = self._buckets.setdefault(asked.region, Bucket(_BURST, _PER_SECOND, _BURST, now))
        return bucket.take(now) > 0

    async def _play(self, request: web.Request, asked: AwsRequest, body: bytes) -> web.StreamResponse:
        around = self._around()
        where = self._where(asked)
        entry = self._record(request, asked, where)
        fault = around.faults.match(_BEFORE, **where)
        if fault is not None:
            return self._before(request, asked, fault, entry)
        later = around.faults.match(_AFTER, **where)
        answer = await self._carry_out(request, asked, body)
        _note(entry, answer.status, later)
        if later is not None and later.fault == "lost_reply":
            return _dropped(request)
        if later is not None:
            await asyncio.sleep(later.params["delay"])
        return answer

    def _before(
        self, request: web.Request, asked: AwsRequest, fault: Fault, entry: dict[str, Any] | None
    ) -> web.StreamResponse:
        if fault.fault == "connection_dropped":
            _note(entry, None, fault)
            return _dropped(request)
        if fault.fault == "throttled":
            refusal = refusals.throttled(asked)
        elif fault.fault == "access_denied":
            refusal = refusals.denied(asked, self._world().books.account)
        else:
            refusal = refusals.failure(asked, int(fault.params["status"]))
        _note(entry, refusal.status, fault)
        return refusals.answer(asked, refusal)

    async def _carry_out(self, request: web.Request, asked: AwsRequest, body: bytes) -> web.Response:
        world = self._world()
        try:
            status, headers, text = dispatch(world, asked, request, body)
        except NotOffered:
            return refusals.answer(asked, refusals.unknown(asked))
        except Exception as error:  # noqa: BLE001 - moto's own faults are many; a client must see a 500
            context = {"message": f"moto failed at {asked.action}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return refusals.answer(asked, refusals.failure(asked))
        if asked.changes:
            await world.settle()
        return web.Response(status=status, headers=headers, body=text)

    def _where(self, asked: AwsRequest) -> dict[str, Any]:
        world = self._world()
        machines = asked.machines or world.machines_of(asked)
        groups = asked.groups
        return {
            "service": world.service_of(machines, groups),
            "region": asked.region,
            "machine": machines,
            "group": groups,
            "operation": [asked.action, asked.operation],
        }

    def _record(
        self, request: web.Request, asked: AwsRequest, where: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Record a changing request; a read is only counted."""
        journal = self._around().journal
        if not asked.changes:
            journal.count(asked.action, service=where["service"])
            return None
        return journal.record(
            method=request.method,
            path=request.path,
            operation=asked.action,
            service=where["service"],
            region=asked.region,
            machines=where["machine"],
            groups=where["group"],
            body=dict(asked.params),
            client=request.headers.get("User-Agent", "")[:120],
        )


def _note(entry: dict[str, Any] | None, status: int | None, fault: Fault | None) -> None:
    if entry is not None:
        entry["status"] = status
        entry["fault"] = fault.fault if fault else None


def _dropped(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=_OK)
