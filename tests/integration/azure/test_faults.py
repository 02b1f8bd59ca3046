"""Each fault the cloud can have, and what must hold afterwards, read from the sandbox's own journal."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.model.record import Outcome
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.sandbox_client import SandboxClient

WEST, NORTH, UK = "westeurope", "northeurope", "uksouth"
SWAP = {"service": "payments", "region": NORTH, "operation": "swap"}
PAGE = {"service": "payments", "region": NORTH, "slot": "production"}


def swaps(sandbox: SandboxClient, region: str, by: str = "airlock") -> int:
    """How many swaps took effect in a region, by the platform's own journal."""
    return len(sandbox.events("routing_switched", service="payments", region=region))


def builds(sandbox: SandboxClient, region: str) -> tuple[str, str]:
    return sandbox.build("payments", region), sandbox.build("payments", region, "staging")


def in_flight_never_overlap(sandbox: SandboxClient) -> None:
    """Invariant 1: the regions were asked to swap in their order."""
    order: list[str] = []
    for entry in sandbox.journal(service="payments"):
        if entry.get("operation") == "swap" and entry["region"] not in order:
            order.append(entry["region"])
    assert order == [region for region in (WEST, NORTH, UK) if region in order]


def test_a_release_without_faults(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given three sound regions / When the release runs / Then each was asked to swap once, in order
    release: Rehearsal = rehearse()
    assert release.go()[0] is Outcome.RELEASED
    assert [entry["region"] for entry in sandbox.requests_of("swap")] == [WEST, NORTH, UK]
    for region in (WEST, NORTH, UK):
        assert builds(sandbox, region) == (NEW, OLD)
    in_flight_never_overlap(sandbox)


@pytest.mark.parametrize(
    ("fault", "posts"),
    [
        ({"name": "swap_503_after_done", "where": SWAP, "times": 1}, 1),
        ({"name": "reply_lost", "where": SWAP, "times": 1}, 1),
        ({"name": "connection_dropped", "where": SWAP, "times": 1}, 2),
        ({"name": "throttled", "where": SWAP, "times": 2, "retry_after": 1}, 3),
        ({"name": "conflict_only", "where": SWAP, "times": 1}, 2),
        ({"name": "deployment_in_progress", "where": SWAP, "times": 1}, 2),
        ({"name": "prepared_for_swap", "where": SWAP, "times": 1}, 2),
        ({"name": "swap_ping_failed", "where": SWAP, "times": 1}, 2),
        ({"name": "instances_changed", "where": SWAP, "times": 1}, 2),
        ({"name": "server_error", "where": SWAP, "times": 1, "status": 502}, 2),
        ({"name": "operation_gone", "where": {"service": "payments", "region": NORTH}, "times": 1}, 1),
        ({"name": "swap_conflict", "where": SWAP, "times": 1}, 1),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else str(value),
)
def test_ends_in_exactly_one_net_swap(
    rehearse: Any, sandbox: SandboxClient, fault: dict[str, Any], posts: int
) -> None:
    # Given a fault that patience or proof can mend / When the release runs
    sandbox.fault(**fault)
    release: Rehearsal = rehearse()
    outcome, sentence = release.go()
    # Then it is released, every region swapped exactly once, and no request was sent without need
    assert outcome is Outcome.RELEASED, sentence
    for region in (WEST, NORTH, UK):
        assert (swaps(sandbox, region), builds(sandbox, region)) == (1, (NEW, OLD))
    sent = [
        entry for entry in sandbox.requests_of("swap", region=NORTH) if entry["client"].find("airlock") >= 0
    ]
    assert len(sent) == posts
    in_flight_never_overlap(sandbox)


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "swap_succeeds_without_swapping", "where": SWAP, "times": 1},
        {"name": "worker_not_started", "where": SWAP, "times": 1},
        {"name": "warm_up_never_succeeds", "where": {"service": "payments", "region": NORTH}},
        {"name": "forbidden", "where": SWAP, "times": 1},
        {"name": "token_expired", "where": SWAP, "times": 1},
    ],
    ids=lambda value: value["name"],
)
def test_a_swap_that_did_not_happen_stops_loudly(
    rehearse: Any, sandbox: SandboxClient, fault: dict[str, Any]
) -> None:
    # Given a swap that can't be done / When the release runs
    sandbox.fault(**fault)
    release: Rehearsal = rehearse()
    outcome, sentence = release.go()
    # Then it stops there: region one keeps the new build, region two its old one, region three is untouched
    assert outcome is Outcome.HALTED, sentence
    assert f"stopped in {NORTH}" in sentence
    assert [swaps(sandbox, region) for region in (WEST, NORTH, UK)] == [1, 0, 0]
    assert builds(sandbox, NORTH) == (OLD, NEW)
    assert builds(sandbox, UK) == (OLD, NEW)


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "status_wrong_build", "where": {**PAGE, "build": NEW}},
        {"name": "status_dependency_down", "where": PAGE},
        {"name": "status_flapping", "where": PAGE},
        {"name": "status_slow", "where": PAGE, "delay": 5},
        {"name": "status_huge", "where": PAGE},
        {"name": "status_not_json", "where": PAGE},
        {"name": "status_redirect", "where": PAGE},
        {"name": "status_error", "where": PAGE},
        {"name": "status_empty_dependencies", "where": PAGE},
        {"name": "status_missing_build", "where": PAGE},
    ],
    ids=lambda value: value["name"],
)
def test_a_page_that_proves_nothing_is_never_green(
    rehearse: Any, sandbox: SandboxClient, fault: dict[str, Any]
) -> None:
    # Given a page that turns bad in region two once the new build is in production
    release: Rehearsal = rehearse()
    fault["where"].pop("build", None)
    assert release.step_until(NORTH, "swap")
    sandbox.fault(**fault)
    # When the region is verified / Then it is not accepted
    assert not release.verify(NORTH)
    # And with the page mended it is swapped back and proved
    sandbox.clear_faults()
    assert release.back(NORTH)
    outcome, sentence = release.outcome()
    assert outcome is Outcome.ROLLED_BACK, sentence
    assert builds(sandbox, NORTH) == (OLD, NEW)
    assert swaps(sandbox, NORTH) == 2
    assert builds(sandbox, UK) == (OLD, NEW)
    assert release.ledger.lock() is not None


