"""A group of machines behind a load balancer: registration, health checks, draining, whose turn it is.

Target groups and classic load balancers are both pools; how their states are worded is told elsewhere.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import Any

import aiohttp

from include.sandbox.aws.health_check import Reason, ask_within
from include.sandbox.aws.members import Member, PoolSettings, Stage
from include.sandbox.aws.surroundings import Surroundings

Wording = Callable[[Member, PoolSettings], str]
_NEVER = Reason("Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]")
_DRAIN_LOOK = 0.05


class Pool:
    """The members of one group. ``read`` returns the group's settings, which may change at any time."""

    def __init__(
        self,
        around: Surroundings,
        region: str,
        read: Callable[[], PoolSettings],
        wording: Wording,
        session: aiohttp.ClientSession,
    ) -> None:
        self.region = region
        self.members: dict[tuple[str, int], Member] = {}
        self._around = around
        self._read = read
        self._wording = wording
        self._session = session
        self._turns = itertools.count()
        self._in_use = self.settings.in_use

    @property
    def settings(self) -> PoolSettings:
        """The settings at this moment."""
        return self._read()

    # --- coming and going

    def register(self, member: Member, *, healthy: bool = False) -> None:
        """Take a member in. One that is draining is registered again; one that is in already stays.

        ``healthy`` makes it so at once, for the world's beginning.
        """
        held = self.members.get((member.id, member.port))
        if held is not None and held.stage is not Stage.DRAINING:
            return
        fresh = held or member
        fresh.halt()
        self.members[(fresh.id, fresh.port)] = fresh
        self._begin(fresh, healthy=healthy)

    def deregister(self, id_: str, port: int) -> None:
        """Let a member go: it drains, and what is still under way at the end of the delay is cut.

        Letting go of one that is draining or not registered succeeds and changes nothing.
        """
        member = self.members.get((id_, port))
        if member is None or member.stage is Stage.DRAINING:
            return
        member.halt()
        settings = self.settings
        if not settings.drain or not settings.in_use or not member.powered:
            self._remove(member)
            return
        member.stage = Stage.DRAINING
        self._tell(member)
        member.work = self._around.spawn(self._drain(member, settings))

    def refresh(self, machine_id: str | None = None) -> None:
        """Begin anew with members whose group or machine has just come into use, or out of it."""
        in_use = self.settings.in_use
        changed, self._in_use = in_use != self._in_use, in_use
        for member in list(self.members.values()):
            if member.stage is Stage.DRAINING:
                continue
            concerned = member.machine is not None and member.machine.id == machine_id
            if changed or concerned:
                member.halt()
                self._begin(member)

    def close(self) -> None:
        """Forget every member."""
        for member in self.members.values():
            member.halt()
            member.cut()
        self.members.clear()

    def _begin(self, member: Member, *, healthy: bool = False) -> None:
        member.stage, member.reason = Stage.REGISTERING, None
        member.good = member.bad = 0
        if healthy:
            member.stage = Stage.HEALTHY
            member.told = self._wording(member, self.settings)
        self._tell(member)
        if self.settings.in_use and member.powered:
            member.work = self._around.spawn(self._watch(member))

    def _remove(self, member: Member) -> None:
        self.members.pop((member.id, member.port), None)
        if self.settings.cut_at_end and (cut := member.cut()):
            self._event("killed_connection", member, requests=cut, why="deregistered")
        self._told(member, "unused")

    async def _drain(self, member: Member, settings: PoolSettings) -> None:
        around = self._around
        ends = around.now() + around.scaled(settings.drain)
        if settings.drain_ends_when_idle:
            try:
                async with asyncio.timeout_at(ends):
                    await member.idle.wait()
            except TimeoutError:
                pass
        else:
            await asyncio.sleep(ends - around.now())
        while around.faults.active("drains_for_ever", **self._where(member)):
            await asyncio.sleep(_DRAIN_LOOK)
        self._remove(member)

    # --- health

    async def _watch(self, member: Member) -> None:
        around = self._around
        if member.stage is Stage.REGISTERING:
            await asyncio.sleep(around.scaled(self.settings.registration))
            member.stage = Stage.CHECKING
            self._tell(member)
        due = around.now()
        while True:
            settings = self.settings
            self._count(member, await self._check(member, settings), settings)
            due = max(due + around.scaled(settings.interval), around.now())
            await asyncio.sleep(due - around.now())

    async def _check(self, member: Member, settings: PoolSettings) -> Reason | None:
        found = await ask_within(
            self._session,
            settings.check,
            member.address,
            member.port,
            self._around.scaled(settings.timeout),
        )
        member.checks += 1
        faults, where = self._around.faults, self._where(member)
        if member.stage is not Stage.HEALTHY and faults.active("target_never_healthy", **where):
            return found or _NEVER
        if faults.active("target_flapping", **where):
            period = settings.healthy + settings.unhealthy
            return found or (None if member.checks % period < settings.healthy else _NEVER)
        return found

    def _count(self, member: Member, reason: Reason | None, settings: PoolSettings) -> None:
        if reason is None:
            member.good, member.bad = member.good + 1, 0
            if member.stage is not Stage.HEALTHY and member.good >= settings.healthy:
                member.stage, member.reason = Stage.HEALTHY, None
                member.healthy_since = self._around.now()
        else:
            member.good, member.bad, member.reason = 0, member.bad + 1, reason
            if member.bad >= settings.unhealthy:
                member.stage = Stage.UNHEALTHY
        self._tell(member)

    # --- whose turn it is

    def pick(self, sticky: str | None = None) -> Member | None:
        """Return the member whose turn it is, or the one a client sticks to; None when none can serve.

        With cross-zone off the zones that have a healthy member take turns, as their addresses do.
        """
        settings = self.settings
        able = [m for m in self.members.values() if m.stage is Stage.HEALTHY and m.powered]
        if not able and settings.fail_open:
            able = [m for m in self.members.values() if m.stage is not Stage.DRAINING and m.powered]
        if not able:
            return None
        stuck = next((member for member in able if sticky and _name(member) == sticky), None)
        if stuck is not None:
            return stuck
        turn = next(self._turns)
        if not settings.cross_zone:
            zones = sorted({member.zone for member in able})
            able = [member for member in able if member.zone == zones[turn % len(zones)]]
            turn //= len(zones)
        return self._ramped(able, turn, settings)

    def _ramped(self, able: list[Member], turn: int, settings: PoolSettings) -> Member:
        """Return whose turn it is; a member in slow start takes a share that grows with its time."""
        chosen = able[turn % len(able)]
        if settings.slow_start:
            age = self._around.now() - chosen.healthy_since
            share = age / self._around.scaled(settings.slow_start)
            full = [member for member in able if self._full(member, settings)]
            if share < 1 and full and random.random() > share:  # noqa: S311 - a share of traffic
                return full[turn % len(full)]
        return chosen

    def _full(self, member: Member, settings: PoolSettings) -> bool:
        return self._around.now() - member.healthy_since >= self._around.scaled(settings.slow_start)

    # --- telling

    def snapshot(self) -> dict[str, Any]:
        """Return the members with their states, for the control door."""
        settings = self.settings
        targets = {
            _name(member): {
                "state": self._wording(member, settings),
                "reason": member.reason.code if member.reason else None,
                "zone": member.zone,
                "in_flight": len(member.flows),
            }
            for member in self.members.values()
        }
        return {"region": self.region, "in_use": settings.in_use, "targets": targets}

    def _where(self, member: Member) -> dict[str, str]:
        machine = member.machine
        known = machine.where if machine else {"region": self.region, "machine": member.id}
        return {**known, "group": self.settings.name}

    def _event(self, name: str, member: Member, **more: Any) -> None:
        self._around.journal.event(name, **self._where(member), port=member.port, **more)

    def _tell(self, member: Member) -> None:
        self._told(member, self._wording(member, self.settings))

    def _told(self, member: Member, state: str) -> None:
        before, member.told = member.told, state
        if before != state:
            why = member.reason.code if member.reason else None
            self._event("target_state", member, **{"from": before or "unused", "to": state}, reason=why)


def _name(member: Member) -> str:
    return f"{member.id}:{member.port}"
