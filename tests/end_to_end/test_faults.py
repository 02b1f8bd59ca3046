"""The cloud's faults during releases on a real Airflow; what must hold is read from the sandbox's journal."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from include.local.api import ENDED, AirflowApi
from tests.end_to_end.release import LIMIT_S, Release
from tests.end_to_end.world import BROKEN, NEW, NORTH, OLD, REFRESH_FAULT, STEERED, UNCLEAR, WEST
from tests.sandbox_client import SandboxClient

Fleet = Mapping[str, Release]

# Requests that Airlock sends while the fault plays once: one more where the first one is proved to be void.
ASKED = {"reply_lost": 1, "swap_503_after_done": 1, "swap_conflict": 1, "unavailable_after_swap": 1}


@pytest.fixture(scope="module")
def fleet(api: AirflowApi, sandbox: SandboxClient) -> Fleet:
    """Start one release for each fault, all at once; the pages turn bad when region one was swapped."""
    for fault, params in (STEERED | BROKEN).items():
        often = {} if fault == "warm_up_never_succeeds" else {"times": 1}
        where = {"service": fault, "region": WEST, "operation": "swap"}
        sandbox.fault(fault, where=where, **often, **params)
    sandbox.fault(REFRESH_FAULT, where={"service": REFRESH_FAULT})
    faults = (*UNCLEAR, *BROKEN, *STEERED, REFRESH_FAULT)
    releases = {fault: Release.start(api, sandbox, fault) for fault in faults}
    _spoil_pages(sandbox, {fault: releases[fault] for fault in UNCLEAR})
    return releases


def _spoil_pages(sandbox: SandboxClient, releases: Fleet) -> None:
    """Set each page's fault once the swap itself has ended, so that the proof of it meets the fault."""
    waiting = dict(releases)
    deadline = time.monotonic() + LIMIT_S
    while waiting:
        assert time.monotonic() < deadline, f"not swapped: {sorted(waiting)}"
        for fault, release in list(waiting.items()):
            if any(entry.get("event") == "swap_ended" for entry in release.entries()):
                where = {"service": fault, "region": WEST, "slot": "production"}
                sandbox.fault(fault, where=where, **UNCLEAR[fault])
                del waiting[fault]
        time.sleep(0.05)


@pytest.mark.parametrize("fault", STEERED)
def test_ends_in_exactly_one_net_swap(fleet: Fleet, fault: str) -> None:
    # Given a fault that patience or proof can mend / When the release runs
    release = fleet[fault]
    # Then it is released, its app was swapped once, and no request was sent without need
    assert release.ended() == "success", release.sentence()
    assert (release.builds(), release.switches()) == ((NEW, OLD), [WEST])
    assert len(release.asked()) == ASKED.get(fault, 2)


@pytest.mark.parametrize("fault", [fault for fault in BROKEN if fault != "someone_swaps_back"])
def test_a_swap_that_is_not_done_stops_the_release(fleet: Fleet, fault: str) -> None:
    # Given a swap that does not come to its end / When the release runs
    release = fleet[fault]
    # Then it fails and says where, the old build serves, and region two is left alone
    assert release.ended() == "failed"
    assert f"{NEW} stopped in {WEST}" in release.sentence()
    assert (release.builds(), release.switches()) == ((OLD, NEW), [])
    assert release.asked(region=NORTH) == []
    assert release.builds(NORTH) == (OLD, NEW)


def test_somebody_who_swaps_back_is_not_swapped_against(fleet: Fleet) -> None:
    # Given a person who swaps back right after the swap / When the release runs
    release = fleet["someone_swaps_back"]
    # Then it fails, and Airlock itself swapped only once
    assert release.ended() == "failed"
    assert f"{NEW} stopped in {WEST}" in release.sentence()
    assert (len(release.asked()), release.switches()) == (1, [WEST, WEST])
    assert release.builds() == (OLD, NEW)
    assert release.builds(NORTH) == (OLD, NEW)


@pytest.mark.parametrize("fault", UNCLEAR)
def test_a_page_that_proves_nothing_stops_the_release(fleet: Fleet, fault: str) -> None:
    # Given production's status page that turns bad after the swap, and the policy to halt
    release = fleet[fault]
    # Then the region is not accepted, nothing more is changed, and region two is left alone
    assert release.ended() == "failed"
    assert f"{NEW} stopped in {WEST}" in release.sentence()
    assert (len(release.asked()), release.switches()) == (1, [WEST])
    assert release.builds(NORTH) == (OLD, NEW)
    assert release.state_of(f"{NORTH}.swap") == "upstream_failed"


def test_a_failed_refresh_is_reported_and_undoes_nothing(fleet: Fleet) -> None:
    # Given a deployment to staging that fails after the last region / When the release runs
    release = fleet[REFRESH_FAULT]
    # Then the release stands, staging keeps what it holds, and the verdict says so
    assert release.ended() == "success", release.sentence()
    assert (release.builds(), release.switches()) == ((NEW, OLD), [WEST])
    assert release.state_of(f"refresh.{WEST}") == "failed"
    assert f"{WEST}'s staging could not be refreshed to {NEW}" in release.sentence()


def test_no_fault_was_left_out(fleet: Fleet, sandbox: SandboxClient) -> None:
    # Each fault has really played: a test whose fault meets nothing proves nothing.
    assert {release.ended() for release in fleet.values()} <= ENDED
    played = {fault["fault"] for fault in sandbox.faults() if fault["played"]}
    assert set(fleet) <= played