def test_an_operation_that_never_ends(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a swap that answers 202 and never ends / When the release runs
    sandbox.fault("swap_never_ends", where=SWAP, times=1)
    release: Rehearsal = rehearse()
    outcome, sentence = release.go()
    # Then it stops loudly, and nothing more is sent while the operation runs
    assert outcome is Outcome.HALTED, sentence
    assert "still runs" in sentence or "an operation" in sentence
    assert len(sandbox.requests_of("swap", region=NORTH)) == 1
    assert swaps(sandbox, UK) == 0


def test_somebody_swaps_back_during_the_release(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a person who swaps back right after the swap / When the release runs
    sandbox.fault("someone_swaps_back", where=SWAP, times=1, delay=0.2)
    release: Rehearsal = rehearse()
    outcome, sentence = release.go()
    # Then it is not accepted, the old build is proved, and Airlock itself swapped only once
    assert outcome is Outcome.ROLLED_BACK, sentence
    assert builds(sandbox, NORTH) == (OLD, NEW)
    mine = [entry for entry in sandbox.requests_of("swap", region=NORTH) if "airlock" in entry["client"]]
    assert len(mine) == 1


def test_roll_back_release_brings_back_all_in_reverse(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given region two whose dependency is missing in production, and the policy to bring everything back
    for region in (WEST, NORTH, UK):
        sandbox.stage("payments", region, "2026.11.3")
    release: Rehearsal = rehearse(build="2026.11.3", on_failure="roll_back_release")
    outcome, sentence = release.go()
    # Then both regions are back, last one first, and the third was never touched
    assert outcome is Outcome.ROLLED_BACK, sentence
    assert [entry["region"] for entry in sandbox.requests_of("swap")] == [WEST, NORTH, NORTH, WEST]
    for region in (WEST, NORTH, UK):
        assert builds(sandbox, region) == (OLD, "2026.11.3")
    lock = release.ledger.lock()
    assert lock is not None and lock.kind == "rolled_back"


def test_halt_leaves_everything_and_a_clear_resumes(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a dependency that is down in region two, and the policy to halt
    release: Rehearsal = rehearse(on_failure="halt")
    assert release.step_until(NORTH, "swap")
    sandbox.fault("status_dependency_down", where=PAGE)
    assert not release.verify(NORTH)
    assert not release.back(NORTH)
    assert release.outcome()[0] is Outcome.HALTED
    # Then other releases are kept out, and when it is mended the failed step goes on from there
    with pytest.raises(Exception, match="locked"):
        rehearse(ledger=release.ledger, release="CHG-2").run.not_locked()
    sandbox.clear_faults()
    assert release.verify(NORTH) and release.bake(NORTH) and release.lane(UK)
    assert release.outcome()[0] is Outcome.RELEASED
    assert [swaps(sandbox, region) for region in (WEST, NORTH, UK)] == [1, 1, 1]


def test_after_a_way_back_only_an_unlock_lets_it_resume(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a release that was rolled back in region two
    release: Rehearsal = rehearse()
    assert release.step_until(NORTH, "swap")
    sandbox.fault("status_dependency_down", where=PAGE)
    assert not release.verify(NORTH)
    sandbox.clear_faults()
    assert release.back(NORTH)
    # Then its cleared step is refused until somebody unlocks, and then swaps anew
    assert not release.verify(NORTH)
    assert "locked" in str(release.errors[f"{NORTH}.verify"])
    assert builds(sandbox, NORTH) == (OLD, NEW)
    release.ledger.unlock(by="ann", reason="queue is back", run="unlock-1")
    assert release.verify(NORTH) and release.bake(NORTH) and release.lane(UK)
    assert release.outcome()[0] is Outcome.RELEASED
    assert builds(sandbox, NORTH) == (NEW, OLD)


def test_cleared_steps_of_a_finished_release_change_nothing(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a finished release / When every step is cleared and runs again / Then nothing is sent
    release: Rehearsal = rehearse()
    assert release.go()[0] is Outcome.RELEASED
    before = len(sandbox.requests_of("swap"))
    assert release.go()[0] is Outcome.RELEASED
    assert len(sandbox.requests_of("swap")) == before
