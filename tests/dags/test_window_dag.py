"""A DAG with the timetable of release windows, as Airflow parses, stores and schedules it."""

from __future__ import annotations

import json
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow import plugins_manager
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization

from include.airlock import timetable

FILE = """\
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator
from include.airlock.timetable import ReleaseWindow

with DAG("train", schedule=ReleaseWindow(WINDOWS), catchup=False, max_active_runs=1) as dag:
    EmptyOperator(task_id="start")
"""
WINDOW = {"days": ["tuesday"], "opens": "20:00", "closes": "22:00", "time_zone": "Europe/London"}


def bag_of(folder: Path, *windows: dict[str, object]) -> DagBag:
    """Parse a folder whose only DAG has these windows."""
    text = textwrap.dedent(FILE).replace("WINDOWS", repr(list(windows)))
    (folder / "train.py").write_text(text, encoding="utf-8")
    return DagBag(folder)


def stored(bag: DagBag) -> SerializedDAG:
    """The DAG as the scheduler gets it from the database."""
    written = json.loads(json.dumps(DagSerialization.to_dict(bag.dags["train"])))
    return DagSerialization.from_dict(written)


def test_the_plugin_registers_it() -> None:
    known = plugins_manager.get_timetables_plugins()
    assert known["include.airlock.timetable.ReleaseWindow"] is timetable.ReleaseWindow


def test_the_scheduler_gets_the_same_timetable_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a DAG file, when it is parsed, stored and read back, then its next run is at the opening."""
    bag = bag_of(tmp_path, WINDOW)
    assert bag.import_errors == {}
    dag = stored(bag)
    assert isinstance(dag.timetable, timetable.ReleaseWindow)
    assert dag.timetable.summary == "tuesday 20:00–22:00 Europe/London"

    # Summer time ends between the two.
    for now, expected in (("2026-10-20 12:00", "2026-10-20T19:00"), ("2026-10-21 12:00", "2026-10-27T20:00")):
        moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
        monkeypatch.setattr(timetable, "_now", lambda moment=moment: moment)
        found = dag.next_dagrun_info(last_automated_run_info=None)
        assert found is not None
        assert found.run_after.in_timezone("UTC").isoformat().startswith(expected)
        assert found.logical_date == found.run_after


def test_two_parses_store_the_same(tmp_path: Path) -> None:
    """A difference would make a new version of the DAG at each parse."""
    one, two = (DagSerialization.to_dict(bag_of(tmp_path, WINDOW).dags["train"]) for _ in range(2))
    assert one["dag"]["timetable"] == two["dag"]["timetable"]


def test_a_wrong_window_is_an_import_error(tmp_path: Path) -> None:
    bag = bag_of(tmp_path, {**WINDOW, "time_zone": "London"})
    assert bag.dags == {}
    said = "".join(bag.import_errors.values())
    assert "did you mean 'Europe/London'?" in said
