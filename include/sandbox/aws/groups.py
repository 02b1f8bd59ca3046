"""Every group of every region: target groups and classic load balancers, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import aiohttp

from include.sandbox.aws.books import Books
from include.sandbox.aws.machines import Machine
from include.sandbox.aws.members import Member, Stage
from include.sandbox.aws.pools import Pool
from include.sandbox.aws.surroundings import Surroundings
from include.sandbox.aws.wording import instance_word, target_word

CLASSIC = "classic:"


@dataclass(frozen=True)
class Membership:
    """One registration: a target group's ARN or ``classic:<name>``, a target's id and port."""

    region: str
    key: str
    id: str
    port: int | None = None
    zone: str | None = None


class Groups:
    """The pools by key: a target group's ARN, or ``classic:<region>/<name>``."""

    def __init__(
        self,
        around: Surroundings,
        books: Books,
        session: aiohttp.ClientSession,
        machines: Mapping[str, Machine],
    ) -> None:
        self._around = around
        self._books = books
        self._session = session
        self._machines = machines
        self.pools: dict[str, Pool] = {}

    @staticmethod
    def classic_key(region: str, name: str) -> str:
        """Return the key of a classic load balancer."""
        return f"{CLASSIC}{region}/{name}"

    def settle(self, region: str) -> None:
        """Make the pools that are new, end those that are gone, and tell the rest of a change."""
        wanted = {arn: (arn, False) for arn in self._books.elbv2(region).target_groups}
        names = self._books.elb(region).load_balancers
        wanted |= {self.classic_key(region, name): (name, True) for name in names}
        for key in [key for key, pool in self.pools.items() if pool.region == region and key not in wanted]:
            self.pools.pop(key).close()
        for key, (name, classic) in wanted.items():
            if key in self.pools:
                self.pools[key].refresh()
            else:
                self.pools[key] = self._pool(region, name, classic)

    def _pool(self, region: str, name: str, classic: bool) -> Pool:
        read = self._books.classic if classic else self._books.target_group
        timings = self._around.timings
        word = instance_word if classic else target_word
        return Pool(self._around, region, lambda: read(region, name, timings), word, self._session)

    def join(self, membership: Membership, *, healthy: bool = False) -> None:
        """Register; ``healthy`` makes it so at once, for the world's beginning."""
        pool = self.pools[membership.key]
        machine = self._machine(membership.id, membership.region)
        member = Member(
            id=membership.id,
            port=membership.port or pool.settings.port,
            address=machine.address if machine else membership.id,
            zone=machine.zone if machine else membership.zone or "",
            machine=machine,
        )
        pool.register(member, healthy=healthy)

    def _machine(self, id_: str, region: str) -> Machine | None:
        if id_ in self._machines:
            return self._machines[id_]
        here = (each for each in self._machines.values() if each.region == region and each.address == id_)
        return next(here, None)

    def memberships(self, machine: Machine) -> Iterator[tuple[str, Pool, Member]]:
        """Return every registration of a machine, the draining ones included."""
        for key, pool in self.pools.items():
            for member in list(pool.members.values()):
                if member.machine is machine:
                    yield key, pool, member

    def is_out(self, machine: Machine) -> bool:
        """Tell whether a machine is in no group, or only draining."""
        return all(member.stage is Stage.DRAINING for _, _, member in self.memberships(machine))

    def refresh(self, machine: Machine) -> None:
        """Let every group know that a machine's power has changed."""
        for pool in self.pools.values():
            if pool.region == machine.region:
                pool.refresh(machine.id)

    def leave_all(self, machine: Machine) -> None:
        """Deregister a machine everywhere."""
        for _, pool, member in list(self.memberships(machine)):
            pool.deregister(member.id, member.port)

    def close(self) -> None:
        """End every pool."""
        for pool in self.pools.values():
            pool.close()
