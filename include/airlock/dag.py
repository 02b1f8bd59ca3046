"""Plan → DAG: the one place where steps become Airflow operators.

A DAG file is a docstring, one import and one call; the spec is read beside it, so that a bad
spec breaks one DAG and says why in Airflow's list of import errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TaskGroup

from include.airlock.announce.operators import TellAgainOperator, TellEndOperator, TellOperator, tell_now
from include.airlock.announce.rollback import TellBackEndOperator, TellBackOperator
from include.airlock.aws import operators as aws
from include.airlock.azure import operators as azure
from include.airlock.dag_docs import doc_of_release, doc_of_rollback, doc_of_train, doc_of_train_rollback
from include.airlock.model.form import params_schema
from include.airlock.model.loading import load_service
from include.airlock.model.plan import Plan, Step, When
from include.airlock.model.rollback import rollback_schema
from include.airlock.model.service import Service
from include.airlock.model.train import Train
from include.airlock.model.train_loading import load_train
from include.airlock.model.train_request import train_schema
from include.airlock.release import steps
from include.airlock.release.approve import ApproveOperator, AskingStep
from include.airlock.release.operators import UnlockOperator, VerdictOperator
from include.airlock.release.rollback_steps import LookBackOperator, RollbackVerdictOperator, UndoOperator
from include.airlock.release.step import ReleaseStep
from include.airlock.release.train_back_steps import (
    TrainLookBackOperator,
    TrainRollbackVerdictOperator,
    TrainUndoOperator,
)
from include.airlock.release.train_steps import (
    AllAcceptedOperator,
    AllPassedOperator,
    TrainBackEarlierOperator,
    TrainBackOperator,
    TrainVerdictOperator,
    TurnOperator,
)
from include.airlock.strategies import compile_plan
from include.airlock.strategies.rollback import compile_rollback
from include.airlock.strategies.train import compile_train, compile_train_rollback, room_of

if TYPE_CHECKING:
    from airflow.timetables.base import Timetable

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
    **{(room, "look_back"): LookBackOperator for room in PLACES},
    **{(room, "undo"): UndoOperator for room in PLACES},
    ("release", "verdict_back"): RollbackVerdictOperator,
    **{(room, "train_back"): TrainBackOperator for room in PLACES},
    **{(room, "train_undo"): TrainUndoOperator for room in PLACES},
    ("release", "turn"): TurnOperator,
    ("release", "all_passed"): AllPassedOperator,
    ("release", "all_accepted"): AllAcceptedOperator,
    ("release", "train_back_earlier"): TrainBackEarlierOperator,
    ("release", "train_verdict"): TrainVerdictOperator,
    ("release", "train_look_back"): TrainLookBackOperator,
    ("release", "train_verdict_back"): TrainRollbackVerdictOperator,
    ("announce", "tell_back"): TellBackOperator,
    ("announce", "tell_back_end"): TellBackEndOperator,
    ("announce", "tell"): TellOperator,
    ("announce", "tell_end"): TellEndOperator,
    ("release", "approve"): ApproveOperator,
    ("release", "verdict"): VerdictOperator,
}
"""Which operator does which verb in which room."""

_RUN_TYPES = ("manual", "scheduled", "operator_triggered")
"""Backfills are refused: Airflow counts their runs apart, so that one could run beside another release."""

_RULES = {
    When.NONE_FAILED: "none_failed",
    When.ONE_FAILED: "one_failed",
    When.WAY_BACK_TAKEN: "one_success",
    When.ALL_DONE: "all_done",
}


_WAYS_BACK = {"roll_back", "roll_back_earlier", "undo", "look_back"}
_WAYS_BACK |= {"train_back", "train_back_earlier", "train_undo", "train_look_back"}


def release_dag(dag_file: str) -> DAG:
    """The DAG ``release_<service>`` of the file ``release_<service>.py``, from its spec beside it.

    Raises:
        SpecError: names file, line and fault of everything that is wrong in the spec.
    """
    path = Path(dag_file)
    name = path.stem.removeprefix("release_")
    service = load_service(path.parent / "services" / f"{name}.yaml")
    return render(compile_plan(service), trains=_trains(path))


def _trains(dag_file: Path) -> tuple[str, ...]:
    """The names of all trains, by their files alone: a spec that is wrong now may have a run that runs."""
    return tuple(sorted(path.stem for path in (dag_file.parent / "trains").glob("*.yaml")))


def render(plan: Plan, *, trains: tuple[str, ...] = ()) -> DAG:
    """A plan as a DAG. One run at a time: a second release of the service queues until the first ended.

    ``trains`` are the project's trains, any of which may release the service as well.
    """
    service = plan.service
    with DAG(
        dag_id=f"release_{service.service}",
        description=service.description or f"Release {service.service}, one region at a time",
        doc_md=doc_of_release(plan),
        schedule=_schedule(service),
        max_active_runs=1,
        catchup=False,
        allowed_run_types=_RUN_TYPES,
        tags=["airlock", "release", *service.tags],
        owner_links={},
        default_args={"owner": service.owner},
        params={name: _param(schema) for name, schema in params_schema(service).items()},
        is_paused_upon_creation=False,
    ) as dag:
        _tasks(plan, _Wiring((service,), trains=trains))
    return dag


def _schedule(service: Service) -> Timetable | None:
    """At each opening of the first place where the spec says that the calendar starts releases."""
    if service.scheduled is None:
        return None
    from include.airlock.timetable import ReleaseWindow

    return ReleaseWindow.of(service.calendar(service.places[0]))


def rollback_dag(dag_file: str) -> DAG:
    """The DAG ``rollback_<service>`` of the file ``rollback_<service>.py``: its last release undone.

    Raises:
        SpecError: names file, line and fault of everything that is wrong in the spec.
    """
    path = Path(dag_file)
    name = path.stem.removeprefix("rollback_")
    plan = compile_rollback(load_service(path.parent / "services" / f"{name}.yaml"))
    return render_rollback(plan, trains=_trains(path))


def render_rollback(plan: Plan, *, trains: tuple[str, ...] = ()) -> DAG:
    """The plan of a rollback as a DAG."""
    service = plan.service
    with DAG(
        dag_id=f"rollback_{service.service}",
        description=f"Undo the last release of {service.service}, in reverse order",
        doc_md=doc_of_rollback(plan),
        schedule=None,
        max_active_runs=1,
        catchup=False,
        tags=["airlock", "rollback", *service.tags],
        owner_links={},
        default_args={"owner": service.owner},
        params={name: _param(schema) for name, schema in rollback_schema(service).items()},
        is_paused_upon_creation=False,
    ) as dag:
        _tasks(plan, _Wiring((service,), trains=trains))
    return dag


def _param(schema: dict[str, Any]) -> Param:
    schema = dict(schema)
    description = schema.pop("description", None)
    if "default" in schema:
        return Param(schema.pop("default"), description=description, **schema)
    return Param(description=description, **schema)


@dataclass(frozen=True)
class _Wiring:
    """What a DAG's steps are made with: the services, the train that they are of, all trains there are."""

    services: tuple[Service, ...]
    train: Train | None = None
    trains: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.services[0].service if self.train is None else f"the train {self.train.name}"

    def service_of(self, step: Step) -> Service:
        return next((each for each in self.services if each.service == step.service), self.services[0])

    @property
    def places_of(self) -> dict[str, OpenPlace]:
        """How the places of each service are opened."""
        return {each.service: PLACES[room_of(compile_plan(each))] for each in self.services}


