"""One real Airflow with the sandbox for all end-to-end tests of a session."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from include.local.api import AirflowApi
from include.local.home import Home
from include.local.stack import LocalStack
from tests.sandbox_client import SandboxClient


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Airflow with the project's own DAGs, and the sandbox; started once."""
    with LocalStack(Home(tmp_path_factory.mktemp("stack")), keep=False) as running:
        yield running


@pytest.fixture(scope="session")
def api(stack: LocalStack) -> AirflowApi:
    """Airflow's REST API, as the administrator."""
    return stack.api


@pytest.fixture
def sandbox(stack: LocalStack) -> SandboxClient:
    """The sandbox behind that Airflow, put back to its start."""
    client = SandboxClient(stack.endpoints)
    client.reset()
    return client


def wait_for(what: str, look: Callable[[], Any], *, timeout_s: float = 60.0, every_s: float = 0.1) -> Any:
    """Look until the answer is true and return it; after `timeout_s` seconds the test fails."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout_s:.0f} s in vain for {what}; the last look gave {found!r}")
        time.sleep(every_s)
    return found
