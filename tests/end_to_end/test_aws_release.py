"""The shipped examples on EC2 machines under load: machine by machine, and from one group to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from include.local.api import AirflowApi
from include.local.load_unit import LoadUnit
from include.local.stack import LocalStack
from include.local.turns import LEAVE, RUN
from tests.end_to_end.aws_world import PLACE, REGION
from tests.end_to_end.back import Back
from tests.end_to_end.farm import Farm, asked, assert_one_deploy_at_a_time
from tests.end_to_end.pair import Pair
from tests.end_to_end.release import Release
from tests.end_to_end.telling import assert_told
from tests.end_to_end.world import NEW, OLD
from tests.sandbox_client import SandboxClient

Standings = dict[str, dict[str, str]]
ROLLED, SWITCHED = "CHG-3001", "CHG-3002"


@dataclass(frozen=True)
class Examples:
    """Both examples after their releases, and what clients saw meanwhile, by service."""

    checkout: Release
    search: Release
    before: Standings
    load: dict[str, Any]


@pytest.fixture(scope="module")
def examples(stack: LocalStack, api: AirflowApi, sandbox: SandboxClient) -> Examples:
    """Release checkout's production farm and search at once, while clients call every load balancer."""
    before = Farm(sandbox, "checkout").standings()
    loads = {service: LoadUnit(stack, service, service) for service in ("checkout", "search")}
    for load in loads.values():
        load.start()
    try:
        # In the example's order staging comes first: here production alone is asked for.
        checkout = _start(api, sandbox, "checkout", ROLLED, regions=[PLACE])
        search = _start(api, sandbox, "search", SWITCHED)
        for release in (checkout, search):
            release.ended()
    finally:
        reports = {service: load.stop() for service, load in loads.items()}
    return Examples(checkout, search, before, reports)


def _start(api: AirflowApi, sandbox: SandboxClient, service: str, change: str, **conf: Any) -> Release:
    return Release.start(api, sandbox, service, run_id=change, change_request=change, reason="faster", **conf)


@pytest.fixture
def farm(sandbox: SandboxClient) -> Farm:
    """The farm production of checkout."""
    return Farm(sandbox, "checkout")


@pytest.fixture
def pair(sandbox: SandboxClient) -> Pair:
    """The two groups of search."""
    return Pair(sandbox, "search")


def test_each_machine_leaves_and_returns_once_never_two_at_once(examples: Examples, farm: Farm) -> None:
    release = examples.checkout
    assert release.ended() == "success", release.sentence()
    entries = release.entries()
    turns = farm.assert_each_left_and_returned(entries)
    assert turns.asked == dict.fromkeys(farm.places, 1)
    assert turns.deployed == {machine: [NEW] for machine in farm.machines}
    assert [entry["machines"] for entry in asked(entries, RUN)] == [[machine] for machine in farm.machines]
    assert_one_deploy_at_a_time(entries)


def test_every_machine_is_back_exactly_where_it_was(examples: Examples, farm: Farm) -> None:
    # In a target group and in a classic load balancer at once, with the port that it had
    assert [len(targets) for targets in examples.before.values()] == [2, 2]
    assert farm.standings() == examples.before
    assert farm.builds() == [NEW, NEW]


@pytest.mark.parametrize("service", ["checkout", "search"])
def test_no_client_saw_a_failure(examples: Examples, service: str) -> None:
    load = examples.load[service]
    assert load["failed"] == 0, {host: seen["failures"] for host, seen in load["hosts"].items()}
    for host, seen in load["hosts"].items():
        assert seen["requests"] > 100
        # Draining was put to the test: long requests were in flight.
        assert seen["slow_requests"] > 0
        assert set(seen["builds"]) == ({OLD} if "staging" in host else {OLD, NEW}), host


def test_a_farm_that_was_not_asked_for_is_left_alone(
    examples: Examples, farm: Farm, sandbox: SandboxClient
) -> None:
    assert examples.checkout.state_of(f"{REGION}.staging.roll") == "skipped"
    assert Farm(sandbox, "checkout", "staging").builds() == [OLD, OLD]
    machines = {machine for entry in examples.checkout.changes() for machine in entry["machines"]}
    assert machines == set(farm.machines)


def test_weights_rise_step_by_step(examples: Examples, pair: Pair) -> None:
    # Given two groups, of which blue is live / When the release ends
    assert examples.search.ended() == "success", examples.search.sentence()
    # Then green joined at weight 0 and got its share in three steps, each asked for once
    assert pair.shares(examples.search) == [0, 10, 50, 100]
    assert len(pair.modified(examples.search)) == 4
    assert pair.answers() == {NEW}


def test_the_old_group_stays_warm_and_no_machine_left(examples: Examples, pair: Pair) -> None:
    assert (pair.builds_of("blue"), pair.builds_of("green")) == ({OLD}, {NEW})
    assert pair.states_of("blue") == pair.states_of("green") == {"healthy"}
    assert [entry for entry in examples.search.changes() if entry["operation"] in LEAVE] == []


def test_people_are_told_as_with_every_strategy(examples: Examples) -> None:
    assert_told(examples.checkout, NEW, [PLACE], (OLD, ROLLED, "faster"))
    assert_told(examples.search, NEW, [REGION], (OLD, SWITCHED, "faster"))


def test_steps_cleared_by_hand_after_success_change_nothing(examples: Examples, pair: Pair) -> None:
    # Given two releases that have ended well
    changes = {release: release.changes() for release in (examples.checkout, examples.search)}
    shares = pair.shares(examples.search)
    # When a person clears their steps / Then all of them run again, and nothing is asked of the cloud
    assert f"{PLACE}.roll" in examples.checkout.clear(f"{PLACE}.check")
    assert f"{REGION}.switch" in examples.search.clear(f"{REGION}.check")
    for release, before in changes.items():
        assert release.ended() == "success", release.sentence()
        assert release.changes() == before
    assert examples.checkout.tries_of(f"{PLACE}.roll") > 1
    assert pair.shares(examples.search) == shares


def test_both_are_undone_in_one_act(examples: Examples, farm: Farm, pair: Pair) -> None:
    """Comes last: it takes away what the tests above look at."""
    # Given two releases that have ended well / When both are undone at once
    since = farm.sandbox.journal()[-1]["n"]
    presses = [Back.press(each, f"{each.run_id}-back") for each in (examples.checkout, examples.search)]
    for press in presses:
        assert press.ended() == "success", press.sentence()
    # Then each machine of the farm left once more and came back with the old build
    turns = farm.assert_each_left_and_returned(farm.sandbox.journal(since=since))
    assert turns.deployed == {machine: [OLD] for machine in farm.machines}
    assert farm.standings() == examples.before and farm.builds() == [OLD, OLD]
    # And the weights went back in one call, without a deploy
    assert pair.shares(examples.search)[-2:] == [100, 0]
    assert len(pair.modified(examples.search)) == 5
    assert (pair.answers(), pair.builds_of("green")) == ({OLD}, {NEW})
