"""The public hosts: one per slot, each passing its traffic to whichever instance is routed there now."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from include.sandbox import pages, status_faults
from include.sandbox.application import Instance
from include.sandbox.faults import Faults
from include.sandbox.slots import Site, Slot
from include.sandbox.world import World

HOP_BY_HOP = frozenset(
    (
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
ROUTING_COOKIE = "x-ms-routing-name"


class FrontDoor:
    """Routes the requests of every public host. A request stays with the instance it began with."""

    def __init__(self, world: Callable[[], World], faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the client that passes requests on."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)

    async def close(self) -> None:
        """Close that client."""
        if self._session is not None:
            await self._session.close()

    def app(self, service: str, region: str, slot: str) -> web.Application:
        """Return the web application of one public host."""

        async def serve(request: web.Request) -> web.StreamResponse:
            site = self._world().find(service, region)
            found = site.slot(slot) if site else None
            if site is None or found is None:
                return web.Response(status=404, text="404 Web Site not found.")
            return await self._serve(request, site, found)

        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", serve)
        return app

    async def _serve(self, request: web.Request, site: Site, slot: Slot) -> web.StreamResponse:
        slot, cookie = _routed(request, site, slot)
        if slot.state != "Running":
            return web.Response(status=403, text="Error 403 - This web app is stopped.")
        if asyncio.get_running_loop().time() < slot.unavailable_until:
            return web.Response(status=503, text="The service is unavailable.")
        instance = slot.pick()
        if instance is None:
            return web.Response(status=503, text=":( Application Error")
        instance.enter()
        try:
            return await self._answer(request, site, slot, instance, cookie)
        finally:
            instance.leave()

    async def _answer(
        self, request: web.Request, site: Site, slot: Slot, instance: Instance, cookie: str | None
    ) -> web.StreamResponse:
        if request.path in pages.PATHS:
            where = {"service": site.service, "region": site.region, "slot": slot.name}
            fault = self._faults.match(status_faults.NAMES, **where, operation="status")
            if fault is not None:
                return await status_faults.play(request, instance, fault)
        return await self._pass_on(request, instance, cookie)

    async def _pass_on(
        self, request: web.Request, instance: Instance, cookie: str | None
    ) -> web.StreamResponse:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        headers["X-Forwarded-For"] = request.remote or ""
        url = URL(f"http://127.0.0.1:{instance.port}{request.raw_path}", encoded=True)
        body = request.content if request.can_read_body else None
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as inner:
                answer = web.StreamResponse(status=inner.status, headers=_kept(inner))
                if cookie:
                    answer.set_cookie(ROUTING_COOKIE, cookie, path="/", secure=True)
                await answer.prepare(request)
                async for chunk in inner.content.iter_any():
                    await answer.write(chunk)
                await answer.write_eof()
                return answer
        except aiohttp.ClientConnectorError:
            return web.Response(status=502, text="502 - Web server received an invalid response.")


def _kept(inner: aiohttp.ClientResponse) -> CIMultiDict[str]:
    headers = CIMultiDict(
        (name, held) for name, held in inner.headers.items() if name.lower() not in HOP_BY_HOP
    )
    if "Content-Length" in inner.headers:
        headers["Content-Length"] = inner.headers["Content-Length"]
    return headers


def _routed(request: web.Request, site: Site, slot: Slot) -> tuple[Slot, str | None]:
    """Apply the traffic rules of production ("testing in production"): a share goes to another slot.

    A client stays where it was routed first, by the cookie ``x-ms-routing-name``.
    """
    rules = (slot.config.get("experiments") or {}).get("rampUpRules") or []
    if not slot.is_production or not rules:
        return slot, None
    wanted = request.query.get(ROUTING_COOKIE) or request.cookies.get(ROUTING_COOKIE)
    if wanted:
        return (site.slot(wanted) if wanted != "self" else None) or slot, None
    draw = random.uniform(0, 100)  # noqa: S311 - a share of traffic, no secret
    for rule in rules:
        draw -= float(rule.get("reroutePercentage") or 0)
        name = str(rule.get("name") or "")
        other = site.slot(name)
        if draw < 0 and other is not None:
            return other, other.name
    return slot, "self"
