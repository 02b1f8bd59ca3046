"""Plan → DAG: the one place where steps become Airflow operators.

What only some DAGs need is imported by those: each file is parsed in a process of its own.
A DAG file is a docstring, one import and one call; the spec is read beside it, so that a bad
spec breaks one DAG and says why in Airflow's list of import errors.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param

from include.airlock.announce.operators import TellAgainOperator
from include.airlock.dag_docs import doc_of_release, doc_of_rollback, doc_of_train, doc_of_train_rollback
from include.airlock.model.form import params_schema
from include.airlock.model.loading import load_service
from include.airlock.model.plan import Plan
from include.airlock.model.service import Service
from include.airlock.release.operators import UnlockOperator
from include.airlock.strategies import compile_plan
from include.airlock.tasks import OPERATORS as OPERATORS
from include.airlock.tasks import PLACES as PLACES
from include.airlock.tasks import Wiring, add_tasks
from include.airlock.tasks import operator_of as operator_of

if TYPE_CHECKING:
    from airflow.timetables.base import Timetable

    from include.airlock.model.train import Train
    from include.airlock.strategies.train import TrainPlan

_RUN_TYPES = ("manual", "scheduled", "operator_triggered")
"""Backfills are refused: Airflow counts their runs apart, so that one could run beside another release."""


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


def _trains_with(dag_file: Path, *services: str) -> tuple[str, ...]:
    """The names of the trains that may hold one of ``services``: those whose spec can't be read as well."""
    from include.airlock.errors import SpecError
    from include.airlock.model.train_loading import load_train

    found = []
    for name in _trains(dag_file):
        try:
            train = load_train(dag_file.parent / "trains" / f"{name}.yaml")
        except SpecError:
            found.append(name)
            continue
        if any(service.service in services for service in train.services):
            found.append(name)
    return tuple(found)


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
        is_paused_upon_creation=False,
    ) as dag:
        add_tasks(plan, Wiring((service,), trains=trains))
    return _with_form(dag, params_schema(service))


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
    from include.airlock.strategies.rollback import compile_rollback

    path = Path(dag_file)
    name = path.stem.removeprefix("rollback_")
    plan = compile_rollback(load_service(path.parent / "services" / f"{name}.yaml"))
    return render_rollback(plan, trains=_trains_with(path, name))


def render_rollback(plan: Plan, *, trains: tuple[str, ...] = ()) -> DAG:
    """The plan of a rollback as a DAG."""
    from include.airlock.model.rollback import rollback_schema

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
        is_paused_upon_creation=False,
    ) as dag:
        add_tasks(plan, Wiring((service,), trains=trains))
    return _with_form(dag, rollback_schema(service))


def train_dag(dag_file: str) -> DAG:
    """The DAG ``train_<train>`` of the file ``train_<train>.py``: several services as one change request.

    Raises:
        SpecError: names file, line and fault of everything that is wrong in a spec.
    """
    from include.airlock.model.train_loading import load_train
    from include.airlock.strategies.train import compile_train

    path = Path(dag_file)
    train = load_train(path.parent / "trains" / f"{path.stem.removeprefix('train_')}.yaml")
    return render_train(compile_train(train), trains=_trains(path))


def render_train(plan: TrainPlan, *, trains: tuple[str, ...]) -> DAG:
    """A train's plan as a DAG. ``trains`` are the project's trains, itself among them."""
    from include.airlock.model.train_request import train_schema

    train = plan.train
    names = ", ".join(service.service for service in train.services)
    dag = _train_dag(
        train,
        dag_id=f"train_{train.name}",
        description=train.spec.description or f"Release {names}, region by region",
        doc_md=doc_of_train(plan),
        tags=["airlock", "train", *train.spec.tags],
    )
    with dag:
        add_tasks(plan, Wiring(train.services, train, trains))
    return _with_form(dag, train_schema(train))


def rollback_train_dag(dag_file: str) -> DAG:
    """The DAG ``rollback_train_<train>`` of that file: the train's last release undone, in all services.

    Raises:
        SpecError: names file, line and fault of everything that is wrong in a spec.
    """
    from include.airlock.model.train_loading import load_train
    from include.airlock.strategies.train import compile_train_rollback

    path = Path(dag_file)
    name = path.stem.removeprefix("rollback_train_")
    train = load_train(path.parent / "trains" / f"{name}.yaml")
    names = [service.service for service in train.services]
    return render_train_rollback(compile_train_rollback(train), trains=_trains_with(path, *names))


def render_train_rollback(plan: TrainPlan, *, trains: tuple[str, ...]) -> DAG:
    """The plan of a train's rollback as a DAG."""
    from include.airlock.model.rollback import rollback_schema

    train = plan.train
    schema = rollback_schema(train.services[0])
    dag = _train_dag(
        train,
        dag_id=f"rollback_train_{train.name}",
        description=f"Undo the last release of the train {train.name}, in reverse order",
        doc_md=doc_of_train_rollback(plan),
        tags=["airlock", "rollback", *train.spec.tags],
    )
    with dag:
        add_tasks(plan, Wiring(train.services, train, trains))
    return _with_form(dag, {key: schema[key] for key in ("reason", "release", "dry")})


def _train_dag(train: Train, **more: Any) -> DAG:
    return DAG(
        schedule=None,
        max_active_runs=1,
        catchup=False,
        allowed_run_types=_RUN_TYPES,
        owner_links={},
        default_args={"owner": train.spec.owner},
        is_paused_upon_creation=False,
        **more,
    )


def _with_form(dag: DAG, schemas: dict[str, dict[str, Any]]) -> DAG:
    """The DAG with its params, given once its tasks are made.

    Airflow copies a DAG's params into each task, once for each class that the task's class extends, which
    was most of the time of parsing. A running task has them all the same: Airflow puts the DAG's first, then
    the task's own, then the run's (``airflow.sdk.definitions.param.process_params``).
    """
    dag.params = {name: _param(schema) for name, schema in schemas.items()}
    return dag


def _param(schema: dict[str, Any]) -> Param:
    schema = dict(schema)
    description = schema.pop("description", None)
    if "default" in schema:
        return Param(schema.pop("default"), description=description, **schema)
    return Param(description=description, **schema)


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
