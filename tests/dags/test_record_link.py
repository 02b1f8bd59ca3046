"""The button *Record* on each verdict, as Airflow keeps it with the DAG."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

from include.airlock.release.record_link import RecordLink


def links(bag: DagBag, dag: str) -> dict[str, str]:
    """Button -> the key under which a run keeps its address, once the DAG went through the database."""
    kept: Any = DagSerialization.from_dict(DagSerialization.to_dict(bag.dags[dag]))
    return {link.name: link.xcom_key for link in kept.task_dict["verdict"].operator_extra_links}


@pytest.mark.parametrize(
    "dag", ["release_payments", "rollback_payments", "release_checkout", "release_search"]
)
def test_a_verdict_leads_to_the_record(bag: DagBag, dag: str) -> None:
    assert links(bag, dag) == {"Record": "_link_RecordLink"}


@pytest.mark.parametrize("dag", ["train_evening", "rollback_train_evening"])
def test_a_trains_verdict_leads_to_one_for_each_service(bag: DagBag, dag: str) -> None:
    train = bag.dags[dag].task_dict["verdict"].train
    names = [service.service for service in train.services]
    assert links(bag, dag) == {f"Record of {name}": f"_link_RecordOf_{name}" for name in names}
    assert len(names) > 1


def test_the_address_names_the_service_and_the_run(bag: DagBag) -> None:
    class Key:
        run_id = "scheduled__2026-11-24T20:00:00+00:00"

    verdict = bag.dags["release_payments"].task_dict["verdict"]
    address = RecordLink().get_link(verdict, ti_key=Key())
    assert address.endswith("/airlock/releases/payments/scheduled__2026-11-24T20%3A00%3A00%2B00%3A00/record")
    for link in bag.dags["train_evening"].task_dict["verdict"].operator_extra_links:
        assert f"/airlock/releases/{link.service}/" in link.get_link(verdict, ti_key=Key())
