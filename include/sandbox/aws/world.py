"""The AWS side as a whole: what the API's books say, brought to life and kept alive."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from include.sandbox.aws.addresses import Block
from include.sandbox.aws.books import Books
from include.sandbox.aws.commands import Commands
from include.sandbox.aws.founding import found
from include.sandbox.aws.groups import CLASSIC, Groups
from include.sandbox.aws.listeners import Listeners
from include.sandbox.aws.machines import RUNNING, Machine
from include.sandbox.aws.requests import AwsRequest
from include.sandbox.aws.scaling import Scaling
from include.sandbox.aws.surroundings import Surroundings

_TERMINATED = ("terminated", "shutting-down")


class AwsWorld:
    """Machines, groups, listeners and commands of every region. `settle` follows the books."""

    def __init__(self, around: Surroundings, blocks: Mapping[str, Block]) -> None:
        aws = around.config.aws
        self.around = around
        self.blocks = blocks
        self.books = Books(aws.account)
        self.regions = list(blocks)
        self.machines: dict[str, Machine] = {}
        self._session: aiohttp.ClientSession | None = None
        self._settling = asyncio.Lock()

    async def open(self) -> None:
        """Make the world that the configuration describes, running at once. Raises OSError."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True), auto_decompress=False
        )
        around = self.around
        self.groups = Groups(around, self.books, self._session, self.machines)
        self.listeners = Listeners(around, self.books, self.blocks, self._session, self.groups)
        self.commands = Commands(around, self.machines)
        self.scaling = Scaling(around, self.books, self.groups, self.machines, self.settle)
        await asyncio.to_thread(self._found)
        await self.settle(founding=True)
        for membership in self.founded.memberships:
            self.groups.join(membership, healthy=True)
        for region in self.regions:
            self.scaling.attachments.follow(region)
        self.scaling.start(self.regions)

    def _found(self) -> None:
        self.books.clear(self.regions)
        self.founded = found(self.around.config.aws, self.books, self.blocks)
        self.books.shuffle()

    async def settle(self, *, founding: bool = False) -> None:
        """Bring machines, groups and listeners in line with what the books say now."""
        async with self._settling:
            for region in self.regions:
                self.books.link_groups(region)
                await self._settle_machines(region, founding)
                self.groups.settle(region)
                await self.listeners.settle(region, founding)
                if not founding:
                    self.scaling.attachments.follow(region)
        if not founding:
            await self.look_for_deaths()

    async def _settle_machines(self, region: str, founding: bool) -> None:
        for instance in self.books.instances(region):
            machine = self.machines.get(instance.id)
            if machine is None:
                if instance.state == RUNNING and self.blocks[region].holds(instance.private_ip):
                    await self._launch(region, instance, founding)
            elif machine.power != instance.state:
                await self._change_power(machine, str(instance.state))

    async def _launch(self, region: str, instance: Any, founding: bool) -> None:
        tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
        machine = Machine(
            id=instance.id,
            service=tags.get("Service", ""),
            region=region,
            zone=instance.placement.zone,
            address=instance.private_ip,
            port=self.around.config.aws.machine_port,
            build=tags.get("Build", "2026.11.1"),
            around=self.around,
            farm=tags.get("Farm", ""),
        )
        self.machines[machine.id] = machine
        if founding:
            await machine.start(machine.build, at_once=True)
        else:
            self.around.journal.event("launched", **machine.where, build=machine.build)
            self.around.spawn(self._boot(machine))

    async def _boot(self, machine: Machine) -> None:
        await asyncio.sleep(self.around.scaled(self.around.timings.boot))
        if machine.power == RUNNING and machine.application is None:
            machine.online = True
            await machine.start(machine.build)

    async def _change_power(self, machine: Machine, power: str) -> None:
        if power == RUNNING:
            machine.power = power
            self.around.spawn(self._boot(machine))
        else:
            await machine.lose(power, "the API")
        self.groups.refresh(machine)
        if power in _TERMINATED:
            self.groups.leave_all(machine)

    async def lose(self, machine: Machine, power: str, why: str) -> None:
        """Lose a machine as its host does: the books are told, and it stops answering."""
        ec2 = self.books.ec2(machine.region)
        if power == "terminated":
            self.scaling.forget(machine)
        (ec2.terminate_instances if power == "terminated" else ec2.stop_instances)([machine.id])
        await machine.lose(power, why)
        await self.settle()
        self.groups.refresh(machine)
        if power == "terminated":
            self.groups.leave_all(machine)

    async def look_for_deaths(self) -> None:
        """Play ``machine_dies`` where it is due."""
        for machine in list(self.machines.values()):
            fault = self.around.faults.active("machine_dies", **machine.where)
            if fault is None or machine.power != RUNNING:
                continue
            if fault.params["when"] != "detached" or self.groups.is_out(machine):
                used = self.around.faults.match(("machine_dies",), **machine.where)
                if used is not None:
                    await self.lose(machine, str(used.params["power"]), "fault")

    def machines_of(self, asked: AwsRequest) -> list[str]:
        """Return the machines of the command that a request names."""
        command = self.commands.sent.get(str(asked.params.get("CommandId", "")))
        return list(command.invocations) if command else []

    def service_of(self, machine_ids: Sequence[str], groups: Sequence[str]) -> str | None:
        """Return the service that a request is about, by its machines or by the names it uses."""
        for id_ in machine_ids:
            if id_ in self.machines:
                return self.machines[id_].service
        services = self.around.config.aws.services
        return next((s for s in services for name in groups if name.startswith(f"{s}-")), None)

    def snapshot(self) -> dict[str, Any]:
        """Return the whole as JSON, for the control door.

        Groups are named by their name, those of further regions than the first by ``region/name``.
        """
        groups: dict[str, Any] = {}
        classic: dict[str, Any] = {}
        for key, pool in self.groups.pools.items():
            name = pool.settings.name
            name = name if pool.region == self.regions[0] else f"{pool.region}/{name}"
            (classic if key.startswith(CLASSIC) else groups)[name] = pool.snapshot()
        return {
            "machines": {id_: machine.snapshot() for id_, machine in self.machines.items()},
            "target_groups": groups,
            "classic": classic,
            "listeners": self.listeners.snapshot(),
            "scaling_groups": self.scaling.snapshot(self.regions),
        }

    async def close(self) -> None:
        """Stop every task, listener and machine."""
        if self._session is None:
            return
        await self.around.close()
        self.groups.close()
        await self.listeners.close()
        await asyncio.gather(*(machine.kill("the sandbox ends") for machine in self.machines.values()))
        await self._session.close()
