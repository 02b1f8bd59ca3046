"""docs/windows.md, "Queue a release for the window": its commands are run, its call is what Airflow takes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.form import params_schema
from include.airlock.model.loading import load_service
from include.airlock.model.service import Service
from tests.integration.cli.airflow_stand_in import StandIn
from tests.unit.pages import blocks, curls
from tests.unit.test_docs import airflow_paths

PAGE = "docs/windows.md"
Airlock = Callable[..., tuple[int, str, str]]
SHOWN = [
    shlex.split(line)[1:]
    for block in blocks(PAGE, "bash")
    for line in block.splitlines()
    if line.startswith("airlock ")
]


@pytest.fixture
def payments(airflow: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The service of the page: its spec on disk, its DAG in Airflow."""
    (tmp_path / "services").mkdir()
    file = tmp_path / "services" / "payments.yaml"
    file.write_text(blocks(PAGE, "yaml")[0], encoding="utf-8")
    monkeypatch.setenv("AIRLOCK_DAGS_FOLDER", str(tmp_path))
    service = load_service(file)
    airflow.add_dag("release_payments", params_schema(service))
    return service


def test_the_command_queues_the_release_for_the_next_opening(
    payments: Service, airflow: StandIn, airlock: Airlock
) -> None:
    (release,) = (words for words in SHOWN if words[0] == "release")
    code, _, errors = airlock(*release)
    assert (code, errors) == (0, "")
    (body,) = airflow.posted()
    assert body["dag_run_id"] == "CHG-1002"
    opening = payments.calendar(payments.places[0]).next_opening(datetime.now(UTC))
    assert datetime.fromisoformat(body["run_after"]) == opening


def test_the_opening_is_what_the_command_says(payments: Service, airlock: Airlock) -> None:
    """Given the page's words on ``opens``, then it is the next opening in UTC, or null while open."""
    (window,) = (words for words in SHOWN if words[0] == "window")
    code, out, errors = airlock(*window)
    assert (code, errors) == (0, "")
    (place,) = json.loads(out)["places"]
    assert place["place"] == payments.places[0]
    opening = payments.calendar(payments.places[0]).next_opening(datetime.now(UTC))
    assert place["opens"] == (None if place["open"] else opening and opening.isoformat())


def test_the_call_is_one_that_airflow_takes(payments: Service) -> None:
    ((method, url, body),) = curls(PAGE)
    path = urlsplit(url.removeprefix("$AIRFLOW")).path
    assert any(known == method and pattern.fullmatch(path) for known, pattern in airflow_paths())
    assert ChangeRequest.of(payments, body["conf"]).change_request == body["dag_run_id"]
    assert datetime.fromisoformat(body["run_after"]).tzinfo is not None
