"""A machine as a load balancer sees it: how it stands, and the requests on their way to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from include.sandbox.aws.health_check import Check, Reason
from include.sandbox.aws.machines import RUNNING, Machine


class Stage(StrEnum):
    """Where a member is between its registration and its end."""

    REGISTERING = "registering"
    CHECKING = "checking"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    DRAINING = "draining"


class Flow:
    """One request on its way to a machine; `cut` ends it from outside."""

    def __init__(self, work: asyncio.Task[Any]) -> None:
        self.was_cut = False
        self._work = work

    def cut(self) -> None:
        """End the request: its connection to the machine is closed."""
        self.was_cut = True
        self._work.cancel()


@dataclass(eq=False)
class Member:
    """One registration: (id, port), as long as it lasts."""

    id: str
    port: int
    address: str
    zone: str
    machine: Machine | None
    stage: Stage = Stage.REGISTERING
    good: int = 0
    bad: int = 0
    checks: int = 0
    reason: Reason | None = None
    healthy_since: float = 0.0
    told: str = ""
    work: asyncio.Task[None] | None = None
    flows: set[Flow] = field(default_factory=set)
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.idle.set()

    @property
    def powered(self) -> bool:
        """Whether its machine runs; an address that is no machine of ours counts as running."""
        return self.machine is None or self.machine.power == RUNNING

    @contextmanager
    def carrying(self, flow: Flow) -> Iterator[None]:
        """Count a request in for as long as it is under way."""
        self.flows.add(flow)
        self.idle.clear()
        try:
            yield
        finally:
            self.flows.discard(flow)
            if not self.flows:
                self.idle.set()

    def halt(self) -> None:
        """Stop its health checks, or its draining."""
        if self.work is not None:
            self.work.cancel()
            self.work = None

    def cut(self) -> int:
        """Cut every request that is under way; return how many there were."""
        flows = list(self.flows)
        for flow in flows:
            flow.cut()
        return len(flows)


@dataclass(frozen=True)
class PoolSettings:
    """A group's settings as the API has them at this moment; times in seconds at speed 1."""

    name: str
    port: int
    check: Check
    interval: float
    timeout: float
    healthy: int
    unhealthy: int
    drain: float
    drain_ends_when_idle: bool = False
    cut_at_end: bool = True
    registration: float = 0.0
    slow_start: float = 0.0
    cross_zone: bool = True
    fail_open: bool = True
    in_use: bool = True
    stickiness: float = 0.0
