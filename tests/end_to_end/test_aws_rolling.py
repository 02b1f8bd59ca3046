"""The shipped example on EC2 machines under load: each leaves its load balancers once, and comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from include.local.api import AirflowApi
from include.local.load_unit import LoadUnit
from include.local.stack import LocalStack
from include.local.turns import RUN
from tests.end_to_end.aws_world import PLACE, REGION
from tests.end_to_end.farm import Farm, asked, assert_one_deploy_at_a_time
from tests.end_to_end.release import Release
from tests.end_to_end.telling import assert_told
from tests.end_to_end.world import NEW, OLD
from tests.sandbox_client import SandboxClient

CHANGE = "CHG-3001"
STAGING = f"{REGION}.staging"


@dataclass(frozen=True)
class Rolled:
    """The shipped example after the release of its production farm, and what its clients saw meanwhile."""

    release: Release
    farm: Farm
    before: dict[str, dict[str, str]]
    state: str
    load: dict[str, Any]


@pytest.fixture(scope="module")
def checkout(stack: LocalStack, api: AirflowApi, sandbox: SandboxClient) -> Rolled:
    """Release checkout's production farm while clients call every load balancer of it."""
    farm = Farm(sandbox, "checkout")
    before = farm.standings()
    load = LoadUnit(stack, "checkout", "roll")
    load.start()
    try:
        release = Release.start(
            api,
            sandbox,
            "checkout",
            run_id=CHANGE,
            change_request=CHANGE,
            reason="a quicker basket",
            regions=[PLACE],
        )
        state = release.ended()
    finally:
        report = load.stop()
    return Rolled(release, farm, before, state, report)


def test_each_machine_leaves_and_returns_once_never_two_at_once(checkout: Rolled) -> None:
    release, farm = checkout.release, checkout.farm
    assert checkout.state == "success", release.sentence()
    entries = release.entries()
    turns = farm.assert_each_left_and_returned(entries)
    assert turns.asked == dict.fromkeys(farm.places, 1)
    assert turns.deployed == {machine: [NEW] for machine in farm.machines}
    assert [entry["machines"] for entry in asked(entries, RUN)] == [[machine] for machine in farm.machines]
    assert_one_deploy_at_a_time(entries)


def test_everybody_is_back_exactly_where_they_were(checkout: Rolled) -> None:
    # A target group and a classic load balancer at once, with the port that each machine had
    farm = checkout.farm
    assert [len(targets) for targets in checkout.before.values()] == [2, 2]
    assert farm.standings() == checkout.before
    assert farm.builds() == [NEW, NEW]


def test_no_client_of_either_load_balancer_saw_a_failure(checkout: Rolled) -> None:
    load = checkout.load
    assert load["failed"] == 0, {host: seen["failures"] for host, seen in load["hosts"].items()}
    for balancer in checkout.farm.told["public"]:
        seen = load["hosts"][f"checkout/{REGION}/production/{balancer}"]
        assert set(seen["builds"]) == {OLD, NEW}, balancer
        assert seen["requests"] > 100
        # Draining was put to the test: long requests were in flight.
        assert seen["slow_requests"] > 0


def test_the_farm_that_was_not_asked_for_is_left_alone(checkout: Rolled, sandbox: SandboxClient) -> None:
    staging = Farm(sandbox, "checkout", "staging")
    assert checkout.release.state_of(f"{STAGING}.roll") == "skipped"
    assert staging.builds() == [OLD, OLD]
    machines = {machine for entry in checkout.release.changes() for machine in entry["machines"]}
    assert machines == set(checkout.farm.machines)


def test_people_are_told_as_with_every_strategy(checkout: Rolled) -> None:
    assert_told(checkout.release, NEW, [PLACE], (OLD, CHANGE, "a quicker basket"))


def test_steps_cleared_by_hand_after_success_change_nothing(checkout: Rolled) -> None:
    # Given a release that has ended well
    release = checkout.release
    before = release.changes()
    # When a person clears its steps / Then all of them run again, and nothing is asked of the cloud
    assert f"{PLACE}.roll" in release.clear(f"{PLACE}.check")
    assert release.ended() == "success", release.sentence()
    assert release.tries_of(f"{PLACE}.roll") > 1
    assert release.changes() == before
