"""The demo application: one small HTTP server per instance, with its build and its settings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from include.sandbox import pages
from include.sandbox.config import Build
from include.sandbox.dependencies import connects

# Longer than any client here keeps an idle connection, so that a kept one is never closed under a request.
KEEP_ALIVE = 3600.0


@dataclass(frozen=True)
class Release:
    """What an instance runs: the service and region it belongs to, its build and that build's manifest.

    ``machine`` names the machine it runs on, where there is one to name.
    """

    service: str
    region: str
    build: str
    manifest: Build
    machine: str | None = None


class Instance:
    """One running copy of the application on a port of its own.

    It listens as soon as `start` returns, says "starting" until it has started, and settings
    can't change: a restart is a new instance. `retire` lets the requests in flight finish.
    """

    shutdown_timeout = 0.5

    def __init__(
        self, release: Release, settings: Mapping[str, str], *, restart: float, warm_up: float
    ) -> None:
        self.release = release
        self.settings = dict(settings)
        self.port = 0
        self.in_flight = 0
        self._restart = restart
        self._warm_up = warm_up
        self._ready_at = 0.0
        self._idle = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def start(self, at_once: bool = False, host: str = "127.0.0.1", port: int = 0) -> None:
        """Open the port; the instance runs after its restart time, or at once.

        Raises OSError for a taken port.
        """
        runner = web.AppRunner(
            self._app(), access_log=None, keepalive_timeout=KEEP_ALIVE, shutdown_timeout=self.shutdown_timeout
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        self._ready_at = self._now() + (0.0 if at_once else self._restart)

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/", self._home)
        app.router.add_get("/health", self._health)
        app.router.add_get("/slow", self._slow)
        for path in pages.PATHS:
            app.router.add_get(path, self._status)
        return app

    @property
    def failed(self) -> bool:
        """Whether its process has exited: this build never starts."""
        return not self.release.manifest.starts

    @property
    def running(self) -> bool:
        """Whether it has started."""
        return not self.failed and self._now() >= self._ready_at

    @property
    def warm(self) -> bool:
        """Whether it has started and answers its home page with 200."""
        return self.running and self._now() >= self._ready_at + self._warm_up

    async def started(self) -> bool:
        """Wait for the start; False when the process exits instead."""
        await asyncio.sleep(max(0.0, self._ready_at - self._now()))
        return not self.failed

    async def status(self) -> pages.Status:
        """Say what runs, and try a connection to each dependency."""
        needs = self.release.manifest.dependencies
        opened = await asyncio.gather(*(connects(self.settings.get(need.setting, "")) for need in needs))
        found = tuple((need.name, connected) for need, connected in zip(needs, opened, strict=True))
        state = "running" if self.warm else "starting"
        release = self.release
        return pages.Status(release.service, release.region, release.build, state, found, release.machine)

    def enter(self) -> None:
        """Count a request in; the caller counts it out with `leave`."""
        self.in_flight += 1
        self._idle.clear()

    def leave(self) -> None:
        """Count a request out."""
        self.in_flight -= 1
        if not self.in_flight:
            self._idle.set()

    async def retire(self, patience: float) -> None:
        """Stop once the requests in flight have finished, or after ``patience`` seconds."""
        try:
            async with asyncio.timeout(patience):
                while self.in_flight:
                    await self._idle.wait()
        except TimeoutError:
            pass
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Close the port and every connection."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _about(self) -> dict[str, str]:
        about = {"service": self.release.service, "build": self.release.build}
        return about if self.release.machine is None else {**about, "machine": self.release.machine}

    async def _home(self, _request: web.Request) -> web.Response:
        return web.json_response(self._about(), status=200 if self.warm else 503)

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"healthy": self.warm}, status=200 if self.warm else 503)

    async def _status(self, request: web.Request) -> web.Response:
        return pages.respond(request.path, await self.status())

    async def _slow(self, request: web.Request) -> web.StreamResponse:
        """Take ``seconds`` (120 at most) over an answer, byte by byte: a long request to keep in flight."""
        try:
            seconds = min(120.0, max(0.0, float(request.query.get("seconds", "2"))))
        except ValueError:
            return web.json_response({"error": "seconds must be a number"}, status=400)
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        ends = self._now() + seconds
        while (left := ends - self._now()) > 0:
            await answer.write(b" ")
            await asyncio.sleep(min(0.25, left))
        await answer.write(json.dumps(self._about()).encode())
        await answer.write_eof()
        return answer
