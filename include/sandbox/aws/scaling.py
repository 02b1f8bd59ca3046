"""Auto Scaling by itself: it finds machines unwell, replaces them, launches and balances.

Sources: the user guide of Amazon EC2 Auto Scaling, "Suspend and resume processes" and "Health checks for
instances in an Auto Scaling group".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from include.sandbox.aws.activities import Activities
from include.sandbox.aws.attachments import SERVING, Attachments, suspended
from include.sandbox.aws.books import Books
from include.sandbox.aws.groups import Groups
from include.sandbox.aws.machines import RUNNING, Machine
from include.sandbox.aws.members import Stage
from include.sandbox.aws.standby import Standby
from include.sandbox.aws.surroundings import Surroundings

_UNBALANCED = 2


class Scaling:
    """Looks after every Auto Scaling group from time to time."""

    def __init__(
        self,
        around: Surroundings,
        books: Books,
        groups: Groups,
        machines: Mapping[str, Machine],
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self.activities = Activities()
        self.attachments = Attachments(books, groups)
        self.standby = Standby(around, self.attachments, groups, machines, self.activities)
        self._around = around
        self._books = books
        self._groups = groups
        self._machines = machines
        self._settle = settle
        self._looks = 0

    def start(self, regions: Sequence[str]) -> None:
        """Begin to look."""
        self._around.spawn(self._keep(regions))

    async def _keep(self, regions: Sequence[str]) -> None:
        while True:
            await asyncio.sleep(self._around.scaled(self._around.timings.scaling_look))
            for region in regions:
                for group in self.attachments.groups(region):
                    await self._look(region, group)
            self._looks += 1

    async def _look(self, region: str, group: Any) -> None:
        stopped = suspended(group)
        in_service = [state for state in group.instance_states if state.lifecycle_state == "InService"]
        if "HealthCheck" not in stopped:
            for state in in_service:
                if not self._well(region, group, state):
                    state.health_status = "Unhealthy"
        if not {"ReplaceUnhealthy", "Terminate"} & stopped:
            for state in in_service:
                if state.health_status == "Unhealthy":
                    await self._terminate(region, group, state, "in response to a failed health check")
        if "Launch" not in stopped:
            await self._launch(region, group, group.desired_capacity - len(_serving(group)))
            if not {"AZRebalance", "Terminate"} & stopped:
                await self._balance(region, group)

    def _well(self, region: str, group: Any, state: Any) -> bool:
        """Tell whether a machine is well: it runs and, with ELB checks, no balancer finds it amiss or out."""
        machine = self._machines.get(state.instance.id)
        if machine is None or machine.power != RUNNING:
            return False
        if group.health_check_type != "ELB":
            return True
        stages = {key: member.stage for key, _, member in self._groups.memberships(machine)}
        amiss = (Stage.UNHEALTHY, Stage.DRAINING, None)
        return all(stages.get(key) not in amiss for key in self.attachments.keys(region, group))

    async def _balance(self, region: str, group: Any) -> None:
        """Take a machine out of the fullest zone, when another has two less; a launch follows."""
        zones: dict[str, list[Any]] = {zone: [] for zone in group.availability_zones}
        for state in _serving(group):
            zones.setdefault(state.availability_zone, []).append(state)
        used = [states for states in zones.values() if states]
        if len(used) > 1 and len(max(used, key=len)) - len(min(used, key=len)) >= _UNBALANCED:
            await self._terminate(region, group, max(used, key=len)[-1], "to balance the zones")

    async def _terminate(self, region: str, group: Any, state: Any, why: str) -> None:
        self._tell("scaling_terminated", region, group, state, why=why)
        self.activities.terminated(group, state.instance.id, why)
        _forget(group, state)
        self._books.ec2(region).terminate_instances([state.instance.id])
        await self._settle()

    async def _launch(self, region: str, group: Any, count: int) -> None:
        if count <= 0:
            return
        known = {state.instance.id for state in group.instance_states}
        tags = group.get_propagated_tags() | self._tags(group)
        group.replace_autoscaling_group_instances(count, tags)
        fresh = [state for state in group.instance_states if state.instance.id not in known]
        for state in fresh:
            state.lifecycle_state, state.booting = "Pending", True
            self.activities.launched(group, state.instance.id)
        await self._settle()
        for state in fresh:
            self._tell("scaling_launched", region, group, state)
            self._around.spawn(self._enter_service(region, state))

    def forget(self, machine: Machine) -> None:
        """Let a machine that is about to be terminated no longer be in its group."""
        for group in self.attachments.groups(machine.region):
            for state in list(group.instance_states):
                if state.instance.id == machine.id:
                    _forget(group, state)

    def _tags(self, group: Any) -> dict[str, str]:
        """Return the tags that make a new machine one of its farm."""
        ids = self.attachments.members(group)
        sibling = next((self._machines[id_] for id_ in ids if id_ in self._machines), None)
        if sibling is None:
            return {}
        return {"Service": sibling.service, "Farm": sibling.farm, "Name": f"{group.name}-launched"}

    async def _enter_service(self, region: str, state: Any) -> None:
        await asyncio.sleep(self._around.scaled(self._around.timings.boot))
        if state.lifecycle_state == "Pending":
            state.lifecycle_state, state.booting = "InService", False
            self.attachments.follow(region)

    def _tell(self, event: str, region: str, group: Any, state: Any, **more: Any) -> None:
        machine = self._machines.get(state.instance.id)
        where = machine.where if machine else {"region": region, "machine": state.instance.id}
        self._around.journal.event(event, **where, group=group.name, **more)

    def snapshot(self, regions: Sequence[str]) -> dict[str, Any]:
        """Return every group with its sizes, its machines and what is suspended."""
        return {
            group.name: {
                "region": region,
                "min": group.min_size,
                "max": group.max_size,
                "desired": group.desired_capacity,
                "suspended": sorted(suspended(group)),
                "looks": self._looks,
                "instances": {state.instance.id: state.lifecycle_state for state in group.instance_states},
            }
            for region in regions
            for group in self.attachments.groups(region)
        }


def _serving(group: Any) -> list[Any]:
    return [state for state in group.instance_states if state.lifecycle_state in SERVING]


def _forget(group: Any, state: Any) -> None:
    """Take a machine out of its group; else moto would launch another at once, whatever is suspended."""
    group.instance_states = [each for each in group.instance_states if each is not state]
