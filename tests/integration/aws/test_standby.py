"""Machines of an Auto Scaling group: through Standby, with what would interfere suspended and given back."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.model.machines import MachinePhase
from include.airlock.model.record import Outcome
from tests.integration.aws.moments import Moments, machine_is
from tests.integration.aws.trace import Scene
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.sandbox_client import Json, SandboxClient

INTERFERING = {"AZRebalance", "AlarmNotification", "ScheduledActions", "ReplaceUnhealthy"}
GROUP = {"autoscaling_group": "scaled-production"}


@pytest.fixture
def farm(sandbox: SandboxClient) -> Scene:
    """Three machines of an Auto Scaling group, behind both kinds of load balancer."""
    return Scene(sandbox, "scaled")


def scaling(farm: Scene) -> Json:
    """The Auto Scaling group as it is now; how often it was looked after is left out."""
    found: Json = farm.sandbox.aws_state("scaling_groups")[str(farm.told["autoscaling_group"])]
    return {key: value for key, value in found.items() if key != "looks"}


def replaced(farm: Scene) -> list[Json]:
    """What Auto Scaling did by itself."""
    return [e for e in farm.entries() if str(e.get("event")).startswith("scaling_")]


def test_a_release_through_standby(roll: Any, farm: Scene, moments: Moments) -> None:
    # Given an Auto Scaling group of which one process was suspended before
    farm.sandbox.aws("autoscaling").suspend_processes(
        AutoScalingGroupName=farm.told["autoscaling_group"], ScalingProcesses=["AlarmNotification"]
    )
    before, group = farm.standings(), scaling(farm)
    meanwhile: list[Json] = []
    moments.once(
        machine_is(farm.machines[0], MachinePhase.DEPLOYING), lambda: meanwhile.append(scaling(farm))
    )
    # When its farm is released
    release: Rehearsal = roll("scaled", GROUP)
    outcome, sentence = release.go()
    # Then a machine that was out stood by, with nothing that would interfere
    assert outcome is Outcome.RELEASED, (sentence, release.errors)
    [seen] = meanwhile
    assert seen["instances"][farm.machines[0]] == "Standby"
    assert set(seen["suspended"]) >= INTERFERING
    # And afterwards all is as it was, and nobody was replaced
    assert scaling(farm) == group and group["suspended"] == ["AlarmNotification"]
    assert farm.builds() == [NEW] * 3 and farm.standings() == before
    assert replaced(farm) == []
    farm.assert_never_below(2)


@pytest.mark.parametrize(
    ("policy", "outcome"), [("roll_back_region", Outcome.ROLLED_BACK), ("halt", Outcome.HALTED)]
)
def test_given_back_when_it_fails(roll: Any, farm: Scene, policy: str, outcome: Outcome) -> None:
    # Given a deploy that fails on the second machine, whose old build still runs
    before, group = farm.standings(), scaling(farm)
    second = farm.machines[1]
    farm.sandbox.fault("deploy_fails", where={"machine": second}, times=1)
    # When the farm is released
    release: Rehearsal = roll("scaled", GROUP, on_failure=policy)
    ended, sentence = release.go()
    # Then every machine is in service again, and Auto Scaling works as before
    assert ended is outcome, (sentence, release.errors)
    assert scaling(farm) == group and farm.standings() == before
    assert farm.builds() == ([OLD] * 3 if outcome is Outcome.ROLLED_BACK else [NEW, OLD, OLD])
    assert replaced(farm) == []
    farm.assert_never_below(2)


def test_a_machine_that_stays_out_keeps_its_standby(roll: Any, farm: Scene) -> None:
    # Given a deploy that leaves nothing running, and the policy to halt
    group = scaling(farm)
    first = farm.machines[0]
    farm.sandbox.fault("deploy_fails", where={"machine": first}, when="after_stop")
    # When the farm is released / Then that machine stands by, and what was suspended is resumed
    release: Rehearsal = roll("scaled", GROUP, on_failure="halt")
    outcome, sentence = release.go()
    assert outcome is Outcome.HALTED
    assert f"{first} is out of" in sentence
    after = scaling(farm)
    assert after["instances"][first] == "Standby"
    assert after["suspended"] == group["suspended"]


def test_a_minimum_that_leaves_no_room(roll: Any, farm: Scene) -> None:
    # Given a group whose minimum is what it wants / When its farm is released / Then it is refused
    farm.sandbox.aws("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=farm.told["autoscaling_group"], MinSize=3
    )
    outcome, sentence = roll("scaled", GROUP).go()
    assert outcome is Outcome.REFUSED
    assert "would refuse Standby for 1" in sentence
    assert farm.asked("EnterStandby", "SendCommand") == []
