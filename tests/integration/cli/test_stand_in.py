"""The stand-in answers as Airflow's own OpenAPI describes, and is asked only what that knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.integration.cli.airflow_stand_in import (
    DONE,
    Json,
    StandIn,
    Story,
    dag_run,
    lane,
    question,
    step,
    xcom_entry,
)

Airlock = Callable[..., tuple[int, str, str]]


@cache
def described() -> Json:
    """Airflow's description of its public API."""
    import airflow

    folder = Path(airflow.__file__).parent / "api_fastapi" / "core_api" / "openapi"
    text = (folder / "v2-rest-api-generated.yaml").read_text(encoding="utf-8")
    found: Json = yaml.load(text, Loader=yaml.CSafeLoader)
    return found


def check(schema: str, value: Any) -> None:
    """Raise unless a value is as the component of that name."""
    root = {"$ref": f"#/components/schemas/{schema}", "components": described()["components"]}
    Draft202012Validator(root).validate(value)


def test_what_the_stand_in_answers_is_as_described() -> None:
    story = Story("CHG-1", {"build": "2026.11.2"}, [("running", lane("westeurope", *DONE))])

    check("DAGRunResponse", dag_run("release_payments", story))
    check("DAGRunCollectionResponse", {"dag_runs": [dag_run("release_payments", story)], "total_entries": 1})
    check("TaskInstanceCollectionResponse", {"task_instances": story.page[1], "total_entries": 5})
    check("TaskInstanceResponse", step("verdict", None))
    check("XComResponseNative", xcom_entry({"key": "verdict", "task": "verdict", "dag": "d", "run": "r"}, {}))
    check("HITLDetailCollection", {"hitl_details": [question("approve", ["Approve"])], "total_entries": 1})
    frame = {"event": "failed", "error_detail": [{"exc_type": "RequestError", "exc_value": "why"}]}
    check("TaskInstancesLogResponse", {"content": [frame], "continuation_token": None})


def test_what_is_asked_is_as_described(airflow: StandIn, airlock: Airlock) -> None:
    airlock("release", "payments", "2026.11.2", "--change-request", "CHG-1", "--at", "2099-01-01T20:00Z")
    airlock("watch", "paymnts")
    airflow.stories["release_payments"][0].questions = [question("approve", ["Approve", "Reject"])]
    airlock("approve", "payments", "CHG-1", "--answer", "approve")

    (body,) = airflow.posted()
    check("TriggerDAGRunPostBody", body)
    (answer,) = [body for method, _, body in airflow.asked if method == "PATCH"]
    check("UpdateHITLDetailPayload", answer)
    paths = [
        (method.upper(), re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))))
        for path, methods in described()["paths"].items()
        for method in methods
    ]
    for method, path, _ in airflow.asked:
        known = any(verb == method and pattern.fullmatch(path) for verb, pattern in paths)
        assert known or path == "/auth/token", path


@pytest.mark.parametrize("name", ["order_by", "limit", "state"])
def test_the_runs_can_be_filtered_as_they_are(name: str) -> None:
    asked = described()["paths"]["/api/v2/dags/{dag_id}/dagRuns"]["get"]["parameters"]
    assert name in {each["name"] for each in asked}
