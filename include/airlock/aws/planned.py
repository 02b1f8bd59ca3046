"""What a release would do to a farm or a listener, foreseen from what the preflight read. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from include.airlock.aws.operations import (
    DEREGISTER_INSTANCES,
    DEREGISTER_TARGETS,
    ENTER_STANDBY,
    EXIT_STANDBY,
    MODIFY_LISTENER,
    MODIFY_RULE,
    REGISTER_INSTANCES,
    REGISTER_TARGETS,
    RESUME_PROCESSES,
    SEND_COMMAND,
    SUSPEND_PROCESSES,
    Operation,
)
from include.airlock.aws.router_view import RouterSeen
from include.airlock.aws.scaling import INTERFERING, ScalingGroup
from include.airlock.aws.shift_decision import WHOLE
from include.airlock.model.blue_green import BlueGreenService
from include.airlock.model.machine_service import MachineService
from include.airlock.model.machines import GroupFloor, MachineRecord, Membership
from include.airlock.model.plan_report import Foreseen, PlaceSeen, PlannedCall, WayBack, looks_of
from include.airlock.model.record import RegionRecord
from include.airlock.model.rolling import RollingService

DEPLOY_S = 60.0
"""Seconds that a deploy on one machine is expected to take, its proof included, when nothing tells."""

SAMPLE_S = 5.0
"""Seconds to prove one step of the weights by the answers."""


def foresee_farm(
    service: RollingService, region: RegionRecord, scaling: Mapping[str, ScalingGroup]
) -> Foreseen:
    """Give each machine's turn in order, and the turns back; ``region`` is as the preflight read it."""
    turns = _Turns(service, region, scaling)
    due = [machine for machine in region.machines if not machine.already]
    most = (
        f", up to {service.max_unavailable} at a time" if service.max_unavailable > 1 else ", one at a time"
    )
    return Foreseen(
        seen=PlaceSeen(name=region.name, builds=_builds(region.machines), facts=turns.facts()),
        calls=tuple(turns.calls("roll", due, region.new_build or "")),
        back=WayBack(
            place=region.name,
            text=f"{region.old_build} is deployed again to {_count(due)}, the last one first{most}",
            calls=list(turns.calls("roll_back", due[::-1], None)),
        ),
        looks=looks_of(service),
    )


def _count(machines: Sequence[MachineRecord]) -> str:
    return f"{len(machines)} machine{'' if len(machines) == 1 else 's'}"


def _builds(machines: Sequence[MachineRecord]) -> dict[str, str | None]:
    return {machine.id: machine.old_build for machine in machines}


class _Turns:
    """Turns of a farm's machines as calls, in the order of ``turn_acts``."""

    def __init__(
        self, service: RollingService, region: RegionRecord, scaling: Mapping[str, ScalingGroup]
    ) -> None:
        self._service = service
        self._region = region
        self._scaling = scaling
        self._step = ""

    def facts(self) -> dict[str, str]:
        """Who is in which groups, what guards each group, and what Auto Scaling has suspended."""
        return {
            **{f"{machine.id}'s groups": _groups(machine) for machine in self._region.machines},
            **{f"the floor of {floor.name}": _floor(floor) for floor in self._region.floors},
            **{
                f"suspended in Auto Scaling group {name}": ", ".join(sorted(group.suspended)) or "nothing"
                for name, group in self._scaling.items()
            },
        }

    def calls(self, step: str, machines: Sequence[MachineRecord], build: str | None) -> Iterator[PlannedCall]:
        """All turns; ``build`` None: each machine's own old build."""
        self._step = step
        for machine in machines:
            yield from self._leave(machine)
            yield deploy_call(
                self._service, self._region.name, step, machine.id, build or machine.old_build or "", DEPLOY_S
            )
            yield from self._join(machine)
        for name in sorted({machine.scaling_group for machine in machines if machine.scaling_group}):
            yield from self._processes(RESUME_PROCESSES, name)

    def _leave(self, machine: MachineRecord) -> Iterator[PlannedCall]:
        if machine.scaling_group is not None:
            yield from self._processes(SUSPEND_PROCESSES, machine.scaling_group)
            yield self._standby(ENTER_STANDBY, machine.scaling_group, machine)
        wait = max([floor.delay_s for floor in self._floors(machine)], default=0.0)
        yield from self._each_group(machine, DEREGISTER_TARGETS, DEREGISTER_INSTANCES, wait)

    def _join(self, machine: MachineRecord) -> Iterator[PlannedCall]:
        if machine.scaling_group is not None:
            yield self._standby(EXIT_STANDBY, machine.scaling_group, machine)
        floors = self._floors(machine)
        soak = self._service.soak * self._service.poll.total_seconds()
        wait = max([floor.healthy_s + floor.slow_start_s for floor in floors], default=0.0) + soak
        yield from self._each_group(machine, REGISTER_TARGETS, REGISTER_INSTANCES, wait)

    def _each_group(
        self, machine: MachineRecord, target_group: Operation, classic: Operation, wait: float
    ) -> Iterator[PlannedCall]:
        """Group by group in the order of the record, then what that takes is waited for once."""
        ordered = _in_order(machine.memberships)
        for membership in ordered:
            last = membership is ordered[-1]
            operation = target_group if membership.kind == "target_group" else classic
            port = f":{membership.port}" if membership.port and membership.kind == "target_group" else ""
            yield self._call(
                operation,
                f"{membership.name} {membership.target}{port}",
                {"machine": machine.id} if membership.target != machine.id else None,
                wait if last else 0.0,
            )

    def _standby(self, operation: Operation, group: str, machine: MachineRecord) -> PlannedCall:
        return self._call(operation, f"{group} {machine.id}", None, 0.0)

    def _processes(self, operation: Operation, group: str) -> Iterator[PlannedCall]:
        """What this release suspends; where all of it was suspended before, nothing."""
        seen = self._scaling.get(group)
        ours = sorted(name for name in INTERFERING if seen is None or name not in seen.suspended)
        if ours:
            yield self._call(operation, group, {"processes": ours}, 0.0)

    def _call(
        self, operation: Operation, target: str, body: dict[str, object] | None, seconds: float
    ) -> PlannedCall:
        return PlannedCall(
            place=self._region.name,
            step=self._step,
            call=operation.action,
            target=target,
            body=body,
            expected_s=seconds,
        )

    def _floors(self, machine: MachineRecord) -> list[GroupFloor]:
        keys = {membership.key for membership in machine.memberships}
        return [floor for floor in self._region.floors if floor.key in keys]


