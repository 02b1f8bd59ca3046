"""The DAG of a service whose release waits for people."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from include.airlock.announce.operators import tell_now
from include.airlock.release.approve import ApproveOperator, AskingStep
from tests.unit.model.specs import SMALLEST

FILE = """\
\"\"\"Release payments: an Airflow DAG made from services/payments.yaml.\"\"\"

from include.airlock.dag import release_dag

dag = release_dag(__file__)
"""
SECOND = SMALLEST[SMALLEST.index("  - name:") : SMALLEST.index("status_page:")].replace(
    "westeurope", "northeurope"
)
TWO = SMALLEST.replace("status_page:", f"{SECOND}status_page:")

BOTH = {"westeurope.approve", "northeurope.approve"}


def dag_of(folder: Path, before: str) -> DAG:
    """Parse the DAG of a spec that wants approvals."""
    (folder / "services").mkdir()
    spec = f"{TWO}on_failure: ask\napprovals: {{before: {before}, by: [ann]}}\n"
    (folder / "services" / "payments.yaml").write_text(spec, encoding="utf-8")
    (folder / "release_payments.py").write_text(FILE, encoding="utf-8")
    bag = DagBag(folder)
    assert bag.import_errors == {}
    dag: DAG = bag.dags["release_payments"]
    return dag


def after(dag: DAG, task: str) -> set[str]:
    found: set[str] = dag.get_task(task).upstream_task_ids
    return found


@pytest.mark.parametrize(
    ("before", "asking", "first", "second"),
    [
        ("[release]", {"approve"}, "approve", "westeurope.bake"),
        ("[each_region]", BOTH, "westeurope.approve", "northeurope.approve"),
        ("[release, each_region]", {"approve", *BOTH}, "westeurope.approve", "northeurope.approve"),
    ],
)
def test_it_asks_before_anything_is_looked_at_again(
    tmp_path: Path, before: str, asking: set[str], first: str, second: str
) -> None:
    dag = dag_of(tmp_path, before)
    assert {task.task_id for task in dag.tasks if isinstance(task, ApproveOperator)} == asking
    assert after(dag, "westeurope.check") == {first}
    assert after(dag, "northeurope.check") == {second}
    if "each_region" in before:
        assert after(dag, "northeurope.approve") == {"westeurope.bake"}
    # A no is no failure of a region: no way back comes after it
    backs = [task.task_id for task in dag.tasks if task.task_id.endswith("roll_back")]
    assert not any("approve" in earlier for back in backs for earlier in after(dag, back))


def test_what_asks_tells_at_once_and_can_be_stored(tmp_path: Path) -> None:
    """Given the steps that may wait for people, then each tells while it waits, and all can be stored."""
    dag = dag_of(tmp_path, "[release, each_region]")
    asking = [task for task in dag.tasks if isinstance(task, AskingStep)]
    names = {task.task_id.rpartition(".")[2] for task in asking}
    assert names == {"approve", "swap", "verify", "bake"}
    assert all(task.tell is tell_now for task in asking)
    assert len(DagSerialization.to_dict(dag)["dag"]["tasks"]) == len(dag.tasks)


def test_the_form_offers_to_ask(tmp_path: Path) -> None:
    schema = dag_of(tmp_path, "[release]").params.get_param("on_failure").schema
    assert schema["enum"][-1] == "ask" and "Ask" in schema["values_display"]["ask"]
