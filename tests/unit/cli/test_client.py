"""The command line loads of Airflow's client what it uses, and starts quickly."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.pages import ROOT

LOADS = """
import sys
from include.airlock.cli.access import Access
from include.airlock.cli.airflow import Airflow
Airflow(Access("http://127.0.0.1:9", token="x"))
from airflow_client.client.api.{module} import {name}
print(sum(each.startswith("airflow_client.client.models.") for each in sys.modules))
print(*[each for each in sys.modules if each.startswith("airflow_client.client.api.")])
"""


def run(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("dag_api", "DAGApi"),
        ("dag_run_api", "DagRunApi"),
        ("task_instance_api", "TaskInstanceApi"),
        ("x_com_api", "XComApi"),
    ],
)
def test_one_endpoint_does_not_bring_all(module: str, name: str) -> None:
    models, endpoints = run(LOADS.format(module=module, name=name))

    assert int(models) < 80
    assert endpoints == f"airflow_client.client.api.{module}"


@pytest.mark.parametrize("module", ["main", "windows", "validating", "scaffold"])
def test_what_needs_no_airflow_loads_neither_it_nor_its_client(module: str) -> None:
    (found,) = run(
        f"import sys, include.airlock.cli.{module}\n"
        "print([each for each in sys.modules if each.split('.')[0] in ('airflow', 'airflow_client', 'rich')])"
    )

    assert found == "[]"


@pytest.mark.parametrize("module", ["releasing", "planning", "approving", "acts"])
def test_what_needs_airflow_does_not_load_its_client_for_help(module: str) -> None:
    (found,) = run(
        f"import sys, include.airlock.cli.{module}\n"
        "print([each for each in sys.modules if each.split('.')[0] in ('airflow', 'airflow_client')])"
    )

    assert found == "[]"
