"""A small cloud in memory, on a clock of its own: what the turns of machines are tested against.

Machines, both kinds of group with draining and health checks, Run Command and an Auto Scaling
group. Every call and every store counts as an act; ``script`` says at which act something happens:
``kill``, ``lost`` (carried out, no answer), ``cut`` (not carried out, no answer), ``throttled``,
``sick <machine>``, ``well <machine>`` or ``rival <acts>`` (another process goes on for so long).
What must never happen is checked at the act itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from include.airlock.aws.commands import Status
from include.airlock.aws.group import Group, Member
from include.airlock.aws.standing import Standing
from include.airlock.errors import Rejected, Throttled, Unreachable
from tests.unit.aws.machine_parts import Box, Key, Killed, Order, Place, Pool, Violated

ACT_S = 0.05
FRESH_S = 3.0
"""Seconds that a read may be old when a machine is taken out on the strength of it."""


@dataclass
class GroupCloud:
    """The world, and what it is to do to the worker. Fates of deploys are taken in the order of sending."""

    boxes: dict[str, Box]
    pools: dict[str, Pool]
    script: dict[int, str] = field(default_factory=dict)
    fates: list[str] = field(default_factory=list)
    clock: float = 1_000_000.0
    acts: int = 0
    process: int = 0
    most: int = 1
    healthy_s: float = 20.0
    unhealthy_s: float = 10.0
    deploy_s: float = 15.0
    warm_up_s: float = 3.0
    list_lag_s: float = 2.0
    way_back: bool = False
    lost_sends: set[int] = field(default_factory=set)
    lifecycles: dict[str, str] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    least: int = 0
    orders: list[Order] = field(default_factory=list)
    journal: list[tuple[str, str]] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    reads: dict[tuple[str, int], tuple[int, float, dict[str, str]]] = field(default_factory=dict)
    rival: Callable[[int], None] | None = None
    portal: Callable[[str], None] | None = None
    leash: int | None = None
    waiting: int = 0
    homes: dict[str, set[tuple[str, Key]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.homes = {name: self.memberships(name) for name in self.boxes}

    # -- time and acts

    def now(self) -> float:
        return self.clock

    def sleep(self, seconds: float) -> None:
        self.clock += max(seconds, 0.001)
        self.settle()

    def step(self) -> str | None:
        """One act of a worker; it may be its last."""
        self.sleep(ACT_S)
        self.acts += 1
        if self.leash is not None and self.acts >= self.leash:
            raise Killed
        word, _, rest = (self.script.pop(self.acts, None) or "").partition(" ")
        if word == "kill":
            raise Killed
        if word in ("sick", "well") and rest in self.boxes:
            self.boxes[rest].sick = word == "sick"
            self.settle()
        if word == "rival":
            self.waiting = int(rest)
        if word in ("portal", "third", "reset") and self.portal is not None:
            self.portal(word)
        return word

    def read(self) -> None:
        self._no_answer(self.step(), ("lost", "cut"))
        self.give_way()

    def give_way(self) -> None:
        """Another process goes on while this one looks.

        One that stands still between the ledger's compare and its call could be told by nobody.
        """
        if self.waiting and self.rival is not None and self.leash is None:
            acts, self.waiting = self.waiting, 0
            self.rival(acts)

    def change(self, what: str, machine: str, effect: Callable[[], Any]) -> Any:
        word = self.step()
        self._no_answer(word, ("cut",))
        answer = effect()
        self.journal.append((what, machine))
        self._no_answer(word, ("lost",))
        return answer

    def _no_answer(self, word: str | None, cuts: Iterable[str]) -> None:
        if word == "throttled":
            raise Throttled("slow down", retry_after=1.0)
        if word in cuts:
            raise Unreachable("no answer")

    def settle(self) -> None:
        """What has come about by now."""
        for order in self.orders:
            if order.status is Status.RUNNING and self.clock >= order.ends:
                self.end(order)
        for box in self.boxes.values():
            if box.warm_at is not None and self.clock >= box.warm_at:
                box.warm_at, box.down = None, False
            well = not box.sick and not box.down
            if well and box.ill_since is not None:
                box.well_since, box.ill_since = self.clock, None
            elif not well and box.ill_since is None:
                box.ill_since = self.clock
        for name, state in self.lifecycles.items():
            self.lifecycles[name] = {"EnteringStandby": "Standby", "Pending": "InService"}.get(state, state)
        self.away -= {name for name in self.away if self.serves(name)}

    def serves(self, name: str) -> bool:
        """Healthy in every group that it was in at first."""
        states = [self.standing(self.pools[pool], key) for pool, key in self.homes[name]]
        return all(state is Standing.IN_SERVICE for state in states)

    def end(self, order: Order) -> None:
        """A command has come to its end."""
        raise NotImplementedError

    # -- groups

    def memberships(self, name: str) -> set[tuple[str, Key]]:
        """Where a machine is registered now, draining or not yet healthy places included or not."""
        return {
            (pool.key, key)
            for pool in self.pools.values()
            for key, place in pool.places.items()
            if key[0] == name and place.left is None
        }

    def standing(self, pool: Pool, key: Key) -> Standing:
        place = pool.places.get(key)
        if place is None or (place.left is not None and self.clock >= place.left + pool.delay_s):
            return Standing.OUT
        if place.left is not None:
            return Standing.DRAINING
        if pool.used_since is None:
            return Standing.UNKNOWN
        box, since = self.boxes[key[0]], max(place.at, pool.used_since)
        if box.ill_since is None:
            if self.clock - max(since, box.well_since) >= self.healthy_s:
                return Standing.IN_SERVICE
            return Standing.REGISTERING if since >= box.well_since else Standing.UNHEALTHY
        was_well = box.ill_since - max(since, box.well_since) >= self.healthy_s
        still = was_well and self.clock - box.ill_since < self.unhealthy_s
        return Standing.IN_SERVICE if still else Standing.UNHEALTHY

    def member(self, pool: Pool, key: Key, zones: Mapping[str, str | None]) -> Member:
        return Member(key[0], key[1], zones.get(key[0]), self.standing(pool, key), "")

    def members(
        self, _: Any, group: Group, targets: Any = None, zones: Mapping[str, str | None] | None = None
    ) -> list[Member]:
        self.read()
        pool = self.pools[group.key]
        keys = list(targets) if targets is not None else list(pool.places)
        found = [self.member(pool, key, zones or {}) for key in keys]
        if targets is None:
            ill = {each.machine for each in found if each.standing is not Standing.IN_SERVICE}
            well = {each.machine: self.boxes[each.machine].zone for each in found if each.machine not in ill}
            self.reads[pool.key, self.process] = (self.process, self.clock, well)
            found = [each for each in found if each.standing is not Standing.OUT]
        return found

    def detach(self, _: Any, group: Group, machine: str, port: int | None, zone: str | None) -> None:
        pool, key = self.pools[group.key], (machine, port)

        def leave() -> None:
            place = pool.places.get(key)
            if place is None or place.left is not None:
                if pool.kind == "classic":
                    raise Rejected("not registered", code="InvalidInstance")
                return
            self.may_leave(pool, machine)
            place.left = self.clock

        self.change("detach", machine, leave)

    def attach(self, _: Any, group: Group, machine: str, port: int | None, zone: str | None) -> None:
        self.change("attach", machine, lambda: self._register(self.pools[group.key], (machine, port)))

    def _register(self, pool: Pool, key: Key) -> None:
        if any(order.status is Status.RUNNING for order in self.orders if order.machine == key[0]):
            raise Violated(f"{key[0]} is put back into {pool.key} while a deploy runs on it")
        place = pool.places.get(key)
        if place is None or place.left is not None:
            pool.places[key] = Place(at=self.clock)

    def may_leave(self, pool: Pool, machine: str) -> None:
        """Enough others were healthy in this group when this very process last looked, just now."""
        process, at, well = self.reads.get((pool.key, self.process), (0, 0.0, {}))
        if process != self.process or self.clock - at > FRESH_S:
            raise Violated(f"{machine} leaves {pool.key}, which was not read right before")
        others = {name: zone for name, zone in well.items() if name != machine and name not in self.away}
        held = any(key[0] != machine and place.left is None for key, place in pool.places.items())
        if self.way_back and machine not in well and held:
            self._out(machine)  # it serves nobody here, so it may get its old build again
            return
        if len(others) < pool.floor:
            raise Violated(f"{machine} leaves {pool.key}, where only {sorted(others)} are healthy")
        zone = self.boxes[machine].zone
        if not pool.cross_zone and list(others.values()).count(zone) < pool.zone_floor:
            raise Violated(f"{machine} leaves {pool.key}, and too few others are healthy in {zone}")
        self._out(machine)

    def _out(self, machine: str) -> None:
        self.away.add(machine)
        if len(self.away) > self.most:
            raise Violated(f"out at once: {sorted(self.away)}")
