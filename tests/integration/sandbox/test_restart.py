"""What clients see while an app restarts; the start takes long enough here to be looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox_client import SandboxClient, SandboxRun

WHERE = ("payments", "westeurope")
SLOW = {
    "timings": {"restart": 1.5, "apply_settings": 0, "warm_up": 0, "switch_to_end": 0},
    "services": {"catalog": None, "identity": None},
    "limits": {"on": False},
    "protocol": {"retry_after": 0, "operation_kept": 2},
}


@pytest.fixture(scope="module")
def slow_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox whose apps take a second and a half to start."""
    run = SandboxRun(tmp_path_factory.mktemp("slow"), SLOW)
    yield run
    assert run.stop() == 0


@pytest.fixture
def slow(slow_run: SandboxRun) -> SandboxClient:
    """It, at its start."""
    slow_run.client.reset()
    return slow_run.client


@pytest.mark.parametrize("synchronous", ["true", "false"])
def test_a_restart_takes_the_app_through_starting(slow: SandboxClient, synchronous: str) -> None:
    # When production is restarted
    path = f"{slow.resource(*WHERE)}/restart?synchronous={synchronous}&api-version=2025-05-01"
    assert slow.arm("POST", path).status_code == 200
    # Then it is starting, and answers 503, unless the answer waited for its start
    page, home = slow.status(*WHERE), slow.get(*WHERE)
    expected = ("running", 200) if synchronous == "true" else ("starting", 503)
    assert (page["state"], home.status_code) == expected
    slow.wait_until(lambda: slow.get(*WHERE).status_code == 200)


def test_the_source_of_a_swap_restarts_and_the_target_does_not(slow: SandboxClient) -> None:
    # When staging is swapped into production
    accepted = slow.post_swap(*WHERE)
    slow.wait_until(lambda: slow.events("restarted"))
    # Then staging is starting and production serves on
    assert slow.status(*WHERE, "staging")["state"] == "starting"
    assert slow.get(*WHERE).status_code == 200
    # And once the routing has switched, the old build restarts in staging, and production serves on
    slow.wait_until(lambda: slow.events("routing_switched"))
    slow.wait_until(lambda: len(slow.events("restarted")) == 2)
    page = slow.status(*WHERE, "staging")
    assert (page["build"], page["state"]) == ("2026.11.1", "starting")
    assert slow.get(*WHERE).json()["build"] == "2026.11.2"
    # And the operation ends when it has started there
    assert slow.follow(accepted).status_code == 200
    assert slow.status(*WHERE, "staging")["state"] == "running"


def test_production_as_the_source_of_a_swap_is_disturbed(slow: SandboxClient) -> None:
    # When the swap is asked for the wrong way round: production is the source, staging the target
    path = slow.resource(*WHERE) + "/slotsswap"
    accepted = slow.arm("POST", path, json={"targetSlot": "staging", "preserveVnet": True})
    slow.wait_until(lambda: slow.events("restarted"))
    # Then production's clients see its restart
    assert slow.get(*WHERE).status_code == 503
    assert slow.follow(accepted).status_code == 200
    assert slow.get(*WHERE).json()["build"] == "2026.11.2"


def test_the_result_of_an_operation_expires(slow: SandboxClient) -> None:
    # Given a swap whose result is kept for two seconds
    accepted = slow.post_swap(*WHERE)
    address = accepted.headers["Location"]
    slow.wait_until(lambda: slow.arm("GET", address).status_code == 404)
    # Then it was done all the same, and the answer is App Service's
    assert slow.get(*WHERE).json()["build"] == "2026.11.2"
    assert slow.arm("GET", address).json()["Code"] == "NotFound"
