"""Step → task: which operator does which verb, and what each is made with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup

from include.airlock.announce.operators import TellEndOperator, TellOperator, tell_now
from include.airlock.aws import operators as aws
from include.airlock.azure import operators as azure
from include.airlock.model.plan import Step, When
from include.airlock.model.service import Service
from include.airlock.release import steps
from include.airlock.release.approve import ApproveOperator, AskingStep
from include.airlock.release.operators import VerdictOperator
from include.airlock.release.step import ReleaseStep
from include.airlock.strategies import compile_plan

if TYPE_CHECKING:
    from include.airlock.model.train import Train
    from include.airlock.release.place import OpenPlace

PLACES: dict[str, OpenPlace] = {
    "slots": azure.slots,
    "machines": aws.machines,
    "target_groups": aws.target_groups,
}
"""How a lane's place is opened in each room."""

LANE: dict[str, type[steps.PlaceStep]] = {
    "preflight": steps.PreflightOperator,
    "check": steps.CheckOperator,
    "swap": steps.ChangeOperator,
    "roll": steps.ChangeOperator,
    "switch": steps.ChangeOperator,
    "verify": steps.VerifyOperator,
    "bake": steps.BakeOperator,
    "roll_back": steps.RollBackOperator,
    "roll_back_earlier": steps.RollBackEarlierOperator,
}
"""Which operator does which verb in every room that has places."""

OPERATORS: dict[tuple[str, str], type[ReleaseStep]] = {
    **{(room, verb): operator for room in PLACES for verb, operator in LANE.items()},
    ("slots", "propose"): azure.ProposeOperator,
    ("slots", "refresh"): azure.RefreshOperator,
    ("target_groups", "deploy"): aws.DeployOperator,
    ("announce", "tell"): TellOperator,
    ("announce", "tell_end"): TellEndOperator,
    ("release", "approve"): ApproveOperator,
    ("release", "verdict"): VerdictOperator,
}
"""Which operator does which verb in which room, in a release."""

_RULES = {
    When.NONE_FAILED: "none_failed",
    When.ONE_FAILED: "one_failed",
    When.WAY_BACK_TAKEN: "one_success",
    When.ALL_DONE: "all_done",
}


_WAYS_BACK = {"roll_back", "roll_back_earlier", "undo", "look_back"}
_WAYS_BACK |= {"train_back", "train_back_earlier", "train_undo", "train_look_back"}
_OF_ALL_SERVICES = {"train_back_earlier", "train_look_back"}


def operator_of(step: Step) -> type[ReleaseStep]:
    """Which operator does a step; those of rollbacks and trains are imported when one is asked for."""
    key = (step.room, step.verb)
    if key in OPERATORS:
        return OPERATORS[key]
    from include.airlock.rollback_tasks import OPERATORS as OF_ROLLBACK

    if key in OF_ROLLBACK:
        return OF_ROLLBACK[key]
    from include.airlock.train_tasks import OPERATORS as OF_TRAIN

    return OF_TRAIN[key]


@dataclass(frozen=True)
class Wiring:
    """What a DAG's steps are made with: the services, the train that they are of, all trains there are."""

    services: tuple[Service, ...]
    train: Train | None = None
    trains: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What is released, in words."""
        return self.services[0].service if self.train is None else f"the train {self.train.name}"

    def service_of(self, step: Step) -> Service:
        """The service that a step is of; of a step of all, the first."""
        return next((each for each in self.services if each.service == step.service), self.services[0])

    @property
    def places_of(self) -> dict[str, OpenPlace]:
        """How the places of each service are opened."""
        from include.airlock.strategies.train import room_of

        return {each.service: PLACES[room_of(compile_plan(each))] for each in self.services}


def add_tasks(plan: Iterable[Step], wiring: Wiring) -> None:
    """Put a plan's steps into the present DAG, in groups, each after those that it comes after."""
    groups: dict[str, TaskGroup] = {}
    tasks: dict[str, ReleaseStep] = {}
    for step in plan:
        group, _, name = step.id.rpartition(".")
        tasks[step.id] = _task(wiring, step, name, _group(groups, group, wiring.name))
        for earlier in step.after:
            tasks[step.id].set_upstream(tasks[earlier])


def _group(groups: dict[str, TaskGroup], name: str, of: str) -> TaskGroup | None:
    """The group of that name, made when first asked for: ``eu-west-1.production`` is in ``eu-west-1``."""
    if name and name not in groups:
        outer, _, last = name.rpartition(".")
        parent = _group(groups, outer, of)
        more: dict[str, Any] = {} if parent is None else {"parent_group": parent}
        groups[name] = TaskGroup(last, tooltip=f"{name} of {of}", **more)
    return groups.get(name)


def _task(wiring: Wiring, step: Step, name: str, group: TaskGroup | None) -> ReleaseStep:
    more: dict[str, Any] = {} if group is None else {"task_group": group}
    operator = operator_of(step)
    if issubclass(operator, steps.PlaceStep):
        more["places"] = PLACES[step.room]
    if step.verb in _OF_ALL_SERVICES:
        more["places_of"] = wiring.places_of
    if issubclass(operator, AskingStep):
        more["tell"] = tell_now
    return operator(
        task_id=name,
        service=wiring.service_of(step),
        region=step.region,
        train=wiring.train,
        trains=wiring.trains,
        trigger_rule=_RULES[step.when],
        doc_md=step.about,
        priority_weight=_weight(step),
        weight_rule="absolute",
        **more,
    )


def _weight(step: Step) -> int:
    """Ways back go first, telling goes last, when workers are scarce."""
    if step.room == "announce":
        return 1
    return 100 if step.verb in _WAYS_BACK else 10
