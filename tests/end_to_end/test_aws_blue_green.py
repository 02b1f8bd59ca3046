"""Two target groups behind one listener: weights move step by step, and back in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import requests

from include.local.api import AirflowApi
from include.local.load_unit import LoadUnit
from include.local.stack import LocalStack
from include.local.turns import LEAVE
from tests.end_to_end.aws_world import REGION, TURNED
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.farm import Farm, asked
from tests.end_to_end.release import Release
from tests.end_to_end.telling import assert_told
from tests.end_to_end.world import NEW, OLD
from tests.sandbox_client import Json, SandboxClient

MODIFY = "elasticloadbalancing:ModifyListener"
LIMIT_S = 180.0


@dataclass(frozen=True)
class Pair:
    """A release of the service, its two groups and what its clients saw, if there were any."""

    release: Release
    farm: Farm
    state: str
    load: dict[str, Any]

    def shares(self) -> list[int]:
        """The percentages of the requests that green was routed, in order."""
        listener = self.farm.told["listener"]
        changes = self.release.sandbox.journal(event="listener_changed", since=self.release.since)
        return [green_share(self.farm, entry) for entry in changes if entry["listener"] == listener]

    def modified(self) -> list[Json]:
        """The requests that changed its listener, in order."""
        return [entry for entry in self.asked_anywhere() if self.farm.told["listener"] in str(entry["body"])]

    def asked_anywhere(self) -> list[Json]:
        """Every change of a listener: AWS's request names no machine and no group of it."""
        return asked(self.release.sandbox.journal(since=self.release.since), MODIFY)

    def members(self, colour: str) -> set[str]:
        """The states of one group's targets."""
        return set(self.farm.standings()[f"{self.farm.service}-{colour}"].values())


def green_share(farm: Farm, told: Json) -> int:
    """Percent of the requests for green, by weights as the sandbox tells them."""
    weights: dict[str, int] = told["weights"]
    return 100 * weights.get(farm.told["target_groups"][f"{farm.service}-green"], 0) // sum(weights.values())


@pytest.fixture(scope="module")
def search(stack: LocalStack, api: AirflowApi, sandbox: SandboxClient) -> Pair:
    """Release the shipped example while clients call its load balancer."""
    load = LoadUnit(stack, "search", "switch")
    load.start()
    try:
        release = Release.start(
            api, sandbox, "search", run_id="CHG-3002", change_request="CHG-3002", reason="finds more"
        )
        state = release.ended()
    finally:
        report = load.stop()
    return Pair(release, Farm(sandbox, "search"), state, report)


@pytest.fixture(scope="module")
def back(api: AirflowApi, sandbox: SandboxClient) -> Pair:
    """Release a build that turns bad when half of the requests go to it."""
    release = Release.start(api, sandbox, TURNED)
    farm = Farm(sandbox, TURNED)
    listener = farm.told["listener"]
    green = sorted(target.partition(":")[0] for target in farm.standings()[f"{TURNED}-green"])

    def half() -> bool:
        return green_share(farm, sandbox.aws_state("listeners")[listener]) == 50

    wait_for("half of the requests on green", half, timeout_s=LIMIT_S)
    faults = [sandbox.fault("machine_sick", where={"machine": machine}) for machine in green]
    state = release.ended()
    for fault in faults:
        sandbox.clear_faults(fault["id"])
    return Pair(release, farm, state, {})


def test_weights_rise_step_by_step(search: Pair) -> None:
    # Given two groups, of which blue is live / When the release ends
    assert search.state == "success", search.release.sentence()
    # Then green joined at weight 0 and got its share in three steps, each asked for once
    assert search.shares() == [0, 10, 50, 100]
    assert len(search.modified()) == 4


def test_the_answers_are_the_new_builds(search: Pair) -> None:
    (url,) = search.farm.told["public"].values()
    builds = {requests.get(url, timeout=10).json()["build"] for _ in range(20)}
    assert builds == {NEW}


def test_no_client_saw_a_failure(search: Pair) -> None:
    load = search.load
    assert load["failed"] == 0, {host: seen["failures"] for host, seen in load["hosts"].items()}
    (seen,) = load["hosts"].values()
    assert set(seen["builds"]) == {OLD, NEW}


def test_the_old_group_stays_warm_and_no_machine_left(search: Pair) -> None:
    known = search.farm.sandbox.aws_state("machines")
    builds = {
        colour: {
            known[target.partition(":")[0]]["build"] for target in search.farm.standings()[f"search-{colour}"]
        }
        for colour in ("blue", "green")
    }
    assert builds == {"blue": {OLD}, "green": {NEW}}
    assert search.members("blue") == search.members("green") == {"healthy"}
    assert [entry for entry in search.release.changes() if entry["operation"] in LEAVE] == []


def test_people_are_told_as_with_every_strategy(search: Pair) -> None:
    assert_told(search.release, NEW, [REGION], (OLD, "CHG-3002", "finds more"))


def test_a_build_that_turns_bad_is_switched_back_in_one_call(back: Pair) -> None:
    # Given a build that turns bad at 50 % / When the release ends
    assert back.state == "failed"
    # Then one call sent all requests back to blue, which answers, and the verdict says so
    assert back.shares() == [0, 50, 0]
    assert len(back.modified()) == 3
    (url,) = back.farm.told["public"].values()
    assert {requests.get(url, timeout=10).json()["build"] for _ in range(20)} == {OLD}
    said = back.release.sentence()
    for part in (f"{NEW} stopped in {REGION}", f"{REGION} was brought back and {OLD} serves again", "locked"):
        assert part in said
    # And blue was never touched
    assert back.members("blue") == {"healthy"}
