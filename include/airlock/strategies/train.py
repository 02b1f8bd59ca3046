"""A train's plan: the plans of its services laced together region by region, whatever their strategies.

Each service keeps its own steps; what they wait for changes. A region's lanes start when all services
are accepted in the regions before, and the ways back of a region when all its lanes have ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from include.airlock.model.plan import Plan, Step, When
from include.airlock.model.service import Service
from include.airlock.model.train import Train, region_of
from include.airlock.strategies import compile_plan

PASSED = "preflight.all-passed"
"""The step after all preflights. A dash keeps it apart from every service: their names have none."""


@dataclass(frozen=True)
class TrainPlan:
    """The steps of a train, in an order in which every step follows those it comes after."""

    train: Train
    steps: tuple[Step, ...]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)


def compile_train(train: Train) -> TrainPlan:
    """Every preflight, then region by region the lanes of all services, and the end."""
    plans = {service.service: compile_plan(service) for service in train.services}
    steps = [_of_all("turn", "turn", (), When.NONE_FAILED, "wait until no other release has these services")]
    steps += _start(plans)
    approvals = [step.id for step in steps if step.verb == "approve"]
    entry: tuple[str, ...] = (PASSED, *approvals)
    for region in train.regions:
        lanes, ends = _lanes(train, plans, region, entry)
        gate = _gate(region, ends)
        steps += [*lanes, gate, *_ways_back(train, plans, region, gate.id)]
        entry = (gate.id, *ends)
    steps.append(_earlier(steps))
    steps += _refreshes(train, plans, entry)
    steps += _tells(train, plans)
    return TrainPlan(train, (*steps, *_end(train, steps, entry)))


def lane_id(service: str, place: str, verb: str) -> str:
    """``westeurope.payments.swap``, ``eu-west-1.checkout.production.roll``."""
    region, _, farm = place.partition(".")
    return ".".join(part for part in (region, service, farm, verb) if part)


def gate_id(region: str) -> str:
    """The step at which a region is accepted by all services, or the train stops."""
    return f"{region}.all-accepted"


def back_id(service: str, region: str) -> str:
    """A service's way back in a region: beside the lanes, as groups of tasks must not wait for each other."""
    return f"{region}.way-back.{service}"


def room_of(plan: Plan) -> str:
    """What changes in a service: the room of its places."""
    return next(step.room for step in plan if step.verb == "preflight")


def lane_steps(plan: Plan, place: str) -> list[Step]:
    """The steps of a place's lane in a lone release, without its way back."""
    return [step for step in plan if step.id == f"{place}.{step.verb}" and step.verb != "roll_back"]


def _of_all(name: str, verb: str, after: tuple[str, ...], when: When, about: str) -> Step:
    return Step(name, "release", verb, None, after, when, about)


def _start(plans: dict[str, Plan]) -> list[Step]:
    steps, preflights = [], []
    for name, plan in plans.items():
        own = {step.id: step for step in plan}
        steps.append(replace(own["tell.start"], id=f"tell.{name}.start", after=(), service=name))
        preflights.append(replace(own["preflight"], id=f"preflight.{name}", after=("turn",), service=name))
    steps += preflights
    after = tuple(step.id for step in preflights)
    about = "go on only when every service passed its preflight; nothing is touched before"
    steps.append(_of_all(PASSED, "all_passed", after, When.ALL_DONE, about))
    for name, plan in plans.items():
        approve = next((step for step in plan if step.id == "approve"), None)
        steps += [replace(approve, id=f"approve.{name}", after=(PASSED,), service=name)] if approve else []
    return steps


def _lanes(
    train: Train, plans: dict[str, Plan], region: str, entry: tuple[str, ...]
) -> tuple[list[Step], tuple[str, ...]]:
    """The lanes of a region, at most so many at once; each service's farms follow one another."""
    steps: list[Step] = []
    ends: list[str] = []
    for index, service in enumerate(train.there(region)):
        before = index - train.at_once
        after = (*entry, ends[before]) if before >= 0 else entry
        for place in train.places(service, region):
            lane = _lane(service, plans[service.service], place, after)
            steps += lane
            after = (lane[-1].id,)
        ends.append(steps[-1].id)
    return steps, tuple(ends)


def _lane(service: Service, plan: Plan, place: str, after: tuple[str, ...]) -> list[Step]:
    own = lane_steps(plan, place)
    names = {step.id: lane_id(service.service, place, step.verb) for step in own}
    steps = []
    for step in own:
        inner = tuple(names[name] for name in step.after if name in names)
        steps.append(replace(step, id=names[step.id], after=inner or after, service=service.service))
    return steps


def _gate(region: str, ends: tuple[str, ...]) -> Step:
    about = f"go on only when every service is accepted in {region}"
    step = _of_all(gate_id(region), "all_accepted", ends, When.ALL_DONE, about)
    return replace(step, region=region)


