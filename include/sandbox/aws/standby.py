"""Standby: a machine leaves its group's load balancers for a while and comes back.

Source: the user guide of Amazon EC2 Auto Scaling, "Temporarily remove instances".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from include.sandbox.aws.activities import Activities
from include.sandbox.aws.attachments import Attachments
from include.sandbox.aws.groups import Groups
from include.sandbox.aws.machines import Machine
from include.sandbox.aws.surroundings import Surroundings

_MOVE_LOOK = 0.02
_PLEASE = "please update the AutoScalingGroup sizes appropriately."


class StandbyRefused(ValueError):
    """The group's sizes or the instance's state forbid it; the text is AWS's."""


class Standby:
    """EnterStandby and ExitStandby."""

    def __init__(
        self,
        around: Surroundings,
        attachments: Attachments,
        groups: Groups,
        machines: Mapping[str, Machine],
        activities: Activities,
    ) -> None:
        self._around = around
        self._attachments = attachments
        self._groups = groups
        self._machines = machines
        self._activities = activities

    def enter(self, region: str, group: Any, ids: Sequence[str], decrement: bool) -> list[dict[str, Any]]:
        """Move machines to Standby: they drain out of their load balancers. Raises `StandbyRefused`."""
        states = [_state(group, id_, "InService") for id_ in ids]
        if decrement and group.desired_capacity - len(ids) < group.min_size:
            raise StandbyRefused(f"{_sizes(group)} To place into standby {len(ids)} instance, {_PLEASE}")
        done = []
        for state in states:
            before = group.desired_capacity
            group.desired_capacity -= decrement
            state.lifecycle_state = "EnteringStandby"
            done.append(self._activities.standby(group, state.instance.id, before, enters=True))
        self._attachments.follow(region)
        for state in states:
            self._around.spawn(self._drained(state))
        return done

    def leave(self, region: str, group: Any, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Take machines out of Standby: they are registered again. Raises `StandbyRefused`."""
        states = [_state(group, id_, "Standby") for id_ in ids]
        if group.desired_capacity + len(ids) > group.max_size:
            raise StandbyRefused(f"{_sizes(group)} To exit standby {len(ids)} instance, {_PLEASE}")
        done = []
        for state in states:
            before = group.desired_capacity
            group.desired_capacity += 1
            state.lifecycle_state = "Pending"
            done.append(self._activities.standby(group, state.instance.id, before, enters=False))
        self._attachments.follow(region)
        for state in states:
            self._around.spawn(self._registered(state))
        return done

    async def _drained(self, state: Any) -> None:
        """Reach Standby once the machine has drained everywhere."""
        machine = self._machines.get(state.instance.id)
        while machine is not None and any(True for _ in self._groups.memberships(machine)):
            await asyncio.sleep(_MOVE_LOOK)
        if state.lifecycle_state == "EnteringStandby":
            state.lifecycle_state = "Standby"

    async def _registered(self, state: Any) -> None:
        """Reach InService once the machine is registered; its health is told elsewhere."""
        await asyncio.sleep(self._around.scaled(self._around.timings.registration))
        if state.lifecycle_state == "Pending":
            state.lifecycle_state = "InService"


def _state(group: Any, id_: str, wanted: str) -> Any:
    state = next((each for each in group.instance_states if each.instance.id == id_), None)
    if state is None:
        raise StandbyRefused(f"The instance {id_} is not part of Auto Scaling group {group.name}.")
    if state.lifecycle_state != wanted:
        raise StandbyRefused(f"The instance {id_} is not in {wanted} state.")
    return state


def _sizes(group: Any) -> str:
    return (
        f"AutoScalingGroup {group.name} has min-size={group.min_size}, max-size={group.max_size}, and "
        f"desired-size={group.desired_capacity}."
    )