def _in_order(memberships: Sequence[Membership]) -> list[Membership]:
    """Group by group, as they are looked at."""
    keys = dict.fromkeys(membership.key for membership in memberships)
    return [membership for key in keys for membership in memberships if membership.key == key]


def _groups(machine: MachineRecord) -> str:
    named = [f"{m.name}:{m.port}" if m.port else m.name for m in machine.memberships]
    return ", ".join(named + ([machine.scaling_group] if machine.scaling_group else [])) or "none"


def _floor(floor: GroupFloor) -> str:
    zone = f", {floor.zone_floor} in each zone" if floor.zone_floor else ""
    return f"{floor.floor} healthy{zone}"


def deploy_call(
    service: MachineService, place: str, step: str, machine: str, build: str, seconds: float
) -> PlannedCall:
    """The one command that puts a build onto a machine. Its other parameters are in the spec."""
    deploy = service.deploy
    return PlannedCall(
        place=place,
        step=step,
        call=SEND_COMMAND.action,
        target=machine,
        body={"document": deploy.document, deploy.build_parameter: build},
        expected_s=seconds,
    )


def foresee_router(service: BlueGreenService, region: RegionRecord, seen: RouterSeen) -> Foreseen:
    """Give the deploys to the idle group, the weights step by step, and the one call back."""
    shift = _Shift(service, region.name, seen)
    deploys = [
        deploy_call(service, region.name, "deploy", machine.id, region.new_build or "", 0.0)
        for machine in region.machines
    ]
    if deploys:  # all machines at once
        deploys[-1] = deploys[-1].model_copy(update={"expected_s": DEPLOY_S})
    return Foreseen(
        seen=PlaceSeen(
            name=region.name,
            builds={"the live group": region.old_build, **_builds(region.machines)},
            facts={"the live group": shift.live, "the idle group": shift.idle, "the weights": shift.now()},
        ),
        calls=(*deploys, *shift.steps()),
        back=WayBack(
            place=region.name,
            text=f"all requests go back to {shift.live}, which stays warm with {region.old_build}",
            calls=[shift.call("roll_back", {shift.live: WHOLE, shift.idle: 0}, SAMPLE_S)],
        ),
        looks=looks_of(service),
    )


class _Shift:
    """A listener's weights as calls."""

    def __init__(self, service: BlueGreenService, place: str, seen: RouterSeen) -> None:
        self._service = service
        self._place = place
        self._seen = seen
        self.live = seen.groups[seen.sides.live].name
        self.idle = seen.groups[seen.sides.idle].name

    def now(self) -> str:
        """The weights as they are; a group in no action has none."""
        weights = self._seen.route.forward.weights
        return ", ".join(f"{self._name(arn)} {weight}" for arn, weight in sorted(weights.items()))

    def _name(self, arn: str) -> str:
        group = self._seen.groups.get(arn)
        return group.name if group else arn

    def steps(self) -> Iterator[PlannedCall]:
        """The idle group joins at weight 0 where it is in no action, and waits there until it is healthy."""
        idle = self._seen.groups[self._seen.sides.idle]
        weights = self._seen.route.forward.weights
        warm = idle.interval_s * idle.healthy_threshold
        soak = self._service.soak * self._service.poll.total_seconds()
        if self._seen.sides.idle not in weights:
            before = {self._name(arn): weight for arn, weight in weights.items()}
            yield self.call("switch", {**before, self.idle: 0}, warm + soak)
        bake = self._service.step_bake.total_seconds()
        for percent in self._service.steps:
            watched = bake if percent != WHOLE else 0.0
            yield self.call("switch", {self.live: WHOLE - percent, self.idle: percent}, SAMPLE_S + watched)

    def call(self, step: str, weights: Mapping[str, int], seconds: float) -> PlannedCall:
        """One call that sets weights."""
        route = self._seen.route
        return PlannedCall(
            place=self._place,
            step=step,
            call=(MODIFY_RULE if route.kind == "rule" else MODIFY_LISTENER).action,
            target=route.key,
            body=dict(weights),
            expected_s=seconds,
        )
