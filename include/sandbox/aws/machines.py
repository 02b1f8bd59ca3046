"""The EC2 machines: each runs the application on a loopback address of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.sandbox.application import Release
from include.sandbox.aws.machine_application import MachineApplication
from include.sandbox.aws.surroundings import Surroundings

RUNNING = "running"
DATABASE = {"DATABASE_URL": "tcp://{database}", "QUEUE_URL": "tcp://{queue}", "LEDGER_URL": "tcp://{ledger}"}


@dataclass(eq=False)
class Machine:
    """One EC2 instance: its place, and the build it runs.

    ``power`` is EC2's word for its state. ``online`` is whether its SSM agent answers.
    """

    id: str
    service: str
    region: str
    zone: str
    address: str
    port: int
    build: str
    around: Surroundings
    farm: str = ""
    power: str = RUNNING
    online: bool = True
    application: MachineApplication | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def where(self) -> dict[str, str]:
        """The words that a fault's ``where`` may name."""
        return {"service": self.service, "region": self.region, "machine": self.id}

    @property
    def in_flight(self) -> int:
        """Requests that its application is answering."""
        return self.application.in_flight if self.application else 0

    @property
    def state(self) -> str:
        """What its application does: running, starting or stopped; else EC2's word."""
        if self.power != RUNNING:
            return self.power
        if self.application is None:
            return "no application"
        return "running" if self.application.warm else "starting"

    def sick(self) -> bool:
        """Whether a fault makes the application fail."""
        return self.around.faults.active("machine_sick", **self.where) is not None

    def silent(self) -> bool:
        """Whether a fault keeps the application from answering."""
        return self.around.faults.active("machine_silent", **self.where) is not None

    async def start(self, build: str, *, at_once: bool = False) -> bool:
        """Start a build; False when its process exits at once.

        It listens at once and answers 503 until it is warm; ``at_once`` skips that. Raises OSError
        when the machine's address can't be used.
        """
        around = self.around
        manifest = around.config.build(build)
        self.build = build
        if not manifest.starts:
            return False
        warm_up = 0.0 if at_once else self._warm_up(manifest.warm_up)
        self.settings = await around.dependencies.resolve(DATABASE)
        application = MachineApplication(
            Release(self.service, self.region, build, manifest, self.id),
            self.settings,
            restart=0.0,
            warm_up=warm_up,
            is_sick=self.sick,
            is_silent=self.silent,
        )
        await application.start(True, self.address, self.port)
        self.application = application
        return True

    def _warm_up(self, of_build: float) -> float:
        slow = self.around.faults.match(("slow_warm_up",), **self.where)
        extra = float(slow.params["seconds"]) if slow else 0.0
        return self.around.scaled(self.around.timings.warm_up + of_build + extra)

    async def kill(self, why: str) -> None:
        """End the application at once, as a stopped service or a lost machine does."""
        application, self.application = self.application, None
        if application is None:
            return
        if cut := await application.kill():
            self.around.journal.event("killed_connection", **self.where, requests=cut, why=why)

    async def deploy(self, build: str) -> bool:
        """Stop the application, put a build there and start it; False when it does not start."""
        await self.kill("deploy")
        await asyncio.sleep(self.around.scaled(self.around.timings.deploy))
        started = self.power == RUNNING and await self.start(build)
        self.around.journal.event("deployed", **self.where, build=build, started=started)
        return started

    async def stage(self, build: str) -> None:
        """Run a build at once, to set a scene."""
        await self.kill("staged")
        await self.start(build, at_once=True)
        self.around.journal.event("staged", **self.where, build=build)

    async def lose(self, power: str, why: str) -> None:
        """Lose the machine: it is stopped or terminated, and nothing on it answers."""
        self.power, self.online = power, False
        self.around.journal.event("machine_lost", **self.where, power=power, why=why)
        await self.kill(why)

    def snapshot(self) -> dict[str, Any]:
        """Return the machine as JSON, for the control door."""
        return {
            "service": self.service,
            "region": self.region,
            "farm": self.farm,
            "zone": self.zone,
            "address": self.address,
            "port": self.port,
            "build": self.build,
            "state": self.state,
            "power": self.power,
            "sick": self.sick(),
            "in_flight": self.in_flight,
        }
