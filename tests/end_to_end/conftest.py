"""One real Airflow with the sandbox for all end-to-end tests of a session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from include.local.api import AirflowApi
from include.local.home import Home
from include.local.stack import LocalStack
from tests.end_to_end import project
from tests.sandbox_client import SandboxClient

# What a killed scheduler leaves behind is found after seconds; DAG files do not change while the tests run.
# The limits after which something counts as dead stay as they are: a busy machine is not a dead one.
QUICK = {
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    # Two people; and a question that nobody answers in time is over after a second, not after 15.
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,ann:op",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "1",
    # But for specs that a test changes, and asks Airflow to read: what is stored of them follows at once.
    "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Airflow with the project's own DAGs and those of `project`, and the sandbox; started once."""
    dags = tmp_path_factory.mktemp("project") / "dags"
    project.write_dags(dags)
    home = Home(tmp_path_factory.mktemp("stack"))
    settings = project.sandbox_settings()
    with LocalStack(
        home, dags=dags, sandbox_settings=settings, extra_environment=QUICK, keep=False
    ) as running:
        yield running


@pytest.fixture(scope="session")
def api(stack: LocalStack) -> AirflowApi:
    """Airflow's REST API, as the administrator."""
    return stack.api


@pytest.fixture(scope="session")
def sandbox(stack: LocalStack) -> SandboxClient:
    """The sandbox behind that Airflow. It is never put back: releases of several tests run at once."""
    return SandboxClient(stack.endpoints)


def wait_for(what: str, look: Callable[[], Any], *, timeout_s: float = 60.0, every_s: float = 0.1) -> Any:
    """Look until the answer is true and return it; after `timeout_s` seconds the test fails."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout_s:.0f} s in vain for {what}; the last look gave {found!r}")
        time.sleep(every_s)
    return found
