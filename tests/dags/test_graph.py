"""The shape of a release's graph: lanes, ways back, the end, retries, and the form."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import ParamValidationError

from include.airlock.errors import AirlockError, Denied, Throttled
from include.airlock.model.loading import load_service
from include.airlock.model.service import Service
from tests.dags.conftest import DAGS
from tests.dags.test_integrity import SPECS

LANES = {
    "slot_swap": ("check", "swap", "verify", "bake"),
    "rolling": ("check", "roll", "verify", "bake"),
    "blue_green": ("check", "deploy", "switch", "verify", "bake"),
}


@pytest.fixture(params=SPECS)
def service(request: pytest.FixtureRequest) -> Service:
    return load_service(DAGS / "services" / f"{request.param}.yaml")


@pytest.fixture
def dag(bag: DagBag, service: Service) -> DAG:
    return bag.dags[f"release_{service.service}"]


def upstream(dag: DAG, task: str) -> set[str]:
    found: set[str] = dag.get_task(task).upstream_task_ids
    return found


def lane(service: Service) -> tuple[str, ...]:
    return LANES[service.strategy]


def before(service: Service) -> Iterator[tuple[str, str]]:
    """Each place with the step that its lane starts after."""
    last = "preflight"
    for place in service.places:
        yield place, last
        last = f"{place}.bake"


def grouped(dag: DAG, place: str) -> set[str]:
    """The tasks of a lane's group; a farm's group stands in its region's."""
    group: Any = dag.task_group
    for label in place.split("."):
        group = group.get_child_by_label(label)
    assert group.group_id == place
    return {task.task_id for task in group}


def test_a_lane_is_check_change_verify_bake(dag: DAG, service: Service) -> None:
    for place in service.places:
        for earlier, later in itertools.pairwise(lane(service)):
            assert upstream(dag, f"{place}.{later}") == {f"{place}.{earlier}"}
        assert grouped(dag, place) == {f"{place}.{verb}" for verb in (*lane(service), "roll_back")}


def test_a_farm_has_a_lane_of_its_own_within_its_region(bag: DagBag) -> None:
    dag = bag.dags["release_checkout"]
    assert list(dag.task_group.get_child_by_label("eu-west-1").children) == [
        "eu-west-1.staging",
        "eu-west-1.production",
    ]
    assert upstream(dag, "eu-west-1.production.check") == {"eu-west-1.staging.bake"}


def test_a_lane_starts_after_the_bake_of_the_one_before(dag: DAG, service: Service) -> None:
    for region, last in before(service):
        first = region == service.places[0] and service.approvals is not None
        assert upstream(dag, f"{region}.check") == {"approve" if first else last}


def test_nothing_that_acts_waits_for_a_tell(dag: DAG) -> None:
    tells = {task.task_id for task in dag.tasks if task.task_id.startswith("tell.")}
    for task in dag.tasks:
        if task.task_id not in tells:
            assert not task.upstream_task_ids & tells, task.task_id


def test_the_way_back_stands_beside_its_lane(dag: DAG, service: Service) -> None:
    for region in service.places:
        back = dag.get_task(f"{region}.roll_back")
        assert back.upstream_task_ids == {f"{region}.{verb}" for verb in lane(service) if verb != "check"}
        assert back.trigger_rule == "one_failed"
    earlier = dag.get_task("roll_back_earlier")
    assert earlier.upstream_task_ids == {f"{region}.roll_back" for region in service.places}
    assert earlier.trigger_rule == "one_success"


def test_staging_is_refreshed_after_the_last_region(dag: DAG, service: Service) -> None:
    refreshed = service.places if service.strategy == "slot_swap" else ()
    last = f"{service.places[-1]}.bake"
    for region in refreshed:
        refresh = dag.get_task(f"refresh.{region}")
        assert (refresh.upstream_task_ids, refresh.trigger_rule) == ({last}, "none_failed")
    assert len([task for task in dag.task_ids if task.startswith("refresh.")]) == len(refreshed)


def test_the_lanes_stop_where_a_step_fails(dag: DAG, service: Service) -> None:
    for region in service.places:
        assert {dag.get_task(f"{region}.{verb}").trigger_rule for verb in lane(service)} == {"none_failed"}


def test_the_two_leaves_are_the_verdict_and_the_last_tell(dag: DAG) -> None:
    # The run's state is that of its leaves: with the verdict among them, it tells the truth.
    assert {task.task_id for task in dag.tasks if not task.downstream_task_ids} == {"verdict", "tell.end"}
    assert dag.get_task("verdict").trigger_rule == "all_done"
    assert dag.get_task("tell.end").trigger_rule == "all_done"
    assert "verdict" not in upstream(dag, "tell.end")


def test_every_step_is_tried_again_when_its_run_is_lost(dag: DAG) -> None:
    for task in dag.tasks:
        assert task.retries >= 3, task.task_id
        assert task.retry_delay <= timedelta(seconds=5), task.task_id
        assert task.retry_policy is not None, task.task_id


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Throttled("later", retry_after=1.0), True),
        (Denied("no rights"), False),
        (AirlockError("a verdict"), False),
        (RuntimeError("lost"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_verdict_is_never_retried(bag: DagBag, error: Exception, again: bool | None) -> None:
    policy = bag.dags["release_payments"].get_task("verdict").retry_policy
    decision = policy.evaluate(error, 1, 6)
    assert str(decision.action.value) == {True: "retry", False: "fail", None: "default"}[again]


def test_one_release_of_a_service_at_a_time(dag: DAG) -> None:
    assert (dag.max_active_runs, dag.catchup, dag.schedule) == (1, False, None)


def validated(dag: DAG, **conf: Any) -> dict[str, Any]:
    params = dag.params.__class__({name: dag.params.get_param(name) for name in dag.params})
    params.update(conf)
    checked: dict[str, Any] = params.validate()
    return checked


def test_the_form_is_made_of_valid_json_schema(bag: DagBag) -> None:
    for dag in bag.dags.values():
        for name in dag.params:
            jsonschema.Draft202012Validator.check_schema(dag.params.get_param(name).schema)


def test_the_form_asks_for_the_build_alone(dag: DAG, service: Service) -> None:
    refreshed = ["refresh_build"] if service.strategy == "slot_swap" else []
    closing = ["window_override"] if service.has_windows else []
    asked = ["build", "change_request", "reason", "regions", "on_failure", "plan_only", "plan"]
    assert list(dag.params) == [*asked, *closing, *refreshed]
    with pytest.raises(ParamValidationError):
        validated(dag)
    assert validated(dag, build="2026.11.2")["on_failure"] == service.on_failure.value


@pytest.mark.parametrize(
    "wrong",
    [
        {"build": "a b"},
        {"build": ""},
        {"build": None},
        {"regions": ["atlantis"]},
        {"on_failure": "pray"},
        {"change_request": "<script>"},
        {"reason": "x" * 501},
    ],
    ids=str,
)
def test_the_form_refuses_what_is_wrong(dag: DAG, wrong: dict[str, Any]) -> None:
    with pytest.raises(ParamValidationError):
        validated(dag, **({"build": "2026.11.2"} | wrong))
