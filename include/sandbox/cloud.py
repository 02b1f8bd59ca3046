"""The whole sandbox: every door opened, wired to one world, and closed again."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from include.sandbox.arm import ArmDoor, arm_app
from include.sandbox.arm_call import Arm
from include.sandbox.authority import Authority
from include.sandbox.aws.side import AwsSide
from include.sandbox.certificates import Certificates
from include.sandbox.config import SandboxConfig
from include.sandbox.control import Control, Store
from include.sandbox.dependencies import Dependencies
from include.sandbox.faults import Faults
from include.sandbox.front_door import FrontDoor
from include.sandbox.journal import Journal
from include.sandbox.packages import package_routes
from include.sandbox.slack import slack_routes
from include.sandbox.slack_rules import RateLimits
from include.sandbox.tokens import Tokens
from include.sandbox.webhook import webhook_routes
from include.sandbox.world import World

# App Service's front ends drop an idle connection after four minutes.
_KEEP_ALIVE = 240.0


class Cloud:
    """A running sandbox: `open`, then `close`; `reset` puts all back to its start, on the same ports."""

    def __init__(self, config: SandboxConfig, state_dir: Path, port_base: int | None = None) -> None:
        self.config = config
        self.endpoints: dict[str, Any] = {}
        self._state_dir = state_dir
        self._ports: Iterator[int] = iter(range(port_base, 65536)) if port_base else itertools.repeat(0)
        self._runners: list[web.AppRunner] = []
        self._hosts: dict[tuple[str, str, str], str] = {}
        self.journal = Journal()
        self.faults = Faults()
        self._dependencies = Dependencies()
        self.world = World(config, self.journal, self._dependencies)
        self.aws = AwsSide(config, self.faults, self.journal, self._dependencies)
        self._front = FrontDoor(lambda: self.world, self.faults)
        tokens = Tokens(config.tenant, config.client_id, config.protocol.token_lifetime)
        self._authority = Authority(config, tokens, self.journal)
        self._arm = ArmDoor(Arm(config, lambda: self.world, self.faults, self.journal), tokens)
        slack_limits = RateLimits() if config.limits.slack else None
        slack, self._slack = slack_routes(self.journal, self.faults, limits=slack_limits)
        self._slack.token = config.slack_token
        hooks, self._hooks = webhook_routes(self.journal, self.faults)
        stores: dict[str, Store] = {"slack": self._slack, "hooks": self._hooks}
        control = Control(lambda: self.world, self.aws, self.faults, self.journal, stores, self.reset)
        self._plain_routes = [*control.routes(), *slack, *hooks, *package_routes(config)]

    async def open(self) -> None:
        """Open every door, then write ``ca.pem`` and ``endpoints.json``. Raises OSError for a taken port."""
        self.aws.load()
        certificates = Certificates()
        tls = certificates.context()
        await self._front.open()
        await self.world.build()
        plain = web.Application(client_max_size=16 * 2**20)
        plain.router.add_routes(self._plain_routes)
        control = await self._listen(plain, None)
        arm = await self._listen(arm_app(self._arm, self._authority.metadata_routes()), tls)
        authority = await self._listen(self._authority.app(), tls)
        self._arm.open(f"https://127.0.0.1:{arm}", f"https://127.0.0.1:{authority}")
        self._authority.open(f"https://127.0.0.1:{authority}", f"https://127.0.0.1:{arm}")
        for site in self.world.sites.values():
            for slot in site.slots.values():
                port = await self._listen(self._front.app(site.service, site.region, slot.name), tls)
                self._hosts[(site.service, site.region, slot.name)] = slot.host = f"127.0.0.1:{port}"
        await self.aws.open()
        aws = await self._listen(self.aws.app(), None)
        certificates.write(self._state_dir / "ca.pem")
        self.endpoints = {**self._describe(control, arm, authority), "aws": self.aws.endpoints(aws)}
        _write_whole(self._state_dir / "endpoints.json", json.dumps(self.endpoints, indent=2))

    async def _listen(self, app: web.Application, tls: ssl.SSLContext | None) -> int:
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=_KEEP_ALIVE, shutdown_timeout=1.0)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", next(self._ports), ssl_context=tls).start()
        port: int = runner.addresses[0][1]
        return port

    def _describe(self, control: int, arm: int, authority: int) -> dict[str, Any]:
        plain = f"http://127.0.0.1:{control}"
        config = self.config
        return {
            "control": plain,
            "arm": f"https://127.0.0.1:{arm}",
            "authority": f"https://127.0.0.1:{authority}",
            "tenant": config.tenant,
            "subscription": config.subscription,
            "client_id": config.client_id,
            "client_secret": config.client_secret,
            "ca_file": str((self._state_dir / "ca.pem").resolve()),
            "slack": f"{plain}/api/",
            "slack_token": config.slack_token,
            "webhook": f"{plain}/hook",
            "packages": f"{plain}/packages/",
            "services": self._services(),
            "pid": os.getpid(),
        }

    def _services(self) -> dict[str, Any]:
        services: dict[str, Any] = {}
        for site in self.world.sites.values():
            staging = next((slot for slot in site.slots.values() if not slot.is_production), site.production)
            services.setdefault(site.service, {"regions": {}})["regions"][site.region] = {
                "resource_group": site.resource_group,
                "app": site.name,
                "slot": staging.name,
                "production": f"https://{site.production.host}",
                "staging": f"https://{staging.host}",
            }
        return {**services, **self.aws.services()}

    async def reset(self) -> None:
        """Put every app, fault, journal entry and message back to the start."""
        old, fresh = self.world, World(self.config, self.journal, self._dependencies)
        await fresh.build()
        for site in fresh.sites.values():
            for slot in site.slots.values():
                slot.host = self._hosts[(site.service, site.region, slot.name)]
        self.world = fresh
        await old.close()
        self.faults.clear()
        await self.aws.reset()
        self.journal.reset()
        self._arm.reset()
        self._slack.reset()
        self._hooks.reset()

    async def close(self) -> None:
        """Close every door and stop every instance; a second call does nothing."""
        runners, self._runners = self._runners, []
        await asyncio.gather(*(runner.cleanup() for runner in runners))
        await self.world.close()
        await self.aws.close()
        await self._front.close()
        await self._dependencies.close()


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or none; only its owner may read the secrets in it."""
    draft = path.with_suffix(".part")
    draft.touch(mode=0o600)
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(path)
