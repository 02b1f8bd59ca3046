"""The sandbox that the integration tests share, put back to its start for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from include.local.connections import airflow_connections, as_environment
from tests.sandbox_client import SandboxClient, SandboxRun

FAST: dict[str, Any] = {
    "speed": 10,
    "protocol": {"retry_after": 0, "drain": 5},
    "limits": {"on": False},
}
"""A swap in 0.4 s, polled without pauses, with no limit on calls."""


@pytest.fixture(scope="session")
def sandbox_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """One sandbox for all tests of this process."""
    run = SandboxRun(tmp_path_factory.mktemp("sandbox"), FAST)
    yield run
    assert run.stop() == 0


@pytest.fixture
def sandbox(sandbox_run: SandboxRun) -> SandboxClient:
    """The shared sandbox, at its start: no faults, an empty journal, every app as configured."""
    sandbox_run.client.reset()
    return sandbox_run.client


@pytest.fixture
def connections(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox's endpoints as Airflow connections."""
    for name, value in as_environment(airflow_connections(sandbox.endpoints)).items():
        monkeypatch.setenv(name, value)
