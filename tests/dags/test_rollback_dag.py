"""The graph and the form of ``rollback_<service>``."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import ParamValidationError

from tests.dags.test_graph import upstream, validated
from tests.dags.test_integrity import SPECS


@pytest.fixture(params=SPECS)
def dag(bag: DagBag, request: pytest.FixtureRequest) -> DAG:
    return bag.dags[f"rollback_{request.param}"]


def test_it_is_one_act_without_a_schedule(dag: DAG) -> None:
    assert (dag.max_active_runs, dag.catchup, dag.schedule) == (1, False, None)


def test_payments_goes_back_from_the_last_region(bag: DagBag) -> None:
    dag = bag.dags["rollback_payments"]
    assert upstream(dag, "uksouth.roll_back") == {"look"}
    assert upstream(dag, "northeurope.roll_back") == {"uksouth.roll_back"}
    assert upstream(dag, "westeurope.roll_back") == {"northeurope.roll_back"}
    assert upstream(dag, "verdict") == {"westeurope.roll_back"}


def test_every_step_is_tried_again_when_its_run_is_lost(dag: DAG) -> None:
    for task in dag.tasks:
        assert task.retries >= 3 and task.retry_policy is not None, task.task_id


def test_ways_back_go_first_when_workers_are_scarce(bag: DagBag) -> None:
    weights = {task.task_id: task.priority_weight for task in bag.dags["rollback_payments"].tasks}
    assert weights["look"] == weights["uksouth.roll_back"] == 100
    assert weights["tell.uksouth"] == weights["tell.end"] == 1


def test_the_form_asks_for_a_reason_alone(dag: DAG) -> None:
    with pytest.raises(ParamValidationError):
        validated(dag)
    assert validated(dag, reason="too slow")["dry"] is False


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": "no"},
        {"reason": "x" * 501},
        {"dry": "yes"},
        {"regions": ["atlantis"]},
        {"release": "x" * 251},
    ],
    ids=str,
)
def test_the_form_refuses_what_is_wrong(dag: DAG, wrong: dict[str, Any]) -> None:
    with pytest.raises(ParamValidationError):
        validated(dag, **({"reason": "too slow"} | wrong))
