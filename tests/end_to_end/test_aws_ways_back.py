"""Releases on EC2 machines that stop: who is put back, who gets the old build again, and how they go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from include.local.api import AirflowApi
from include.local.turns import RUN
from tests.end_to_end.aws_world import (
    ABANDONED,
    DROPPED,
    INTERRUPTED,
    PLACE,
    REGION,
    RESUMED,
    SPOILED,
    TURNED,
)
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.farm import Farm, asked
from tests.end_to_end.pair import Pair
from tests.end_to_end.release import Release
from tests.end_to_end.test_ways_back import unlock
from tests.end_to_end.world import LATER, NEW, OLD
from tests.sandbox_client import Json, SandboxClient

ROLL = f"{PLACE}.roll"
DETACH = "elasticloadbalancing:DeregisterTargets"
CANCEL = "ssm:CancelCommand"
BY_HAND = (INTERRUPTED, ABANDONED, DROPPED)
LIMIT_S = 180.0


@dataclass(frozen=True)
class Stopped:
    """A release as it stopped: the run's state, who was where before and after, and all that happened."""

    release: Release
    farm: Farm
    before: dict[str, dict[str, str]]
    state: str
    said: str
    after: dict[str, dict[str, str]]
    builds: list[str]
    entries: list[Json]


Fleet = Mapping[str, Stopped]


@pytest.fixture(scope="module")
def stopped(api: AirflowApi, sandbox: SandboxClient) -> Fleet:
    """Stop six at once: by a deploy that fails, by builds that turn bad, and by a person's hand."""
    sandbox.fault("deploy_fails", where={"service": RESUMED}, times=1)
    for service in (INTERRUPTED, ABANDONED):
        sandbox.fault("command_never_ends", where={"service": service}, times=1)
    drain = sandbox.fault("drains_for_ever", where={"service": DROPPED})
    farms = {service: Farm(sandbox, service) for service in (RESUMED, SPOILED, *BY_HAND)}
    pair = Pair(sandbox, TURNED)
    farms[TURNED] = pair
    before = {service: farm.standings() for service, farm in farms.items()}
    second = farms[SPOILED].machines[1]
    hold = sandbox.fault("drains_for_ever", where={"machine": second})
    releases = {service: Release.start(api, sandbox, service) for service in farms}

    _await(releases[INTERRUPTED], RUN)
    api.set_task_state(releases[INTERRUPTED].dag, releases[INTERRUPTED].run_id, ROLL, "failed")
    _await(releases[ABANDONED], RUN)
    api.set_run_state(releases[ABANDONED].dag, releases[ABANDONED].run_id, "failed")
    _await(releases[DROPPED], DETACH)
    api.set_run_state(releases[DROPPED].dag, releases[DROPPED].run_id, "failed")
    _let_go_late(sandbox, releases[DROPPED], drain["id"])
    _spoil(sandbox, releases[SPOILED], second, hold["id"])
    _spoil_green(sandbox, releases[TURNED], pair)
    _await(releases[ABANDONED], CANCEL)
    return {service: _seen(releases[service], farm, before[service]) for service, farm in farms.items()}


def _await(release: Release, operation: str) -> None:
    wait_for(operation, lambda: asked(release.entries(), operation), timeout_s=LIMIT_S)


def _let_go_late(sandbox: SandboxClient, release: Release, drain: int) -> None:
    """End the drain when the step has been told to end; Airflow gives its process seconds more to do so."""
    wait_for("the step's end", lambda: "Terminating process" in release.log(ROLL), timeout_s=LIMIT_S)
    sandbox.clear_faults(drain)
    wait_for("the process's end", lambda: "Task killed!" in release.log(ROLL), timeout_s=LIMIT_S)


def _spoil(sandbox: SandboxClient, release: Release, second: str, hold: int) -> None:
    """Make machine two sick with the new build: while it drains, until the roll has failed."""

    def left() -> bool:
        return [second] in [entry["machines"] for entry in asked(release.entries(), DETACH)]

    wait_for("the second machine's turn", left, timeout_s=LIMIT_S)
    fault = sandbox.fault("machine_sick", where={"machine": second})
    sandbox.clear_faults(hold)
    wait_for("the roll's end", lambda: release.state_of(ROLL) == "failed", timeout_s=LIMIT_S)
    sandbox.clear_faults(fault["id"])


def _spoil_green(sandbox: SandboxClient, release: Release, pair: Pair) -> None:
    """Make the new build sick once half of the requests go to it."""
    wait_for("half of the requests on green", lambda: pair.green_share() == 50, timeout_s=LIMIT_S)
    faults = [sandbox.fault("machine_sick", where={"machine": each}) for each in pair.machines_of("green")]
    release.ended()
    for fault in faults:
        sandbox.clear_faults(fault["id"])


def _seen(release: Release, farm: Farm, before: dict[str, dict[str, str]]) -> Stopped:
    state = release.ended()
    # Where the whole run was ended no verdict was given.
    said = release.sentence() if release.service not in (ABANDONED, DROPPED) else ""
    entries = release.entries()
    return Stopped(release, farm, before, state, said, farm.standings(), farm.builds(), entries)


@pytest.fixture(scope="module")
def resumed(stopped: Fleet, api: AirflowApi, sandbox: SandboxClient) -> Mapping[str, Release]:
    """Go on at once: clear three rolls with all that follows, unlock the fourth and release what is next."""
    for service in (RESUMED, INTERRUPTED, ABANDONED):
        stopped[service].release.clear(ROLL)
    refused = Release.start(api, sandbox, SPOILED, build=LATER)
    assert refused.ended() == "failed"
    assert unlock(api, SPOILED, "machine two has a new disk") == "success"
    later = Release.start(api, sandbox, SPOILED, build=LATER)
    cleared = {service: stopped[service].release for service in (RESUMED, INTERRUPTED, ABANDONED)}
    return {**cleared, "refused": refused, "later": later}