def _tasks(plan: Iterable[Step], wiring: _Wiring) -> None:
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


def _task(wiring: _Wiring, step: Step, name: str, group: TaskGroup | None) -> ReleaseStep:
    more: dict[str, Any] = {} if group is None else {"task_group": group}
    operator = OPERATORS[(step.room, step.verb)]
    if issubclass(operator, steps.PlaceStep):
        more["places"] = PLACES[step.room]
    if issubclass(operator, (TrainBackEarlierOperator, TrainLookBackOperator)):
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


def train_dag(dag_file: str) -> DAG:
    """The DAG ``train_<train>`` of the file ``train_<train>.py``: several services as one change request.

    Raises:
        SpecError: names file, line and fault of everything that is wrong in a spec.
    """
    path = Path(dag_file)
    train = load_train(path.parent / "trains" / f"{path.stem.removeprefix('train_')}.yaml")
    return render_train(compile_train(train), trains=_trains(path))


def render_train(plan: TrainPlan, *, trains: tuple[str, ...]) -> DAG:
    """A train's plan as a DAG. ``trains`` are the project's trains, itself among them."""
    train = plan.train
    names = ", ".join(service.service for service in train.services)
    dag = _train_dag(
        train,
        dag_id=f"train_{train.name}",
        description=train.spec.description or f"Release {names}, region by region",
        doc_md=doc_of_train(plan),
        tags=["airlock", "train", *train.spec.tags],
        params={name: _param(schema) for name, schema in train_schema(train).items()},
    )
    with dag:
        _tasks(plan, _Wiring(train.services, train, trains))
    return dag


