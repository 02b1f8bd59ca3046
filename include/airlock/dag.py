"""Plan → DAG: the one place where steps become Airflow operators.

A DAG file is a docstring, one import and one call; the spec is read beside it, so that a bad
spec breaks one DAG and says why in Airflow's list of import errors.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, TaskGroup

from include.airlock.announce.operators import TellAgainOperator, TellEndOperator, TellOperator
from include.airlock.announce.rollback import TellBackEndOperator, TellBackOperator
from include.airlock.aws import operators as aws
from include.airlock.azure import operators as azure
from include.airlock.model.change_request import params_schema
from include.airlock.model.loading import load_service
from include.airlock.model.plan import Plan, Step, When
from include.airlock.model.rollback import rollback_schema
from include.airlock.model.service import Service
from include.airlock.release import steps
from include.airlock.release.operators import UnlockOperator, VerdictOperator
from include.airlock.release.rollback_steps import LookBackOperator, RollbackVerdictOperator, UndoOperator
from include.airlock.release.step import ReleaseStep
from include.airlock.strategies import compile_plan
from include.airlock.strategies.rollback import compile_rollback

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
    ("announce", "tell_back"): TellBackOperator,
    ("announce", "tell_back_end"): TellBackEndOperator,
    ("announce", "tell"): TellOperator,
    ("announce", "tell_end"): TellEndOperator,
    ("release", "verdict"): VerdictOperator,
}
"""Which operator does which verb in which room."""

_RULES = {
    When.NONE_FAILED: "none_failed",
    When.ONE_FAILED: "one_failed",
    When.WAY_BACK_TAKEN: "one_success",
    When.ALL_DONE: "all_done",
}


def release_dag(dag_file: str) -> DAG:
    """The DAG ``release_<service>`` of the file ``release_<service>.py``, from its spec beside it.

    Raises:
        SpecError: names file, line and fault of everything that is wrong in the spec.
    """
    path = Path(dag_file)
    name = path.stem.removeprefix("release_")
    service = load_service(path.parent / "services" / f"{name}.yaml")
    return render(compile_plan(service))


def render(plan: Plan) -> DAG:
    """A plan as a DAG. One run at a time: a second release of the service queues until the first ended."""
    service = plan.service
    with DAG(
        dag_id=f"release_{service.service}",
        description=service.description or f"Release {service.service}, one region at a time",
        doc_md=_doc(plan),
        schedule=_schedule(service),
        max_active_runs=1,
        catchup=False,
        tags=["airlock", "release", *service.tags],
        owner_links={},
        default_args={"owner": service.owner},
        params={name: _param(schema) for name, schema in params_schema(service).items()},
        is_paused_upon_creation=False,
    ) as dag:
        _tasks(plan)
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
    service = plan.service
    with DAG(
        dag_id=f"rollback_{service.service}",
        description=f"Undo the last release of {service.service}, in reverse order",
        doc_md=_doc_back(plan),
        schedule=None,
        max_active_runs=1,
        catchup=False,
        tags=["airlock", "rollback", *service.tags],
        owner_links={},
        default_args={"owner": service.owner},
        params={name: _param(schema) for name, schema in rollback_schema(service).items()},
        is_paused_upon_creation=False,
    ) as dag:
        _tasks(plan)
    return dag


def _doc_back(plan: Plan) -> str:
    service = plan.service
    regions = " → ".join(reversed(service.places))
    steps = "\n".join(f"- `{step.id}`: {step.about}" for step in plan if step.room != "announce")
    return f"""
### {service.service} back: {regions}

Owner: {service.owner}. Windows and freezes don't hold it up. The service stays locked until `airlock_unlock`.
Tick *Only say what would be done* to see each {service.place_word}'s way back first.

**It stopped?** The step `verdict` says why, in one sentence. Mend the cause, then clear the failed
step with *Downstream*: every step starts by looking, so it goes on from there.

{steps}
"""


def _param(schema: dict[str, Any]) -> Param:
    schema = dict(schema)
    description = schema.pop("description", None)
    if "default" in schema:
        return Param(schema.pop("default"), description=description, **schema)
    return Param(description=description, **schema)


def _tasks(plan: Plan) -> None:
    groups: dict[str, TaskGroup] = {}
    tasks: dict[str, ReleaseStep] = {}
    for step in plan:
        group, _, name = step.id.rpartition(".")
        tasks[step.id] = _task(plan.service, step, name, _group(groups, group, plan.service))
        for earlier in step.after:
            tasks[step.id].set_upstream(tasks[earlier])


def _group(groups: dict[str, TaskGroup], name: str, service: Service) -> TaskGroup | None:
    """The group of that name, made when first asked for: ``eu-west-1.production`` is in ``eu-west-1``."""
    if name and name not in groups:
        outer, _, last = name.rpartition(".")
        parent = _group(groups, outer, service)
        more: dict[str, Any] = {} if parent is None else {"parent_group": parent}
        groups[name] = TaskGroup(last, tooltip=f"{name} of {service.service}", **more)
    return groups.get(name)


def _task(service: Service, step: Step, name: str, group: TaskGroup | None) -> ReleaseStep:
    more: dict[str, Any] = {} if group is None else {"task_group": group}
    operator = OPERATORS[(step.room, step.verb)]
    if issubclass(operator, steps.PlaceStep):
        more["places"] = PLACES[step.room]
    return operator(
        task_id=name,
        service=service,
        region=step.region,
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
    return 100 if step.verb in ("roll_back", "roll_back_earlier", "undo", "look_back") else 10


def _doc(plan: Plan) -> str:
    service = plan.service
    regions = " → ".join(service.places)
    steps = "\n".join(f"- `{step.id}`: {step.about}" for step in plan if step.verb != "tell")
    return f"""
### {service.service}: {regions}

Owner: {service.owner}. On failure: {service.on_failure.value} (the form can say otherwise).
One release of {service.service} runs at a time; a further one is queued until it has ended.

**It stopped?** The step `verdict` says why, in one sentence. Mend the cause, then clear the failed
step with *Downstream*: every step starts by looking, so it goes on from there. After a way back
the service is locked: run `airlock_unlock` with a reason first.

{steps}
"""


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
            "release": Param(type="string", maxLength=250, title="Run id of the release"),
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
