"""The demo application on a machine: it can fall sick, and it can be killed with requests in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from include.sandbox import pages
from include.sandbox.application import Instance, Release

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class MachineApplication(Instance):
    """One start of the application on a machine. ``is_sick`` and ``is_silent`` are asked at every request.

    A sick application has lost its first dependency: its home and health pages answer 500. A silent one
    takes a request and never answers.
    """

    shutdown_timeout = 0.05

    def __init__(
        self,
        release: Release,
        settings: Mapping[str, str],
        *,
        restart: float,
        warm_up: float,
        is_sick: Callable[[], bool],
        is_silent: Callable[[], bool],
    ) -> None:
        super().__init__(release, settings, restart=restart, warm_up=warm_up)
        self._is_sick = is_sick
        self._is_silent = is_silent
        self._transports: set[asyncio.Transport] = set()

    def _app(self) -> web.Application:
        app = super()._app()
        app.middlewares.append(self._counted)
        return app

    @web.middleware
    async def _counted(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        transport = request.transport
        if transport is not None:
            self._transports.add(transport)
        self.enter()
        try:
            if self._is_silent():
                await asyncio.Event().wait()
            return await handler(request)
        finally:
            self.leave()
            if transport is not None:
                self._transports.discard(transport)

    async def kill(self) -> int:
        """End at once: the requests in flight are cut. Return how many there were."""
        cut = self.in_flight
        for transport in list(self._transports):
            transport.abort()
        await self.stop()
        return cut

    async def status(self) -> pages.Status:
        """Say what runs; a sick application says what it has lost."""
        told = await super().status()
        return told.without(None) if self._is_sick() else told

    async def _home(self, request: web.Request) -> web.Response:
        if self._is_sick():
            return web.json_response({**self._about(), "error": "internal error"}, status=500)
        return await super()._home(request)

    async def _health(self, request: web.Request) -> web.Response:
        if self._is_sick():
            return web.json_response({"healthy": False}, status=500)
        return await super()._health(request)