def rollback_train_dag(dag_file: str) -> DAG:
    """The DAG ``rollback_train_<train>`` of that file: the train's last release undone, in all services.

    Raises:
        SpecError: names file, line and fault of everything that is wrong in a spec.
    """
    path = Path(dag_file)
    name = path.stem.removeprefix("rollback_train_")
    train = load_train(path.parent / "trains" / f"{name}.yaml")
    return render_train_rollback(compile_train_rollback(train), trains=_trains(path))


def render_train_rollback(plan: TrainPlan, *, trains: tuple[str, ...]) -> DAG:
    """The plan of a train's rollback as a DAG."""
    train = plan.train
    schema = rollback_schema(train.services[0])
    dag = _train_dag(
        train,
        dag_id=f"rollback_train_{train.name}",
        description=f"Undo the last release of the train {train.name}, in reverse order",
        doc_md=doc_of_train_rollback(plan),
        tags=["airlock", "rollback", *train.spec.tags],
        params={key: _param(schema[key]) for key in ("reason", "release", "dry")},
    )
    with dag:
        _tasks(plan, _Wiring(train.services, train, trains))
    return dag


def _train_dag(train: Train, **more: Any) -> DAG:
    return DAG(
        schedule=None,
        max_active_runs=1,
        catchup=False,
        owner_links={},
        default_args={"owner": train.spec.owner},
        is_paused_upon_creation=False,
        **more,
    )


def _specs(dag_file: str) -> tuple[Service, ...]:
    """The services whose spec can be used; a bad spec breaks its own DAG, not these."""
    from include.airlock.errors import SpecError

    found = []
    for path in sorted((Path(dag_file).parent / "services").glob("*.yaml")):
        try:
            found.append(load_service(path))
        except SpecError:
            continue
    return tuple(found)


def unlock_dag(dag_file: str) -> DAG:
    """The DAG ``airlock_unlock``: its runs are the record of who unlocked what and why."""
    names = tuple(service.service for service in _specs(dag_file))
    with DAG(
        dag_id="airlock_unlock",
        description="Unlock a service after a way back, with a reason",
        schedule=None,
        catchup=False,
        tags=["airlock"],
        params={
            "service": Param(type="string", enum=list(names), title="Service"),
            "reason": Param(type="string", minLength=3, maxLength=500, title="Why it may be released again"),
        },
        is_paused_upon_creation=False,
    ) as dag:
        UnlockOperator(task_id="unlock", services=names)
    return dag


def tell_again_dag(dag_file: str) -> DAG:
    """The DAG ``airlock_tell_again``: tells what an ended release could not, for up to some hours."""
    with DAG(
        dag_id="airlock_tell_again",
        description="Tell what an ended release could not tell",
        schedule=None,
        catchup=False,
        tags=["airlock"],
        params={
            "service": Param(type="string", maxLength=40, title="Service"),
            "release": Param(type="string", maxLength=600, title="Run id of the release"),
        },
        is_paused_upon_creation=False,
    ) as dag:
        TellAgainOperator(
            task_id="tell",
            services=_specs(dag_file),
            retries=12,
            retry_delay=timedelta(seconds=20),
            retry_exponential_backoff=2.0,
            max_retry_delay=timedelta(minutes=30),
        )
    return dag
