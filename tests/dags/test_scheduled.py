"""A release that the calendar starts, as Airflow parses, stores and schedules its DAG."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DataInterval

from include.airlock import timetable
from tests.dags.conftest import DAGS

CALENDAR = """
windows:
  - days: [tuesday]
    opens: 20:00
    closes: 22:00
    time_zone: Europe/London
    every_weeks: 2
    anchor: 2026-11-03
"""
SCHEDULED = f"{CALENDAR}when_closed: wait\nscheduled:\n  build: staging\n"


def bag_of(folder: Path, more: str) -> DagBag:
    """Parse a folder whose only DAG is payments' release, its spec with ``more``."""
    (folder / "services").mkdir()
    spec = (DAGS / "services" / "payments.yaml").read_text(encoding="utf-8")
    (folder / "services" / "payments.yaml").write_text(f"{spec}\n{more}", encoding="utf-8")
    (folder / "release_payments.py").write_text((DAGS / "release_payments.py").read_text("utf-8"), "utf-8")
    return DagBag(folder)


def dag_of(folder: Path, more: str) -> DAG:
    bag = bag_of(folder, more)
    assert bag.import_errors == {}
    dag: DAG = bag.dags["release_payments"]
    return dag


def stored(dag: DAG) -> Any:
    """The DAG as the scheduler gets it from the database."""
    return DagSerialization.from_dict(json.loads(json.dumps(DagSerialization.to_dict(dag))))


def validated(dag: DAG, **conf: Any) -> dict[str, Any]:
    params = dag.params.__class__({name: dag.params.get_param(name) for name in dag.params})
    params.update(conf)
    checked: dict[str, Any] = params.validate()
    return checked


def test_it_starts_at_each_opening_of_the_first_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dag = stored(dag_of(tmp_path, SCHEDULED))
    for now, expected in (("2026-11-16 12:00", "2026-11-17T20:00"), ("2026-11-17 22:30", "2026-12-01T20:00")):
        moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
        monkeypatch.setattr(timetable, "_now", lambda moment=moment: moment)
        found = dag.next_dagrun_info(last_automated_run_info=None)
        assert found is not None
        assert found.run_after.in_timezone("UTC").isoformat().startswith(expected)


def test_a_run_queued_through_the_api_keeps_its_moment(tmp_path: Path) -> None:
    """Given ``run_after`` at any moment, in a window or not, then the timetable takes it as it is."""
    dag = stored(dag_of(tmp_path, SCHEDULED))
    for written in ("2026-11-17T20:00", "2026-11-18T03:00"):
        moment = pendulum.parse(written, tz="UTC")
        interval = dag.timetable.infer_manual_data_interval(run_after=moment)
        assert interval == DataInterval.exact(moment)


def test_nobody_can_backfill_releases(tmp_path: Path) -> None:
    """Given a schedule, which Airflow lets people backfill, then it must not: it counts those runs apart."""
    allowed = stored(dag_of(tmp_path, SCHEDULED)).allowed_run_types
    assert sorted(allowed) == ["manual", "operator_triggered", "scheduled"]


def test_the_build_is_found_before_anything_else(tmp_path: Path) -> None:
    dag = dag_of(tmp_path, SCHEDULED)
    assert dag.get_task("propose").upstream_task_ids == set()
    for first in ("preflight", "tell.start"):
        assert dag.get_task(first).upstream_task_ids == {"propose"}
        assert dag.get_task(first).trigger_rule == "none_failed"  # a start by somebody skips it
    # What follows all failures runs after a refusal too, and tells it.
    assert dag.get_task("verdict").trigger_rule == dag.get_task("tell.end").trigger_rule == "all_done"


def test_only_the_calendar_may_leave_the_build_out(tmp_path: Path) -> None:
    """A DAG with a schedule may have no required param; what is wrong is refused as ever."""
    dag = dag_of(tmp_path, SCHEDULED)
    assert validated(dag)["build"] is None
    assert validated(dag, build="2026.11.2")["build"] == "2026.11.2"
    with pytest.raises(ParamValidationError):
        validated(dag, build="a b")


def test_windows_alone_start_nothing(tmp_path: Path) -> None:
    dag = dag_of(tmp_path, CALENDAR)
    assert dag.schedule is None
    assert "propose" not in dag.task_ids
    # And their override stands in a section of its own.
    assert dag.params.get_param("window_override").schema["section"] == "Windows"
    assert validated(dag, build="2026.11.2", window_override="urgent")["window_override"] == "urgent"
    with pytest.raises(ParamValidationError):
        validated(dag, build="2026.11.2", window_override="x" * 501)
