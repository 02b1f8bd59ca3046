"""The AWS side of the sandbox: its endpoint, its world, and what both tell the rest."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiohttp import web

from include.sandbox.aws.addresses import Block
from include.sandbox.aws.door import AwsDoor
from include.sandbox.aws.machines import Machine
from include.sandbox.aws.protocol import warm_up
from include.sandbox.aws.surroundings import Surroundings
from include.sandbox.aws.world import AwsWorld
from include.sandbox.config import SandboxConfig
from include.sandbox.dependencies import Dependencies
from include.sandbox.faults import Fault, Faults
from include.sandbox.journal import Journal

Json = dict[str, Any]


class AwsSide:
    """Everything of AWS. `load` may run while the rest opens; `open` needs it done."""

    def __init__(
        self, config: SandboxConfig, faults: Faults, journal: Journal, dependencies: Dependencies
    ) -> None:
        self._shared = (config, faults, journal, dependencies)
        self._config = config.aws
        self._blocks: dict[str, Block] = {}
        self._loading: asyncio.Task[None] | None = None
        self._world: AwsWorld | None = None

    @property
    def world(self) -> AwsWorld:
        """The world as it is since the last reset."""
        assert self._world is not None
        return self._world

    @property
    def regions(self) -> list[str]:
        """The regions that the configuration names, in its order."""
        return list(dict.fromkeys(r for held in self._config.services.values() for r in held.regions))

    def app(self) -> web.Application:
        """Return the web application of the endpoint."""
        return AwsDoor(lambda: self.world.around, lambda: self.world).app()

    def load(self) -> None:
        """Begin to import moto, in a thread."""
        self._loading = asyncio.create_task(asyncio.to_thread(warm_up))

    async def open(self) -> None:
        """Take addresses and make the world. Raises OSError when an address is taken."""
        for region in self.regions:
            self._blocks[region] = Block.claimed()
        if self._loading is not None:
            await self._loading
        await self._build()

    async def _build(self) -> None:
        self._world = AwsWorld(Surroundings(*self._shared), self._blocks)
        await self._world.open()

    async def reset(self) -> None:
        """Put everything back to its start, at the same addresses and with the same ids."""
        old = self.world
        await old.close()
        for block in self._blocks.values():
            block.forget()
        await self._build()

    async def close(self) -> None:
        """Stop everything; a second call does nothing."""
        if self._loading is not None:
            with contextlib.suppress(asyncio.CancelledError):
                await self._loading
        if self._world is not None:
            await self._world.close()
            self._world = None
        for block in self._blocks.values():
            block.close()
        self._blocks.clear()

    def endpoints(self, port: int) -> Json:
        """Return the ``aws`` of ``endpoints.json``."""
        return {
            "endpoint": f"http://127.0.0.1:{port}",
            "access_key_id": self._config.access_key_id,
            "secret_access_key": self._config.secret_access_key,
            "regions": self.regions,
        }

    def services(self) -> Json:
        """Return the AWS services of ``endpoints.json``."""
        return dict(self.world.founded.services)

    # --- for the control door

    def snapshot(self) -> Json:
        """Return the ``aws`` of the state."""
        return self.world.snapshot()

    def machine(self, id_: str) -> Machine | None:
        """Find a machine."""
        return self.world.machines.get(id_)

    async def fault_set(self, fault: Fault) -> None:
        """Play a fault that plays at once."""
        if fault.fault == "machine_dies":
            await self.world.look_for_deaths()
