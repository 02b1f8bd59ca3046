"""What a swap does, in the five phases of the vendor's documentation.

Source: learn.microsoft.com, "Set up staging environments in Azure App Service", "Swap operation
steps"; the moments at which the state fields move follow a recorded exchange. All work happens on
the source slot; the target serves its old app until the routing switches, at one instant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import aiohttp

from include.sandbox import arm_errors
from include.sandbox.application import Instance
from include.sandbox.fault_kinds import FAULTS
from include.sandbox.faults import Fault, Faults
from include.sandbox.slots import Operation, Site, Slot, Swapped
from include.sandbox.world import World

PING_PATH = "WEBSITE_SWAP_WARMUP_PING_PATH"
PING_STATUSES = "WEBSITE_SWAP_WARMUP_PING_STATUSES"
FAULT_NAMES = frozenset(name for name, kind in FAULTS.items() if kind.surface == "swap")

_FAILURES = {
    "swap_ping_failed": arm_errors.ping_failed,
    "warm_up_never_succeeds": arm_errors.ping_failed,
    "instances_changed": arm_errors.instances_changed,
    "worker_not_started": arm_errors.worker_not_started,
}


class SwapReverted(Exception):
    """The swap gave up before the routing switched; the source has its own settings again."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Swap:
    """One swap of two slots of one site, from its acceptance to its end."""

    def __init__(
        self,
        world: World,
        faults: Faults,
        site: Site,
        source: Slot,
        target: Slot,
        *,
        by: str,
        fault: Fault | None,
    ) -> None:
        self._world = world
        self._faults = faults
        self._site = site
        self._source = source
        self._target = target
        self._fault = fault
        self._wait = world.config.wait
        self.operation = Operation("SwapSiteSlots", site, source.name, by, target=target.name)

    def start(self) -> Operation:
        """Take the site and begin; the answer is in the operation once it is done."""
        self._site.operation = self.operation
        self._world.operations[self.operation.id] = self.operation
        self._tell("swap_started")
        self._world.spawn(self._run())
        return self.operation

    def _plays(self, name: str) -> bool:
        return self._fault is not None and self._fault.fault == name

    def _param(self, name: str) -> Any:
        return self._fault.params[name] if self._fault else None

    def _tell(self, event: str, **more: Any) -> None:
        where = {"service": self._site.service, "region": self._site.region, "slot": self._source.name}
        builds = {"production": self._target.app.build, "staging": self._source.app.build}
        if self._source.is_production:
            builds = {"production": self._source.app.build, "staging": self._target.app.build}
        names = {"target": self._target.name, "operation_id": self.operation.id, "by": self.operation.by}
        self._world.journal.event(event, **where, **names, **builds, **more)

    async def _run(self) -> None:
        try:
            if self._plays("swap_succeeds_without_swapping"):
                await self._pretend()
            else:
                await self._swap()
        except SwapReverted as reverted:
            await self._revert()
            self._tell("swap_reverted", reason=str(reverted))
            self.operation.end(reverted.status, arm_errors.app_service_body(reverted.status, str(reverted)))
            return
        self._release()
        self._tell("swap_ended")
        self.operation.end()
        if self._plays("someone_swaps_back"):
            self._world.spawn(self._swap_back(float(self._param("delay") or 0), str(self._param("by"))))

    async def _swap(self) -> None:
        if self._source.applied_from != self._target.name:
            await self.apply_settings()
        self.operation.phase = "restarting"
        started = await asyncio.gather(*(instance.started() for instance in self._source.app.instances))
        if not all(started):
            raise SwapReverted(*arm_errors.worker_not_started(self._site.name, self._source.name))
        self.operation.phase = "warming up"
        await self._warm_up()
        if self._plays("swap_never_ends") and not self._param("switched"):
            await self._linger(self._param("seconds"))
        self._switch()
        restart = self._world.spawn(self._restart_old())
        await asyncio.sleep(self._wait.switch_to_end)
        await restart
        if self._plays("swap_never_ends") and self._param("switched"):
            await self._linger(self._param("seconds"))

    @staticmethod
    async def _linger(seconds: float | None) -> None:
        await (asyncio.sleep(seconds) if seconds is not None else asyncio.Event().wait())

    async def apply_settings(self) -> None:
        """Phase 1: the target's slot settings on every instance of the source, which restarts."""
        self.operation.phase = "applying settings"
        await asyncio.sleep(self._wait.apply_settings)
        self._source.applied_from = self._target.name
        await self._world.restart(self._site, self._source, "target settings applied")

    async def _warm_up(self) -> None:
        """Phase 3: a request to each instance of the source; by default any answer will do."""
        if self._plays("warm_up_never_succeeds"):
            await self._linger(self._param("seconds"))
        else:
            await asyncio.sleep(self._wait.warm_up)
        if self._fault is not None and self._fault.fault in _FAILURES:
            raise SwapReverted(*_FAILURES[self._fault.fault](self._site.name, self._source.name))
        settings = self._source.settings
        path = settings.get(PING_PATH) or "/"
        listed = settings.get(PING_STATUSES) or ""
        accepted = {int(code) for code in listed.replace(" ", "").split(",") if code.isdecimal()}
        warm = await asyncio.gather(*(self._ping(one, path, accepted) for one in self._source.app.instances))
        if not all(warm):
            raise SwapReverted(*arm_errors.ping_failed(self._site.name, self._source.name))

    async def _ping(self, instance: Instance, path: str, accepted: Collection[int]) -> bool:
        url = f"http://127.0.0.1:{instance.port}{path if path.startswith('/') else '/' + path}"
        timeout = aiohttp.ClientTimeout(total=self._wait.ping_timeout)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for _ in range(self._world.config.protocol.ping_tries):
                try:
                    async with session.get(url, headers={"User-Agent": "SwapWarmup"}) as answer:
                        return not accepted or answer.status in accepted
                except (aiohttp.ClientError, TimeoutError):
                    await asyncio.sleep(self._wait.ping_interval)
        return False

    def _switch(self) -> None:
        """Phase 4: at one instant the two slots exchange their apps and the settings that travel."""
        source, target, site = self._source, self._target, self._site
        source.app, target.app = target.app, source.app
        source.settings, target.settings = (
            self._world.blend(site, source.settings, target.settings),
            self._world.blend(site, target.settings, source.settings),
        )
        sticky = set(site.sticky.connection_strings)
        ours, theirs = source.connection_strings, target.connection_strings
        source.connection_strings = _exchanged(ours, theirs, sticky)
        target.connection_strings = _exchanged(theirs, ours, sticky)
        self._release()
        self.operation.phase = "switched"
        now = datetime.now(UTC)
        source.swapped = target.swapped = Swapped(now, source.title, target.title)
        source.touch()
        if self._plays("unavailable_after_swap"):
            target.unavailable_until = asyncio.get_running_loop().time() + float(self._param("seconds") or 0)
        self._tell("routing_switched")

    async def _restart_old(self) -> None:
        """Phase 5: the old app restarts in the source slot with that slot's settings."""
        await asyncio.sleep(self._wait.apply_settings)
        await self._world.restart(self._site, self._source, "old app in the source slot")
        await asyncio.gather(*(instance.started() for instance in self._source.app.instances))
        self._target.touch()

    def _release(self) -> None:
        self._source.swap_target = self._target.swap_target = None
        self._source.applied_from = self._target.applied_from = None

    async def _revert(self) -> None:
        """Give the source its own settings again, and restart it there."""
        self._release()
        await self._world.restart(self._site, self._source, "swap reverted")
        await asyncio.gather(*(instance.started() for instance in self._source.app.instances))
        self._source.touch()

    async def _pretend(self) -> None:
        wait = self._wait
        await asyncio.sleep(wait.apply_settings + wait.restart + wait.warm_up + wait.switch_to_end)
        if self._param("claimed"):
            now = datetime.now(UTC)
            self._source.swapped = self._target.swapped = Swapped(now, self._source.title, self._target.title)

    async def _swap_back(self, delay: float, by: str) -> None:
        await asyncio.sleep(delay)
        while self._site.operation is not None:
            await self._site.operation.over.wait()
        Swap(self._world, self._faults, self._site, self._source, self._target, by=by, fault=None).start()


def _exchanged(staying: dict[str, Any], moving: dict[str, Any], sticky: set[str]) -> dict[str, Any]:
    kept = {name: value for name, value in staying.items() if name in sticky}
    return {**{name: value for name, value in moving.items() if name not in sticky}, **kept}