def _ways_back(train: Train, plans: dict[str, Plan], region: str, gate: str) -> list[Step]:
    """Last service first where they are not all at once; each looks for itself whether it is needed."""
    steps: list[Step] = []
    for index, service in enumerate(reversed(train.there(region))):
        name, before = service.service, index - train.at_once
        after = (gate, steps[before].id) if before >= 0 else (gate,)
        when = When.ONE_FAILED if before < 0 else When.ALL_DONE
        about = f"where the policy says so, bring {name} back to its old build in {region} and prove it"
        room = room_of(plans[name])
        steps.append(Step(back_id(name, region), room, "train_back", region, after, when, about, name))
    return steps


def _earlier(steps: list[Step]) -> Step:
    after = tuple(step.id for step in steps if step.verb == "train_back")
    about = "where the policy says so, bring back all services in the regions done before, in reverse order"
    return _of_all("roll_back_earlier", "train_back_earlier", after, When.ALL_DONE, about)


def _refreshes(train: Train, plans: dict[str, Plan], after: tuple[str, ...]) -> list[Step]:
    return [
        replace(step, id=f"refresh.{name}.{step.region}", after=after, service=name)
        for name, plan in plans.items()
        for step in plan
        if step.verb == "refresh" and region_of(step.region or "") in train.regions
    ]


def _tells(train: Train, plans: dict[str, Plan]) -> list[Step]:
    steps = []
    for service in train.services:
        name, plan = service.service, plans[service.service]
        told = f"tell.{name}.start"
        for region in train.regions:
            for place in train.places(service, region):
                own = next(step for step in plan if step.id == f"tell.{place}")
                last = lane_id(name, place, lane_steps(plan, place)[-1].verb)
                after = (last, back_id(name, region), told)
                told = f"tell.{name}.{place}"
                steps.append(replace(own, id=told, after=after, service=name))
    return steps


def _end(train: Train, steps: list[Step], entry: tuple[str, ...]) -> list[Step]:
    """The verdict and each service's last tell are leaves: the verdict alone decides the run's state."""
    closing = [each.id for each in steps if each.verb in ("train_back", "train_back_earlier", "refresh")]
    after = (*entry, *closing)
    about = "say in one sentence how the train ended"
    ends = [_of_all("verdict", "train_verdict", after, When.ALL_DONE, about)]
    for service in train.services:
        name = service.service
        told = [each.id for each in steps if each.verb == "tell" and each.service == name][-1]
        tell = Step(
            f"tell.{name}.end", "announce", "tell_end", None, (*after, told), When.ALL_DONE, "tell the end"
        )
        ends.append(replace(tell, service=name))
    return ends


def compile_train_rollback(train: Train) -> TrainPlan:
    """Look at all, then region by region the last one first, all services of one back before the next."""
    about = "say of every service and place how it would be brought back; lock them"
    steps = [_of_all("look", "train_look_back", (), When.NONE_FAILED, about)]
    told = {}
    for service in train.services:
        name, about = service.service, "tell who undoes what and why"
        told[name] = f"tell.{name}.start"
        tell = Step(told[name], "announce", "tell_back", None, ("look",), When.NONE_FAILED, about, name)
        steps.append(tell)
    entry: tuple[str, ...] = ("look",)
    for region in reversed(train.regions):
        undoing, entry = _region_back(train, region, entry)
        for step in undoing:
            tell = _told_of(step, told[step.service or ""])
            told[step.service or ""] = tell.id
            steps += [step, tell]
    about = "say in one sentence how the rollback ended"
    steps.append(_of_all("verdict", "train_verdict_back", entry, When.ALL_DONE, about))
    return TrainPlan(train, (*steps, *(_told_end(name, (*entry, last)) for name, last in told.items())))


def _region_back(train: Train, region: str, entry: tuple[str, ...]) -> tuple[list[Step], tuple[str, ...]]:
    """The ways back of a region, last service first, at most so many at once; and what ends them."""
    steps: list[Step] = []
    ends: list[str] = []
    for index, service in enumerate(reversed(train.there(region))):
        before = index - train.at_once
        after = (*entry, ends[before]) if before >= 0 else entry
        steps += _undoing(train, service, compile_plan(service), region, after)
        ends.append(steps[-1].id)
    return steps, tuple(ends)


def _told_end(name: str, after: tuple[str, ...]) -> Step:
    about = "tell the end"
    return Step(f"tell.{name}.end", "announce", "tell_back_end", None, after, When.ALL_DONE, about, name)


def _undoing(train: Train, service: Service, plan: Plan, region: str, after: tuple[str, ...]) -> list[Step]:
    steps: list[Step] = []
    name = service.service
    for place in reversed(train.places(service, region)):
        about = f"bring {name} in {place} back to the build it had before, and prove it"
        own = lane_id(name, place, "roll_back")
        steps.append(Step(own, room_of(plan), "train_undo", place, after, When.NONE_FAILED, about, name))
        after = (own,)
    return steps


def _told_of(step: Step, before: str) -> Step:
    after = (step.id, before)
    name, place = step.service, step.region
    return Step(
        f"tell.{name}.{place}", "announce", "tell_back", place, after, When.ALL_DONE, f"tell of {place}", name
    )
