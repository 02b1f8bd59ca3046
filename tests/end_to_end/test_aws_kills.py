"""The process of a roll is killed at its worst moments: no machine is forgotten, none is deployed twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from include.local.api import AirflowApi
from include.local.stack import LocalStack
from include.local.turns import RUN
from tests.end_to_end.aws_world import KILLED, PLACE
from tests.end_to_end.farm import Farm, asked, assert_one_deploy_at_a_time
from tests.end_to_end.killing import Kill, carry_out
from tests.end_to_end.release import Release
from tests.end_to_end.world import NEW
from tests.sandbox_client import Json, SandboxClient

ROLL = f"{PLACE}.roll"
ATTACH = "elasticloadbalancing:RegisterInstancesWithLoadBalancer"
"""The second of the two requests that put a machine back."""
READ = "ssm:GetCommandInvocation"

# What holds each release at its moment until it was killed there.
HOLDS: dict[str, Json] = {
    "draining": {"name": "drains_for_ever"},
    "sending": {"name": "slow_answer", "operation": RUN, "times": 1, "delay": 60.0},
    "following": {"name": "invocations_empty"},
    "attaching": {"name": "target_never_healthy"},
}


@dataclass(frozen=True)
class Killed:
    """A release whose roll was killed, and who was in which group before it."""

    release: Release
    farm: Farm
    before: dict[str, dict[str, str]]

    def moment(self) -> bool:
        """Whether the release is where it is to be killed."""
        farm, entries = self.farm, self.release.entries()
        looks: dict[str, Callable[[], bool]] = {
            # Detached from both groups, and drained from neither.
            "draining": lambda: all("draining" in states.values() for states in _states(farm)),
            # The command runs, and nobody was told.
            "sending": lambda: bool(asked(entries, RUN)),
            # The command is being followed.
            "following": lambda: farm.sandbox.counts()["services"][farm.service].get(READ, 0) > 0,
            # Registered again, and not healthy yet.
            "attaching": lambda: (
                all(len(states) == 2 for states in _states(farm)) and bool(asked(entries, RUN))
            ),
        }
        return looks[farm.service]()


def _states(farm: Farm) -> list[dict[str, str]]:
    return list(farm.standings().values())


@pytest.fixture(scope="module")
def killed(stack: LocalStack, api: AirflowApi, sandbox: SandboxClient) -> dict[str, Killed]:
    """Start four releases at once, each held by a fault; kill it there, and take the fault back."""
    faults, runs = {}, {}
    for service, fault in HOLDS.items():
        where = {"service": service} | ({"operation": fault["operation"]} if "operation" in fault else {})
        more = {key: value for key, value in fault.items() if key not in ("name", "operation")}
        faults[service] = sandbox.fault(fault["name"], where=where, **more)["id"]
        farm = Farm(sandbox, service)
        before = farm.standings()
        runs[service] = Killed(Release.start(api, sandbox, service), farm, before)
    for service, run in runs.items():
        # One dies with its worker, so that nobody reports the death.
        carry_out(stack, [Kill(run.release, ROLL, run.moment, worker=service == "draining")])
        sandbox.clear_faults(faults[service])
    return runs


@pytest.mark.parametrize("service", KILLED)
def test_a_new_process_goes_on_with_that_machine(killed: dict[str, Killed], service: str) -> None:
    # Given a roll killed while a machine was on its way / When another process takes it up
    run = killed[service]
    assert run.release.ended() == "success", run.release.sentence()
    assert run.release.tries_of(ROLL) == 2
    # Then every machine left and came back once, never two at once, and got the build once
    entries = run.release.entries()
    turns = run.farm.assert_each_left_and_returned(entries)
    assert turns.deployed == {machine: [NEW] for machine in run.farm.machines}
    assert [entry["machines"] for entry in asked(entries, RUN)] == [[each] for each in run.farm.machines]
    assert_one_deploy_at_a_time(entries)
    # And it is exactly where it was
    assert run.farm.standings() == run.before
    assert run.farm.builds() == [NEW, NEW]


def test_the_faults_have_really_held(killed: dict[str, Killed]) -> None:
    # A kill at another moment would prove something else: each was killed on its first machine's way.
    for run in killed.values():
        first = run.farm.machines[0]
        machines = [each for entry in run.release.changes() for each in entry["machines"]]
        assert machines[0] == first
