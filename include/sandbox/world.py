"""The world: every app and operation, and how an app is started, restarted and given other content."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Mapping
from typing import Any

from include.sandbox.application import Instance, Release
from include.sandbox.config import SandboxConfig, SlotConfig
from include.sandbox.dependencies import Dependencies
from include.sandbox.journal import Journal
from include.sandbox.slots import PRODUCTION, STAYING_CONFIG, App, Operation, Site, Slot


class World:
    """Every site, the operations on them, and how an app is started and restarted."""

    def __init__(self, config: SandboxConfig, journal: Journal, dependencies: Dependencies) -> None:
        self.config = config
        self.journal = journal
        self.dependencies = dependencies
        self.sites: dict[str, Site] = {}
        self.operations: dict[str, Operation] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def build(self) -> None:
        """Make every site as the configuration says, running at once."""
        for service, held in self.config.services.items():
            for region, config in held.regions.items():
                site = Site(service, region, config)
                for name, slot in config.slots.items():
                    site.slots[name.casefold()] = await self._make_slot(site, name.casefold(), slot)
                self.sites[site.name.casefold()] = site

    async def _make_slot(self, site: Site, name: str, config: SlotConfig) -> Slot:
        deployment = site.name if name == PRODUCTION else f"{site.name}__{uuid.uuid4().hex[:4]}"
        staying = {key: value for key, value in config.site_config.items() if key in STAYING_CONFIG}
        moving = {key: value for key, value in config.site_config.items() if key not in STAYING_CONFIG}
        settings = await self.dependencies.resolve(config.settings)
        app = App(config.build, deployment, moving)
        slot = Slot(name, app, settings, dict(config.connection_strings), staying)
        await self.start_instances(site, app, self.effective(site, slot), at_once=True)
        return slot

    def find(self, service: str, region: str) -> Site | None:
        """Find a site by service and region."""
        found = (site for site in self.sites.values() if (site.service, site.region) == (service, region))
        return next(found, None)

    def spawn(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        """Run something in the background until the world ends."""
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a task of the sandbox failed", "exception": task.exception(), "task": task}
            )

    def effective(self, site: Site, slot: Slot) -> dict[str, str]:
        """Return what an app sees in a slot: the slot's settings, and those that the platform adds.

        While a swap prepares the slot, the sticky ones are those of the swap's target.
        """
        settings = slot.settings
        if slot.applied_from is not None:
            settings = self.blend(site, site.slots[slot.applied_from].settings, settings)
        return {**settings, "WEBSITE_SITE_NAME": site.name, "WEBSITE_SLOT_NAME": slot.title}

    @staticmethod
    def blend(site: Site, staying: Mapping[str, str], moving: Mapping[str, str]) -> dict[str, str]:
        """Return the settings of a slot after a swap: its own sticky ones, the others from ``moving``."""
        kept = {name: value for name, value in staying.items() if site.sticky.keeps(name)}
        return {**{name: value for name, value in moving.items() if not site.sticky.keeps(name)}, **kept}

    async def start_instances(
        self, site: Site, app: App, settings: Mapping[str, str], *, at_once: bool = False
    ) -> None:
        """Replace an app's instances by new ones with these settings; the old finish their requests."""
        manifest = self.config.build(app.build)
        release = Release(site.service, site.region, app.build, manifest)
        times = {"restart": self.config.wait.restart, "warm_up": manifest.warm_up / self.config.speed}
        fresh = [Instance(release, settings, **times) for _ in range(site.config.instances)]
        for instance in fresh:
            await instance.start(at_once)
        retired, app.instances = app.instances, fresh
        for instance in retired:
            self.spawn(instance.retire(self.config.protocol.drain))

    async def restart(self, site: Site, slot: Slot, why: str) -> None:
        """Restart a slot's app with the slot's settings, and tell the journal."""
        await self.start_instances(site, slot.app, self.effective(site, slot))
        where = {"service": site.service, "region": site.region, "slot": slot.name}
        self.journal.event("restarted", **where, build=slot.app.build, why=why)

    async def put_content(
        self, site: Site, slot: Slot, build: str, why: str, *, at_once: bool = False
    ) -> None:
        """Put another build into a slot and restart it there."""
        slot.app.build = build
        image = str(slot.app.config.get("linuxFxVersion") or "")
        if image.startswith("DOCKER|"):
            slot.app.config["linuxFxVersion"] = f"{image.rpartition(':')[0]}:{build}"
        await self.start_instances(site, slot.app, self.effective(site, slot), at_once=at_once)
        slot.touch()
        where = {"service": site.service, "region": site.region, "slot": slot.name}
        self.journal.event("content_changed", **where, build=build, why=why)

    async def close(self) -> None:
        """Stop every task and every instance."""
        for operation in self.operations.values():
            operation.over.set()  # who waits for an end is let go
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        slots = [slot for site in self.sites.values() for slot in site.slots.values()]
        await asyncio.gather(*(instance.stop() for slot in slots for instance in slot.app.instances))
