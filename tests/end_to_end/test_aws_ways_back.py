"""A roll that stops: who is put back, who gets the old build again, and how it goes on afterwards."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from include.local.api import AirflowApi
from include.local.turns import RUN
from tests.end_to_end.aws_world import INTERRUPTED, PLACE, RESUMED, SPOILED
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.farm import Farm, asked
from tests.end_to_end.release import Release
from tests.end_to_end.test_ways_back import unlock
from tests.end_to_end.world import LATER, NEW, OLD
from tests.sandbox_client import SandboxClient

ROLL = f"{PLACE}.roll"
LEAVES = "elasticloadbalancing:DeregisterTargets"
CANCEL = "ssm:CancelCommand"
LIMIT_S = 180.0


@dataclass(frozen=True)
class Stopped:
    """A release that stopped, and who was in which group before it."""

    release: Release
    farm: Farm
    before: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def stopped(api: AirflowApi, sandbox: SandboxClient) -> dict[str, Stopped]:
    """Stop three at once: a deploy that fails, a build that turns bad on machine two, a person's hand."""
    sandbox.fault("deploy_fails", where={"service": RESUMED}, times=1)
    sandbox.fault("command_never_ends", where={"service": INTERRUPTED}, times=1)
    runs = {service: _start(api, sandbox, service) for service in (RESUMED, SPOILED, INTERRUPTED)}
    _mark_failed(api, runs[INTERRUPTED])
    _spoil(sandbox, runs[SPOILED])
    return runs


def _start(api: AirflowApi, sandbox: SandboxClient, service: str) -> Stopped:
    farm = Farm(sandbox, service)
    before = farm.standings()
    return Stopped(Release.start(api, sandbox, service), farm, before)


def _mark_failed(api: AirflowApi, run: Stopped) -> None:
    """End the roll as a person does in the UI, while its first machine is being deployed to."""
    release = run.release
    wait_for("the deploy command", lambda: asked(release.entries(), RUN), timeout_s=LIMIT_S)
    api.set_task_state(release.dag, release.run_id, ROLL, "failed")


def _spoil(sandbox: SandboxClient, run: Stopped) -> None:
    """Make machine two sick with the new build: from its detach on, until the roll has failed."""
    second = run.farm.machines[1]

    def left() -> bool:
        return [second] in [entry["machines"] for entry in asked(run.release.entries(), LEAVES)]

    wait_for("the second machine's turn", left, timeout_s=LIMIT_S)
    fault = sandbox.fault("machine_sick", where={"machine": second})
    wait_for("the roll's end", lambda: run.release.state_of(ROLL) == "failed", timeout_s=LIMIT_S)
    sandbox.clear_faults(fault["id"])


def test_a_machine_whose_deploy_failed_is_put_back(stopped: dict[str, Stopped]) -> None:
    # Given a deploy that fails on machine one and leaves its old build, and the policy to halt
    run = stopped[RESUMED]
    assert run.release.ended() == "failed"
    # Then that machine is back in its groups, the other one was never touched, and the verdict says why
    first, second = run.farm.machines
    assert run.farm.standings() == run.before
    assert run.farm.builds() == [OLD, OLD]
    turns = run.farm.turns(run.release.entries())
    assert {machine for machine, _ in turns.left} == {first} != {second}
    assert (turns.deployed, turns.most_out) == ({}, 1)
    for part in (f"{NEW} stopped in {PLACE}", first, "the deploy command failed", "locked"):
        assert part in run.release.sentence()


def test_a_clear_of_the_roll_goes_on_to_the_end(stopped: dict[str, Stopped]) -> None:
    # Given that release, halted / When its roll is cleared with all that follows
    run = stopped[RESUMED]
    run.release.ended()
    run.release.clear(ROLL)
    # Then it goes on: machine one has its turn anew, machine two its own, and all is accepted
    assert run.release.ended() == "success", run.release.sentence()
    assert run.farm.builds() == [NEW, NEW]
    assert run.farm.standings() == run.before
    turns = run.farm.turns(run.release.entries())
    assert turns.deployed == {machine: [NEW] for machine in run.farm.machines}
    assert (turns.most_out, turns.hasty, turns.cut) == (1, [], 0)


def test_every_machine_gets_its_old_build_again(stopped: dict[str, Stopped]) -> None:
    # Given a build that is bad on machine two, when machine one has it already
    run = stopped[SPOILED]
    first, second = run.farm.machines
    assert run.release.ended() == "failed"
    # Then both have the old build, the last one first, by the same guarded turns
    assert run.farm.builds() == [OLD, OLD]
    assert run.farm.standings() == run.before
    entries = run.release.entries()
    deploys = [(entry["machine"], entry["build"]) for entry in entries if entry.get("event") == "deployed"]
    assert deploys == [(first, NEW), (second, NEW), (second, OLD), (first, OLD)]
    turns = run.farm.turns(entries)
    assert (turns.most_out, turns.hasty, turns.cut) == (1, [], 0)
    said = run.release.sentence()
    for part in (f"{NEW} stopped in {PLACE}", second, f"{PLACE} was brought back and {OLD} serves again"):
        assert part in said
    assert "locked" in said


def test_after_a_way_back_only_an_unlock_lets_others_in(
    stopped: dict[str, Stopped], api: AirflowApi, sandbox: SandboxClient
) -> None:
    # Given that service, locked / When the next build is released / Then it is refused
    run = stopped[SPOILED]
    run.release.ended()
    refused = Release.start(api, sandbox, SPOILED, build=LATER)
    assert refused.ended() == "failed"
    assert "locked" in refused.sentence()
    assert refused.changes() == []
    # When a person has unlocked it / Then it is released
    assert unlock(api, SPOILED, "machine two has a new disk") == "success"
    later = Release.start(api, sandbox, SPOILED, build=LATER)
    assert later.ended() == "success", later.sentence()
    assert run.farm.builds() == [LATER, LATER]
    assert run.farm.standings() == run.before
    run.farm.assert_each_left_and_returned(later.entries())


def test_a_roll_marked_as_failed_cancels_its_command(stopped: dict[str, Stopped]) -> None:
    # Given a roll that a person marked as failed while its deploy command ran
    run = stopped[INTERRUPTED]
    assert run.release.ended() == "failed"
    # Then the command was cancelled on its machine, which is back with its old build
    first = run.farm.machines[0]
    cancelled = asked(run.release.entries(), CANCEL)
    assert cancelled
    assert {machine for entry in cancelled for machine in entry["machines"]} == {first}
    assert run.farm.standings() == run.before
    assert run.farm.builds() == [OLD, OLD]


def test_after_its_clear_nothing_is_deployed_twice(stopped: dict[str, Stopped]) -> None:
    # Given that release / When its roll is cleared / Then each machine gets the build once
    run = stopped[INTERRUPTED]
    run.release.ended()
    run.release.clear(ROLL)
    assert run.release.ended() == "success", run.release.sentence()
    assert run.farm.builds() == [NEW, NEW]
    assert run.farm.standings() == run.before
    turns = run.farm.turns(run.release.entries())
    assert turns.deployed == {machine: [NEW] for machine in run.farm.machines}
    assert (turns.most_out, turns.hasty, turns.cut) == (1, [], 0)
