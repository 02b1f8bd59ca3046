"""What somebody types is limited at the form, and rendered as a template nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.dag_processing.dagbag import DagBag


def test_no_step_has_templates(bag: DagBag) -> None:
    """Given all DAGs, then no field of any step is one that Airflow renders with Jinja."""
    found = {
        f"{dag.dag_id}.{task.task_id}": list(task.template_fields)
        for dag in bag.dags.values()
        for task in dag.tasks
        if task.template_fields
    }
    assert found == {}
    assert bag.dags


def test_every_text_of_a_form_has_its_limit(bag: DagBag) -> None:
    """Given all forms, then Airflow itself refuses a text that is too long, before anything starts."""
    unlimited = [
        f"{dag.dag_id}: {name}"
        for dag in bag.dags.values()
        for name in dag.params
        if not _limited(dag.params.get_param(name).schema)
    ]
    assert unlimited == []


def _limited(schema: Mapping[str, Any]) -> bool:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "array" in kinds:
        return schema.get("uniqueItems") is True and "enum" in schema["items"]
    return "string" not in kinds or bool({"maxLength", "enum"} & set(schema))
