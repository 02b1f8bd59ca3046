"""The process of a roll is killed at its worst moments: no machine is forgotten, none is deployed twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from include.local.api import AirflowApi
from include.local.stack import LocalStack
from include.local.turns import RUN
from tests.end_to_end.aws_world import KILLED, PLACE
from tests.end_to_end.farm import Farm, asked, assert_one_deploy_at_a_time
from tests.end_to_end.killing import Kill, carry_out
from tests.end_to_end.release import Release
from tests.end_to_end.world import NEW
from tests.sandbox_client import SandboxClient

ROLL = f"{PLACE}.roll"
ATTACH = "elasticloadbalancing:RegisterInstancesWithLoadBalancer"
"""The second of the two requests that put a machine back."""


@dataclass(frozen=True)
class Held:
    """A release, and the machine at which it is held by a fault until it was killed there."""

    release: Release
    farm: Farm
    machine: str

    def asked(self, operation: str) -> bool:
        """Whether AWS was asked for something about that machine."""
        return any(self.machine in entry["machines"] for entry in asked(self.release.entries(), operation))

    def draining(self) -> bool:
        """Detached from both groups, and not drained from the target group."""
        state = self.farm.standings()[f"{self.farm.service}-production"]
        return state.get(f"{self.machine}:8080") == "draining"

    def sent(self) -> bool:
        """The command runs, and nobody was told."""
        return self.asked(RUN)

    def followed(self) -> bool:
        """The command is being followed; what became of it can't be read."""
        counts = self.farm.sandbox.counts()["services"][self.farm.service]
        return self.asked(RUN) and counts.get("ssm:GetCommandInvocation", 0) > 0

    def registered(self) -> bool:
        """It is in both groups again, and not healthy in the target group."""
        return self.asked(ATTACH)


Moment = tuple[str, dict[str, Any], Callable[[Held], bool]]

# For each service and machine in turn: what holds it, and the moment at which its process is killed.
MOMENTS: dict[str, tuple[Moment, Moment]] = {
    "leaving": (
        ("drains_for_ever", {}, Held.draining),
        ("slow_answer", {"times": 1, "delay": 60.0}, Held.sent),
    ),
    "coming": (
        ("invocations_empty", {}, Held.followed),
        ("target_never_healthy", {}, Held.registered),
    ),
}
CALLS = {"slow_answer": {"operation": RUN}}


@dataclass(frozen=True)
class Killed:
    """A release whose roll was killed twice, and who was in which group before it."""

    release: Release
    farm: Farm
    before: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def killed(stack: LocalStack, api: AirflowApi, sandbox: SandboxClient) -> dict[str, Killed]:
    """Start two releases; kill each where it is held at its first machine, then at its second."""
    farms = {service: Farm(sandbox, service) for service in KILLED}
    faults = {
        (service, machine): sandbox.fault(fault, where={"machine": machine} | CALLS.get(fault, {}), **more)[
            "id"
        ]
        for service, farm in farms.items()
        for machine, (fault, more, _) in zip(farm.machines, MOMENTS[service], strict=True)
    }
    before = {service: farm.standings() for service, farm in farms.items()}
    runs = {
        service: Killed(Release.start(api, sandbox, service), farm, before[service])
        for service, farm in farms.items()
    }
    for turn in (0, 1):
        for service, run in runs.items():
            machine, (_, _, moment) = run.farm.machines[turn], MOMENTS[service][turn]
            held = Held(run.release, run.farm, machine)
            carry_out(stack, [Kill(run.release, ROLL, partial(moment, held))])
            sandbox.clear_faults(faults[service, machine])
    return runs


@pytest.mark.parametrize("service", KILLED)
def test_a_new_process_goes_on_with_that_machine(killed: dict[str, Killed], service: str) -> None:
    # Given a roll killed while each machine was on its way / When another process takes it up
    run = killed[service]
    assert run.release.ended() == "success", run.release.sentence()
    assert run.release.tries_of(ROLL) == 3
    # Then every machine left and came back once, never two at once, and got the build once
    entries = run.release.entries()
    turns = run.farm.assert_each_left_and_returned(entries)
    assert turns.deployed == {machine: [NEW] for machine in run.farm.machines}
    assert [entry["machines"] for entry in asked(entries, RUN)] == [[each] for each in run.farm.machines]
    assert_one_deploy_at_a_time(entries)
    # And it is exactly where it was
    assert run.farm.standings() == run.before
    assert run.farm.builds() == [NEW, NEW]
