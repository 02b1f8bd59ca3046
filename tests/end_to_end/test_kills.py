"""A step's process is killed at the worst moments: each change is still made exactly once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from include.local.api import AirflowApi
from include.local.stack import LocalStack
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.killing import Kill, carry_out
from tests.end_to_end.release import Release
from tests.end_to_end.world import LEDGER, NEW, NORTH, OLD, WEST
from tests.sandbox_client import SandboxClient

# Longer than anybody needs to find the process.
LONG = 60.0


@dataclass(frozen=True)
class Killed:
    """The releases whose steps were killed, by service."""

    held: Release
    between: Release
    waiting: Release
    worker: Release
    back: Release


@pytest.fixture(scope="module")
def killed(stack: LocalStack, api: AirflowApi, sandbox: SandboxClient) -> Killed:
    """Start five releases at once, each with a fault that holds it at its moment, and kill there."""

    def hold(fault: str, service: str, **params: object) -> None:
        region = NORTH if service in ("kill_held", "kill_between") else WEST
        where = {"service": service, "region": region, "operation": "swap"}
        sandbox.fault(fault, where=where, times=1, **params)

    hold("request_held", "kill_held", delay=LONG)
    hold("slow_answer", "kill_between", delay=LONG)
    hold("swap_never_ends", "kill_waiting", switched=False, seconds=15)
    hold("slow_answer", "kill_back", after=1, delay=LONG)
    sandbox.stage("kill_back", WEST, LEDGER)

    def start(service: str, **conf: str) -> Release:
        return Release.start(api, sandbox, service, **conf)

    runs = Killed(
        held=start("kill_held"),
        between=start("kill_between"),
        waiting=start("kill_waiting"),
        worker=start("kill_worker"),
        back=start("kill_back", build=LEDGER),
    )
    carry_out(
        stack,
        (
            # The intent is stored; the request has left, but nothing is done with it.
            Kill(runs.held, f"{NORTH}.swap", lambda: runs.held.asked(region=NORTH)),
            # The swap runs, and nobody was told.
            Kill(runs.between, f"{NORTH}.swap", lambda: started(runs.between, NORTH) == 1),
            # The operation is being followed.
            Kill(runs.waiting, f"{WEST}.swap", lambda: followed(sandbox, "kill_waiting")),
            # The whole worker, with the process that would report the death.
            Kill(
                runs.worker, f"{WEST}.bake", lambda: runs.worker.state_of(f"{WEST}.bake") == "running", True
            ),
            Kill(runs.back, f"{WEST}.roll_back", lambda: started(runs.back, WEST) == 2),
        ),
    )
    return runs


def started(release: Release, region: str) -> int:
    """How many swaps have started in a region."""
    return len([e for e in release.entries() if e.get("event") == "swap_started" and e["region"] == region])


def baking(release: Release) -> bool:
    """Whether region one is being baked."""
    return release.state_of(f"{WEST}.bake") == "running"


def followed(sandbox: SandboxClient, service: str) -> int:
    """How often the address of an operation was asked for its result."""
    count: int = sandbox.counts()["services"].get(service, {}).get("operation_result", 0)
    return count


def test_between_intent_and_request(killed: Killed) -> None:
    # Given a process killed after the intent was stored, before the platform took up the request
    release = killed.held
    # Then a new one proves that nothing was done, and asks once more: one swap
    assert release.ended() == "success", release.sentence()
    assert [entry["status"] for entry in release.asked(region=NORTH)] == [None, 202]
    assert release.switches() == [WEST, NORTH]
    assert release.builds(NORTH) == (NEW, OLD)
    release.assert_one_region_in_flight()


def test_between_request_and_reply(killed: Killed) -> None:
    # Given a process killed while the swap ran, before its answer came
    release = killed.between
    # Then a new one finds the swap and adopts it: it is asked for once
    assert release.ended() == "success", release.sentence()
    assert len(release.asked(region=NORTH)) == 1
    assert release.switches() == [WEST, NORTH]
    assert release.builds(NORTH) == (NEW, OLD)
    release.assert_one_region_in_flight()


def test_while_waiting_for_the_swap(killed: Killed) -> None:
    # Given a process killed while it followed the operation
    release = killed.waiting
    # Then a new one goes on following
    assert release.ended() == "success", release.sentence()
    assert (len(release.asked()), release.switches()) == (1, [WEST])
    assert release.tries_of(f"{WEST}.swap") == 2


def test_a_worker_that_dies_while_baking(killed: Killed) -> None:
    # Given a worker killed with its task, so that nobody reports the death
    release = killed.worker
    # Then the step is run again, and nothing is changed again
    assert release.ended() == "success", release.sentence()
    assert release.tries_of(f"{WEST}.bake") == 2
    assert (len(release.asked()), release.switches()) == (1, [WEST])


def test_on_the_way_back(killed: Killed) -> None:
    # Given a build that loses a dependency in production, and a process killed while it swapped back
    release = killed.back
    # Then a new one finds that swap: there and back, once each
    assert release.ended() == "failed"
    assert f"{WEST} was brought back and {OLD} serves again" in release.sentence()
    assert (len(release.asked()), release.switches()) == (2, [WEST, WEST])
    assert release.builds() == (OLD, LEDGER)


def test_the_scheduler_is_killed(stack: LocalStack, api: AirflowApi, sandbox: SandboxClient) -> None:
    # Given a release whose swap of region one runs
    where = {"service": "crash", "region": WEST, "operation": "swap"}
    sandbox.fault("swap_never_ends", where=where, times=1, switched=False, seconds=5)
    release = Release.start(api, sandbox, "crash")
    wait_for("the swap", lambda: release.asked(region=WEST), timeout_s=120)
    # When the scheduler dies with all its workers, and another one is started
    stack.restart("scheduler")
    # Then the release goes on where it was
    assert release.ended() == "success", release.sentence()
    assert release.switches() == [WEST, NORTH]
    assert len(release.asked()) == 2
    release.assert_one_region_in_flight()
