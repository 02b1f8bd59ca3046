"""A listener's data plane: an HTTP proxy by rules and weights, or a proxy of TCP connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import aiohttp
from aiohttp import web

from include.sandbox.aws.members import Flow
from include.sandbox.aws.passing import Passage, refused
from include.sandbox.aws.pools import Pool
from include.sandbox.aws.routing import GROUP_COOKIE, TARGET_COOKIE, Action, Rule

# Longer than a client keeps an idle connection; an ALB's own is an hour ("client_keep_alive.seconds").
_KEEP_ALIVE = 3600.0

PoolOf = Callable[[str], Pool | None]


class Balancer(Protocol):
    """What listens on one address and port."""

    rules: tuple[Rule, ...]

    async def open(self, address: str, port: int) -> None:
        """Listen there. Raises OSError."""

    async def close(self) -> None:
        """Stop, and close every connection."""


class HttpBalancer:
    """An HTTP listener. ``rules`` are what it routes by now; ``idle`` is its idle timeout in seconds."""

    def __init__(self, session: aiohttp.ClientSession, pool_of: PoolOf, idle: float) -> None:
        self.rules: tuple[Rule, ...] = ()
        self._session = session
        self._pool_of = pool_of
        self._idle = idle
        self._runner: web.AppRunner | None = None

    async def open(self, address: str, port: int) -> None:
        """Listen there. Raises OSError."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=_KEEP_ALIVE, shutdown_timeout=0.2)
        await runner.setup()
        self._runner = runner
        await web.TCPSite(runner, address, port).start()

    async def close(self) -> None:
        """Stop, and close every connection."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        action = next((rule.action for rule in self.rules if rule.matches(request)), None)
        if action is None:
            return refused(503)
        if action.kind == "forward":
            return await self._forward(request, action)
        if action.kind == "redirect":
            return web.Response(status=action.status, headers={"Location": _filled(action.location, request)})
        return web.Response(status=action.status, text=action.text, content_type=action.content_type)

    async def _forward(self, request: web.Request, action: Action) -> web.StreamResponse:
        arn = action.choose(_group_cookie(request))
        pool = self._pool_of(arn) if arn else None
        if arn is None or pool is None:
            return refused(503)
        sticky = pool.settings.stickiness
        member = pool.pick(request.cookies.get(TARGET_COOKIE) if sticky else None)
        if member is None:
            return refused(503)
        cookies = {GROUP_COOKIE: arn.rpartition("/")[2]} if action.stickiness else {}
        if sticky:
            cookies[TARGET_COOKIE] = f"{member.id}:{member.port}"
        return await Passage(request, self._session, member, self._idle, cookies).make()


def _group_cookie(request: web.Request) -> str | None:
    return request.cookies.get(GROUP_COOKIE)


def _filled(location: str, request: web.Request) -> str:
    host, _, port = request.host.partition(":")
    known = {
        "protocol": request.scheme,
        "host": host,
        "port": port or "80",
        "path": request.path.lstrip("/"),
        "query": request.query_string,
    }
    for name, value in known.items():
        location = location.replace(f"#{{{name}}}", value)
    return location.removesuffix("?")


class TcpBalancer:
    """A TCP listener: each connection goes to one machine for as long as it lasts."""

    def __init__(self, pool_of: PoolOf) -> None:
        self.rules: tuple[Rule, ...] = ()
        self._pool_of = pool_of
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def open(self, address: str, port: int) -> None:
        """Listen there. Raises OSError."""
        self._server = await asyncio.start_server(self._serve, address, port)

    async def close(self) -> None:
        """Stop, and close every connection."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        work = asyncio.create_task(self._carry(reader, writer))
        self._connections.add(work)
        work.add_done_callback(self._connections.discard)
        await asyncio.wait({work})
        if work.cancelled() or work.exception() is not None:
            writer.transport.abort()
        writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arn = self.rules[0].action.choose(None) if self.rules else None
        pool = self._pool_of(arn) if arn else None
        member = pool.pick() if pool else None
        if member is None:
            raise ConnectionRefusedError
        inner_reader, inner_writer = await asyncio.open_connection(member.address, member.port)
        both = asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        work = asyncio.current_task()
        assert work is not None
        try:
            with member.carrying(Flow(work)):
                await both
        finally:
            inner_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes one way until that way ends."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()
