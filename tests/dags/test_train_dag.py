"""The graph and the form of ``train_<train>`` and ``rollback_train_<train>``."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import ParamValidationError

from tests.dags.test_graph import upstream, validated

GOOD = {"build_payments": "2026.11.2", "build_catalog": "2026.11.2"}
ENDS = {"westeurope.payments.bake", "westeurope.catalog.bake"}


@pytest.fixture
def train(bag: DagBag) -> DAG:
    return bag.dags["train_evening"]


def test_all_preflights_come_before_any_lane(train: DAG) -> None:
    assert upstream(train, "preflight.payments") == upstream(train, "preflight.catalog") == {"turn"}
    assert upstream(train, "preflight.all-passed") == {"preflight.payments", "preflight.catalog"}
    for lane in ("payments", "catalog"):
        assert upstream(train, f"westeurope.{lane}.check") == {"preflight.all-passed"}


def test_a_region_starts_after_all_lanes_of_the_one_before(train: DAG) -> None:
    assert upstream(train, "westeurope.all-accepted") == ENDS
    assert upstream(train, "northeurope.payments.check") == {"westeurope.all-accepted", *ENDS}
    assert train.get_task("westeurope.all-accepted").trigger_rule == "all_done"


def test_a_way_back_waits_for_every_lane_of_its_region(train: DAG) -> None:
    for service in ("payments", "catalog"):
        back = train.get_task(f"westeurope.way-back.{service}")
        assert (back.upstream_task_ids, back.trigger_rule) == ({"westeurope.all-accepted"}, "one_failed")
        assert back.priority_weight == 100


def test_airflow_can_put_its_groups_in_order(bag: DagBag) -> None:
    # The grid of Airflow's pages sorts groups as it sorts tasks, and breaks where two wait for each other.
    for dag in bag.dags.values():
        dag.topological_sort()
        for group in dag.task_group_dict.values():
            group.topological_sort()


def test_the_leaves_are_the_verdict_and_each_services_last_tell(bag: DagBag) -> None:
    for name in ("train_evening", "rollback_train_evening"):
        leaves = {task.task_id for task in bag.dags[name].leaves}
        assert leaves == {"verdict", "tell.payments.end", "tell.catalog.end"}


def test_one_run_at_a_time_and_every_step_is_tried_again(bag: DagBag) -> None:
    for name in ("train_evening", "rollback_train_evening"):
        dag = bag.dags[name]
        assert (dag.max_active_runs, dag.catchup, dag.schedule) == (1, False, None)
        for task in dag.tasks:
            assert task.retries >= 3 and task.retry_policy is not None, task.task_id


def test_every_release_knows_all_trains(bag: DagBag) -> None:
    for name in ("release_payments", "release_search", "train_evening", "rollback_payments"):
        assert all(task.trains == ("evening",) for task in bag.dags[name].tasks)


def test_the_form_asks_for_each_build(train: DAG) -> None:
    assert list(train.params)[:4] == ["build_payments", "build_catalog", "change_request", "reason"]
    with pytest.raises(ParamValidationError):
        validated(train, build_payments="2026.11.2")
    assert validated(train, **GOOD)["on_failure"] == "roll_back_region"


@pytest.mark.parametrize(
    "wrong",
    [{"build_catalog": "a b"}, {"regions": ["atlantis"]}, {"on_failure": "ask"}, {"reason": "x" * 501}],
    ids=str,
)
def test_the_form_refuses_what_is_wrong(train: DAG, wrong: dict[str, Any]) -> None:
    with pytest.raises(ParamValidationError):
        validated(train, **(GOOD | wrong))


def test_the_rollback_goes_from_the_last_region_to_the_first(bag: DagBag) -> None:
    dag = bag.dags["rollback_train_evening"]
    assert upstream(dag, "uksouth.payments.roll_back") == {"look"}
    assert upstream(dag, "eastus.catalog.roll_back") == {"uksouth.payments.roll_back"}
    assert upstream(dag, "northeurope.payments.roll_back") == {"eastus.catalog.roll_back"}
    for name in ("payments", "catalog"):
        assert upstream(dag, f"westeurope.{name}.roll_back") == {"northeurope.payments.roll_back"}
    assert list(dag.params) == ["reason", "release", "dry"]


def test_a_rollback_asks_only_after_trains_that_may_hold_its_service(bag: DagBag) -> None:
    # Of a train with other services it is none's way back that would wait
    assert bag.dags["rollback_payments"].get_task("look").trains == ("evening",)
    assert bag.dags["rollback_checkout"].get_task("look").trains == ()