def test_a_machine_whose_deploy_failed_is_put_back(stopped: Fleet) -> None:
    # Given a deploy that fails on machine one and leaves its old build, and the policy to halt
    run = stopped[RESUMED]
    assert run.state == "failed"
    # Then that machine is back in its groups, the other one was never touched, and the verdict says why
    first, second = run.farm.machines
    assert (run.after, run.builds) == (run.before, [OLD, OLD])
    turns = run.farm.turns(run.entries)
    assert {machine for machine, _ in turns.left} == {first} != {second}
    assert (turns.deployed, turns.most_out) == ({}, 1)
    for part in (f"{NEW} stopped in {PLACE}", first, "the deploy command failed", "locked"):
        assert part in run.said


def test_every_machine_gets_its_old_build_again(stopped: Fleet) -> None:
    # Given a build that is bad on machine two, when machine one has it already
    run = stopped[SPOILED]
    first, second = run.farm.machines
    assert run.state == "failed"
    # Then both have the old build, the last one first, by the same guarded turns
    assert (run.after, run.builds) == (run.before, [OLD, OLD])
    deploys = [(each["machine"], each["build"]) for each in run.entries if each.get("event") == "deployed"]
    assert deploys == [(first, NEW), (second, NEW), (second, OLD), (first, OLD)]
    turns = run.farm.turns(run.entries)
    assert (turns.most_out, turns.hasty, turns.cut) == (1, [], 0)
    for part in (f"{NEW} stopped in {PLACE}", f"{second}: its own status page", "locked"):
        assert part in run.said
    assert f"{PLACE} was brought back and {OLD} serves again" in run.said


def test_weights_go_back_in_one_call(stopped: Fleet) -> None:
    # Given a build that turns bad when half of the requests go to it
    run = stopped[TURNED]
    pair = run.farm
    assert isinstance(pair, Pair)
    assert run.state == "failed"
    # Then one call sent all of them back to blue, which answers, and was never touched
    assert pair.shares(run.release) == [0, 50, 0]
    assert len(pair.modified(run.release)) == 3
    assert pair.answers() == {OLD}
    assert pair.states_of("blue") == {"healthy"}
    for part in (f"{NEW} stopped in {REGION}: switch", "locked"):
        assert part in run.said
    assert f"{REGION} was brought back and {OLD} serves again" in run.said


def test_a_roll_marked_as_failed_puts_its_machine_back(stopped: Fleet) -> None:
    # Given a roll that a person marked as failed while its deploy command ran
    run = stopped[INTERRUPTED]
    assert run.state == "failed"
    # Then the command was cancelled on its machine, which is back with its old build
    assert cancelled_on(run) == {run.farm.machines[0]}
    assert (run.after, run.builds) == (run.before, [OLD, OLD])


def test_a_run_marked_as_failed_cancels_its_command(stopped: Fleet) -> None:
    # Given a run that a person marked as failed while a deploy command ran, so that no way back is taken
    run = stopped[ABANDONED]
    assert run.state == "failed"
    # Then the step that was ended has cancelled the command, and the machine is still out
    first, second = run.farm.machines
    assert cancelled_on(run) == {first}
    members = [{target.partition(":")[0] for target in states} for states in run.after.values()]
    assert members == [{second}, {second}]


def test_a_step_that_was_ended_sends_nothing_more(stopped: Fleet) -> None:
    # Given a run that a person marked as failed while a machine drained
    run = stopped[DROPPED]
    assert run.state == "failed"
    # When the machine is drained while the step's process is still there / Then nothing is deployed to it
    assert asked(run.entries, RUN) == []
    assert run.builds == [OLD, OLD]


def cancelled_on(run: Stopped) -> set[str]:
    """The machines on which a command was cancelled."""
    return {machine for entry in asked(run.entries, CANCEL) for machine in entry["machines"]}


@pytest.mark.parametrize("service", [RESUMED, INTERRUPTED, ABANDONED])
def test_a_clear_of_the_roll_goes_on_to_the_end(
    stopped: Fleet, resumed: Mapping[str, Release], service: str
) -> None:
    # Given a release that stopped / When its roll is cleared with all that follows
    release, run = resumed[service], stopped[service]
    # Then it is accepted: each machine got the build once, never two were out
    assert release.ended() == "success", release.sentence()
    turns = run.farm.turns(release.entries())
    assert turns.deployed == {machine: [NEW] for machine in run.farm.machines}
    assert (turns.most_out, turns.hasty, turns.cut) == (1, [], 0)
    assert run.farm.builds() == [NEW, NEW]
    assert run.farm.standings() == run.before


def test_after_a_way_back_only_an_unlock_lets_others_in(
    stopped: Fleet, resumed: Mapping[str, Release]
) -> None:
    # Given a service that was rolled back / When the next build is released / Then it is refused
    run, refused, later = stopped[SPOILED], resumed["refused"], resumed["later"]
    assert "locked" in refused.sentence()
    assert [entry for entry in refused.changes() if entry["n"] <= later.since] == []
    # When a person has unlocked it / Then it is released
    assert later.ended() == "success", later.sentence()
    run.farm.assert_each_left_and_returned(later.entries())
    assert run.farm.builds() == [LATER, LATER]
    assert run.farm.standings() == run.before
