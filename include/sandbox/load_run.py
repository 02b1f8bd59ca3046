"""The pace of the load: so many requests a second to each host, whatever the answers do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from include.sandbox.load_account import HostAccount
from include.sandbox.load_calls import Clients, call, open_clients

Json = dict[str, Any]

FRESH_EVERY = 5
"""Every fifth request opens a connection of its own; the others share kept ones."""
GRACE = 3.0
"""Seconds that requests in flight get at the end, on top of a slow request's own length."""
_NOT_FOUND = 404


@dataclass(frozen=True)
class Host:
    """One public host; ``inside`` is its name inside the region, where there are several."""

    service: str
    region: str
    url: str
    inside: str = ""


@dataclass
class Load:
    """The calls to all hosts: rates in requests per second and host, times in seconds."""

    hosts: Sequence[Host]
    rate: float = 10.0
    slow_seconds: float = 2.0
    timeout: float = 10.0
    ca_file: str | None = None
    started: float = field(default_factory=time.time)
    ended: float | None = None
    longest_stall: float = 0.0

    def __post_init__(self) -> None:
        self.accounts = {host: HostAccount(host.service, host.region, host.inside) for host in self.hosts}
        self._in_flight: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Call until ``stop`` is set, then wait for the requests in flight, for a few seconds at most."""
        async with open_clients(self.ca_file, self.timeout) as clients, asyncio.TaskGroup() as group:
            for number, host in enumerate(self.hosts):
                delay = number / len(self.hosts) / self.rate
                group.create_task(self._pace(host, clients, stop, delay))
                if self.slow_seconds:
                    group.create_task(self._slow(host, clients, stop))
            await stop.wait()
            for account in self.accounts.values():
                account.close()
            await self._settle()
        self.ended = time.time()

    async def _pace(self, host: Host, clients: Clients, stop: asyncio.Event, delay: float) -> None:
        """Start a request every 1/rate seconds, whether or not the earlier ones were answered."""
        loop = asyncio.get_running_loop()
        due, number = loop.time() + delay, 0
        while not await _set_within(stop, due - loop.time()):
            late = loop.time() - due
            self.longest_stall = max(self.longest_stall, late)
            number += 1
            session = clients.kept if number % FRESH_EVERY else clients.fresh
            self._start(session, f"{host.url}/", host)
            due = max(due, loop.time() - 1 / self.rate) + 1 / self.rate

    async def _slow(self, host: Host, clients: Clients, stop: asyncio.Event) -> None:
        """Keep one long request in flight, if the application offers such a page."""
        if not await _offered(clients.fresh, f"{host.url}/slow?seconds=0"):
            return
        while not stop.is_set():
            url = f"{host.url}/slow?seconds={self.slow_seconds:g}"
            await asyncio.wait({self._start(clients.fresh, url, host, self.slow_seconds)})
            await _set_within(stop, 1 / self.rate)

    def _start(
        self, session: aiohttp.ClientSession, url: str, host: Host, slow_seconds: float = 0.0
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(call(session, url, self.accounts[host], slow_seconds=slow_seconds))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        return task

    async def _settle(self) -> None:
        """Wait for what is in flight; what then is still unanswered is abandoned, and counted so."""
        while self._in_flight:
            _, late = await asyncio.wait(set(self._in_flight), timeout=self.slow_seconds + GRACE)
            for task in late:
                task.cancel()

    def json(self) -> Json:
        """Return the report; ``longest_stall_s`` is how late this process itself was at worst."""
        hosts = {account.name: account.json() for account in self.accounts.values()}
        return {
            "started": self.started,
            "ended": self.ended,
            "requests": sum(host["requests"] for host in hosts.values()),
            "failed": sum(host["failed"] for host in hosts.values()),
            "longest_stall_s": round(self.longest_stall, 3),
            "cpu_s": round(time.process_time(), 2),
            "hosts": hosts,
        }


async def _offered(session: aiohttp.ClientSession, url: str) -> bool:
    """Tell whether the page exists; a host that can't be asked just now is taken to have it."""
    try:
        async with session.get(url, allow_redirects=False) as response:
            return response.status != _NOT_FOUND
    except (aiohttp.ClientError, OSError):
        return True


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, for so long at most; tell whether it is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()
    return event.is_set()
