"""Every listener's proxy: opened, changed and closed as the API says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from include.sandbox.aws.addresses import Block
from include.sandbox.aws.balancers import Balancer, HttpBalancer, TcpBalancer
from include.sandbox.aws.books import Books
from include.sandbox.aws.groups import Groups
from include.sandbox.aws.routing import Action, Rule, read_rules
from include.sandbox.aws.surroundings import Surroundings


@dataclass(frozen=True)
class Wanted:
    """A listener as the books have it."""

    key: str
    region: str
    address: str
    port: int
    protocol: str
    idle: float
    rules: tuple[Rule, ...]


@dataclass
class Open:
    """A listener that is open, and the rules it is going to have."""

    wanted: Wanted
    balancer: Balancer
    change: asyncio.Task[None] | None = None


class Listeners:
    """The proxies by key: a listener's ARN, or a classic balancer's key and port."""

    def __init__(
        self,
        around: Surroundings,
        books: Books,
        blocks: Mapping[str, Block],
        session: aiohttp.ClientSession,
        groups: Groups,
    ) -> None:
        self._around = around
        self._books = books
        self._blocks = blocks
        self._session = session
        self._groups = groups
        self._open: dict[str, Open] = {}

    async def settle(self, region: str, founding: bool = False) -> None:
        """Open what is new, close what is gone; changed rules take effect after a moment.

        Raises OSError for an address that is taken while the world is founded; later it is told in the
        journal.
        """
        self._name(region)
        wanted = {each.key: each for each in (*self._listeners(region), *self._classic(region))}
        gone = [key for key, held in self._open.items() if held.wanted.region == region and key not in wanted]
        for key in gone:
            await self._open.pop(key).balancer.close()
        for key, each in wanted.items():
            held = self._open.get(key)
            if held is not None and _socket(held.wanted) == _socket(each):
                self._change(held, each)
                continue
            if held is not None:
                await held.balancer.close()
            await self._start(each, founding)

    def _name(self, region: str) -> None:
        """Give every load balancer its address as its DNS name."""
        for arn, balancer in self._books.elbv2(region).load_balancers.items():
            balancer.dns_name = self._blocks[region].balancer(arn)
        for name, balancer in self._books.elb(region).load_balancers.items():
            balancer.dns_name = self._blocks[region].balancer(self._groups.classic_key(region, name))

    def _listeners(self, region: str) -> Iterator[Wanted]:
        for balancer in self._books.elbv2(region).load_balancers.values():
            idle = float(balancer.attrs.get("idle_timeout.timeout_seconds", 60))
            for arn, listener in balancer.listeners.items():
                rules = read_rules(list(listener.rules.values()))
                yield Wanted(
                    arn, region, balancer.dns_name, int(listener.port), listener.protocol, idle, rules
                )

    def _classic(self, region: str) -> Iterator[Wanted]:
        for name, balancer in self._books.elb(region).load_balancers.items():
            key = self._groups.classic_key(region, name)
            rules = (Rule((), Action("forward", ((key, 1),))),)
            idle = float(
                _either(balancer.attributes["connection_settings"], "IdleTimeout", "idle_timeout", 60)
            )
            for listener in balancer.listeners:
                port = int(listener.load_balancer_port)
                yield Wanted(f"{key}:{port}", region, balancer.dns_name, port, listener.protocol, idle, rules)

    async def _start(self, wanted: Wanted, founding: bool) -> None:
        balancer: Balancer
        if wanted.protocol in ("HTTP", "HTTPS"):
            idle = max(self._around.scaled(wanted.idle), 1.0)
            balancer = HttpBalancer(self._session, self._groups.pools.get, idle)
        else:
            balancer = TcpBalancer(self._groups.pools.get)
        balancer.rules = wanted.rules
        try:
            await balancer.open(wanted.address, wanted.port)
        except OSError as error:
            await balancer.close()
            if founding:
                raise
            self._around.journal.event("listener_failed", listener=wanted.key, why=str(error))
            return
        self._open[wanted.key] = Open(wanted, balancer)

    def _change(self, held: Open, wanted: Wanted) -> None:
        if held.wanted.rules == wanted.rules:
            return
        held.wanted = wanted
        held.change = self._around.spawn(self._propagate(held, wanted.rules))

    async def _propagate(self, held: Open, rules: tuple[Rule, ...]) -> None:
        await asyncio.sleep(self._around.scaled(self._around.timings.propagation))
        held.balancer.rules = rules
        self._around.journal.event("listener_changed", listener=held.wanted.key, weights=weights(rules))

    def snapshot(self) -> dict[str, Any]:
        """Return each listener with its address and the weights it routes by now."""
        return {
            key: {
                "address": f"{held.wanted.address}:{held.wanted.port}",
                "protocol": held.wanted.protocol,
                "weights": weights(held.balancer.rules),
            }
            for key, held in self._open.items()
        }

    async def close(self) -> None:
        """Close every listener."""
        await asyncio.gather(*(held.balancer.close() for held in self._open.values()))


def weights(rules: tuple[Rule, ...]) -> dict[str, int]:
    """Return the default rule's weights by group."""
    return dict(rules[-1].action.weights) if rules else {}


def _socket(wanted: Wanted) -> tuple[str, int, str, float]:
    return wanted.address, wanted.port, wanted.protocol, wanted.idle


def _either(attributes: dict[str, Any], first: str, second: str, default: Any) -> Any:
    """Return an attribute that moto keeps under its own name at first, under AWS's once it was set."""
    return attributes.get(first, attributes.get(second, default))
