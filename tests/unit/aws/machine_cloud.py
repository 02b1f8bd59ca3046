"""The whole model of the cloud: groups, Run Command and an Auto Scaling group. See ``group_cloud``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from include.airlock.aws.commands import CommandState, Status
from include.airlock.aws.scaling import INTERFERING, ScalingGroup
from include.airlock.errors import NotFound, Rejected, Unreachable
from tests.unit.aws.group_cloud import FRESH_S, GroupCloud
from tests.unit.aws.machine_parts import NEW, OLD, Box, Killed, Order, Place, Pool, Violated

__all__ = ["FRESH_S", "NEW", "OLD", "Box", "Killed", "MachineCloud", "Place", "Pool", "Violated"]


@dataclass
class MachineCloud(GroupCloud):
    """The world, and what it is to do to the worker. Fates of deploys are taken in the order of sending."""

    # -- commands

    def send(self, _: Any, machine: str, *rest: Any) -> str:
        _document, _version, parameters, comment, _timeout = rest
        build = parameters["Build"][0]
        order = str(self.change(f"send {build}", machine, lambda: self._order(machine, comment, build)))
        if len(self.orders) in self.lost_sends:
            raise Unreachable("no answer")
        return order

    def _order(self, machine: str, comment: str, build: str) -> str:
        if any(order.status is Status.RUNNING for order in self.orders if order.machine == machine):
            raise Violated(f"two deploys at once on {machine}")
        inside = [pool for pool, key in self.homes[machine] if self.standing(self.pools[pool], key) != "out"]
        if inside:
            raise Violated(f"{machine} is deployed to while it is in {inside}")
        fate = self.fates.pop(0) if self.fates else "well"
        ends = 1e12 if fate == "endless" else self.clock + self.deploy_s
        order = Order(f"c{len(self.orders) + 1}", machine, comment, build, self.clock, ends, fate)
        self.orders.append(order)
        self.boxes[machine].down, self.boxes[machine].warm_at = True, None
        return order.id

    def end(self, order: Order) -> None:
        box = self.boxes[order.machine]
        order.status = Status.SUCCEEDED if order.fate in ("well", "liar") else Status.FAILED
        if order.fate == "well":
            box.build = order.build
        box.down = order.fate == "broken"
        if not box.down:
            box.down, box.warm_at = True, self.clock + self.warm_up_s

    def state(self, _: Any, command: str, machine: str) -> CommandState:
        self.read()
        for order in self.orders:
            if (order.id, order.machine) == (command, machine):
                return CommandState(order.status, str(order.status), 0, "", "")
        raise NotFound("no such command", status=404)

    def find_sent(self, _: Any, machine: str, comment: str, since: Any) -> str | None:
        self.read()
        shown = [order for order in self.orders if self.clock - order.at >= self.list_lag_s]
        mine = [order.id for order in shown if (order.machine, order.comment) == (machine, comment)]
        return mine[-1] if mine else None

    def cancel(self, _: Any, command: str, machine: str) -> None:
        self.change("cancel", machine, lambda: self._cancel(command))

    def _cancel(self, command: str) -> None:
        for order in self.orders:
            if order.id == command and order.status is Status.RUNNING:
                order.status = Status.CANCELLED
                self.boxes[order.machine].warm_at = self.clock + self.warm_up_s

    # -- Auto Scaling

    def describe_scaling(self, _: Any, name: str) -> ScalingGroup:
        self._no_answer(self.step(), ("lost", "cut"))
        inside = sum(state in ("InService", "Pending") for state in self.lifecycles.values())
        return ScalingGroup(name, self.least, 10, inside, frozenset(self.suspended), dict(self.lifecycles))

    def enter_standby(self, _: Any, group: str, machines: list[str]) -> None:
        self.change("standby", machines[0], lambda: self._standby(machines[0]))

    def _standby(self, machine: str) -> None:
        if self.lifecycles[machine] != "InService":
            raise Rejected("not in service", code="ValidationError")
        if not set(INTERFERING) <= self.suspended:
            raise Violated("standby with processes that interfere")
        for pool, key in sorted(self.memberships(machine), key=str):
            self.may_leave(self.pools[pool], machine)
            self.pools[pool].places[key].left = self.clock
        self.lifecycles[machine] = "EnteringStandby"

    def exit_standby(self, _: Any, group: str, machines: list[str]) -> None:
        self.change("in service", machines[0], lambda: self._in_service(machines[0]))

    def _in_service(self, machine: str) -> None:
        if self.lifecycles[machine] != "Standby":
            raise Rejected("not in standby", code="ValidationError")
        self.lifecycles[machine] = "Pending"
        for pool, key in self.homes[machine]:
            self._register(self.pools[pool], key)

    def suspend(self, _: Any, group: str, processes: Iterable[str]) -> None:
        self.change("suspend", group, lambda: self.suspended.update(processes))

    def resume(self, _: Any, group: str, processes: Iterable[str]) -> None:
        self.change("resume", group, lambda: self.suspended.difference_update(processes))
