"""The shipped example under load, and what may be done to a release that runs or has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from include.local.api import AirflowApi, ApiError
from include.local.load_unit import LoadUnit
from include.local.stack import LocalStack
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.release import Release, moments
from tests.end_to_end.telling import assert_told
from tests.end_to_end.world import LATER, NEW, NORTH, OLD, UK, WEST
from tests.sandbox_client import SandboxClient

REGIONS = [WEST, NORTH, UK]
BAKE_S = 2.0
"""The bake time of the shipped example."""


@dataclass(frozen=True)
class Released:
    """The shipped example after its release, and what its clients saw meanwhile."""

    release: Release
    state: str
    load: dict[str, Any]


@pytest.fixture(scope="module")
def payments(stack: LocalStack, api: AirflowApi, sandbox: SandboxClient) -> Released:
    """Release payments in its three regions while clients call every host of it."""
    load = LoadUnit(stack, "payments", "release")
    load.start()
    try:
        release = Release.start(
            api, sandbox, "payments", run_id="CHG-1001", change_request="CHG-1001", reason="faster receipts"
        )
        state = release.ended()
    finally:
        report = load.stop()
    return Released(release, state, report)


def test_region_after_region_each_swapped_once(payments: Released) -> None:
    release = payments.release
    assert payments.state == "success", release.sentence()
    assert release.switches() == REGIONS
    assert len(release.asked()) == len(REGIONS)
    release.assert_one_region_in_flight()


def test_no_region_starts_before_the_one_before_has_baked(payments: Released) -> None:
    entries = payments.release.entries()
    begun, ended = moments(entries, "swap_started"), moments(entries, "swap_ended")
    assert begun[NORTH] - ended[WEST] >= BAKE_S
    assert begun[UK] - ended[NORTH] >= BAKE_S


def test_no_client_saw_a_failure(payments: Released) -> None:
    load = payments.load
    assert load["failed"] == 0, {host: seen["failures"] for host, seen in load["hosts"].items()}
    for region in REGIONS:
        seen = load["hosts"][f"payments/{region}"]
        assert set(seen["builds"]) == {OLD, NEW}, region
        assert seen["requests"] > 100


def test_staging_keeps_the_way_back_until_all_is_accepted(payments: Released) -> None:
    release = payments.release
    deploys = release.asked("one_deploy")
    assert sorted(entry["region"] for entry in deploys) == sorted(REGIONS)
    assert {entry["slot"] for entry in deploys} == {"staging"}
    last = max(moments(release.entries(), "swap_ended").values())
    assert all(entry["at"] >= last + BAKE_S for entry in deploys)
    assert [release.builds(region) for region in REGIONS] == [(NEW, NEW)] * 3


def test_one_message_is_edited_and_the_end_is_noticed(payments: Released) -> None:
    assert_told(payments.release, NEW, REGIONS, (OLD, "CHG-1001", "faster receipts"))


def test_the_same_run_id_again_is_refused(payments: Released, api: AirflowApi) -> None:
    before = payments.release.changes()
    with pytest.raises(ApiError) as refused:
        api.trigger_run("release_payments", {"build": NEW}, run_id="CHG-1001")
    assert refused.value.status == 409
    assert payments.release.changes() == before


def test_steps_cleared_by_hand_after_success_change_nothing(payments: Released) -> None:
    # Given a release that has ended well
    release = payments.release
    before = release.changes()
    # When a person clears its first region's steps, and with them all that follow
    assert f"{WEST}.swap" in release.clear(f"{WEST}.check")
    # Then all of them run again, and nothing is asked of the cloud
    assert release.ended() == "success", release.sentence()
    assert release.tries_of(f"{WEST}.swap") > 1
    assert release.changes() == before
    assert [release.builds(region) for region in REGIONS] == [(NEW, NEW)] * 3


def test_only_the_asked_regions_in_the_order_of_the_spec(api: AirflowApi, sandbox: SandboxClient) -> None:
    # Given two of three regions, asked for in another order / When they are released
    release = Release.start(api, sandbox, "subset", regions=[UK, WEST])
    assert release.ended() == "success", release.sentence()
    # Then the spec's order holds, and the third is left alone
    assert release.switches() == [WEST, UK]
    assert [release.builds(region) for region in REGIONS] == [(NEW, OLD), (OLD, NEW), (NEW, OLD)]
    assert release.state_of(f"{NORTH}.swap") == "skipped"
    release.assert_one_region_in_flight()


def test_a_second_release_waits_its_turn(api: AirflowApi, sandbox: SandboxClient) -> None:
    # Given a release whose swap takes a while, and which leaves the next build in staging
    where = {"service": "queued", "operation": "swap"}
    sandbox.fault("swap_never_ends", where=where, times=1, switched=False, seconds=10)
    first = Release.start(api, sandbox, "queued", refresh_build=LATER)
    wait_for("the first swap", first.asked, timeout_s=120)
    # When a second one is asked for
    second = Release.start(api, sandbox, "queued", build=LATER)
    assert api.run_state(second.dag, second.run_id) == "queued"
    assert first.ended() == "success", first.sentence()
    assert second.ended() == "success", second.sentence()
    # Then it asked for nothing before the first one had ended, and both were done
    begun = [entry["at"] for entry in first.entries() if entry.get("event") == "swap_started"]
    refreshed = [entry["at"] for entry in first.asked("one_deploy")]
    assert (len(begun), begun[1] > refreshed[0]) == (2, True)
    assert first.builds()[0] == LATER
    # And people were told of it
    one, two = first.messages()[0], second.messages()[0]
    assert "1 more release waits its turn behind this one" in "\n".join([one["text"], *one["edits"]])
    shown = str(two["blocks"])
    assert "waited" in shown and "for its turn" in shown
