"""Auto Scaling: Standby, and the processes that interfere unless they are suspended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.integration.sandbox.aws.conftest import ONLY_AWS
from tests.integration.sandbox.aws.farm import SPEED, Farm, error_of
from tests.sandbox_client import Json, SandboxRun

NAME = "checkout-production"
INTERFERING = ["AZRebalance", "AlarmNotification", "ScheduledActions", "ReplaceUnhealthy"]


@pytest.fixture(scope="module")
def scaling_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox whose production farm is in an Auto Scaling group of two to four machines."""
    farm = {"machines": 3, "autoscaling_group": True}
    checkout = {"regions": {"eu-west-1": {"farms": {"production": farm}}}}
    config = {"speed": SPEED, "services": ONLY_AWS, "aws": {"services": {"checkout": checkout}}}
    run = SandboxRun(tmp_path_factory.mktemp("scaling"), config)
    yield run
    assert run.stop() == 0


@pytest.fixture
def farm(scaling_run: SandboxRun) -> Farm:
    scaling_run.client.reset()
    return Farm(scaling_run.client)


@pytest.fixture
def scaling(farm: Farm) -> Any:
    return farm.sandbox.aws("autoscaling")


def group(scaling: Any) -> Json:
    found: Json = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"][0]
    return found


def states(scaling: Any) -> dict[str, str]:
    return {each["InstanceId"]: each["LifecycleState"] for each in group(scaling)["Instances"]}


def enter(scaling: Any, machine: str, decrement: bool = True) -> Json:
    found: Json = scaling.enter_standby(
        AutoScalingGroupName=NAME, InstanceIds=[machine], ShouldDecrementDesiredCapacity=decrement
    )["Activities"][0]
    return found


def test_standby_and_back(farm: Farm, scaling: Any) -> None:
    machine = farm.machines[0]
    told = scaling.describe_auto_scaling_instances(InstanceIds=[machine])["AutoScalingInstances"][0]
    assert (told["AutoScalingGroupName"], told["LifecycleState"]) == (NAME, "InService")
    activity = enter(scaling, machine)
    assert activity["Description"] == f"Moving EC2 instance to Standby: {machine}"
    assert activity["Cause"].endswith("shrinking the capacity from 3 to 2.")
    assert states(scaling)[machine] == "EnteringStandby"
    assert farm.health(machine)["State"] == "draining"
    farm.until(lambda: states(scaling)[machine] == "Standby")
    assert farm.health(machine)["Reason"] == "Target.NotRegistered"
    assert error_of(lambda: farm.instance(machine))[0] == "InvalidInstance"
    assert group(scaling)["DesiredCapacity"] == 2

    scaling.exit_standby(AutoScalingGroupName=NAME, InstanceIds=[machine])
    assert states(scaling)[machine] == "Pending"
    farm.until(lambda: states(scaling)[machine] == "InService")
    farm.until(lambda: farm.health(machine)["State"] == "healthy")
    farm.until(lambda: farm.instance(machine)["State"] == "InService")
    assert group(scaling)["DesiredCapacity"] == 3
    done = scaling.describe_scaling_activities(AutoScalingGroupName=NAME)["Activities"]
    assert [each["Description"].split(":")[0] for each in done] == [
        "Moving EC2 instance out of Standby",
        "Moving EC2 instance to Standby",
    ]


def test_the_sizes_forbid(farm: Farm, scaling: Any) -> None:
    enter(scaling, farm.machines[0])
    code, text = error_of(lambda: enter(scaling, farm.machines[1]))
    assert (code, text) == (
        "ValidationError",
        f"AutoScalingGroup {NAME} has min-size=2, max-size=6, and desired-size=2. To place into standby 1 "
        "instance, please update the AutoScalingGroup sizes appropriately.",
    )
    assert error_of(lambda: enter(scaling, farm.machines[0]))[0] == "ValidationError"
    assert error_of(lambda: enter(scaling, "i-0123456789abcdef0"))[0] == "ValidationError"
    ask = scaling.suspend_processes
    assert error_of(lambda: ask(AutoScalingGroupName="nothing"))[0] == "ValidationError"


def test_a_machine_taken_out_by_hand_is_replaced(farm: Farm, scaling: Any) -> None:
    machine = farm.machines[0]
    farm.deregister(machine)
    farm.until(lambda: farm.sandbox.events("scaling_terminated"))
    assert farm.sandbox.events("scaling_terminated")[0]["machine"] == machine
    fresh = farm.until(lambda: farm.sandbox.events("scaling_launched"))[0]["machine"]
    assert states(scaling)[fresh] in ("Pending", "InService")
    farm.until(lambda: farm.health(fresh)["State"] == "healthy")
    assert {requests.get(farm.url(), timeout=5).json()["machine"] for _ in range(12)} == {
        fresh,
        *farm.machines[1:],
    }
    assert len(states(scaling)) == 3


def test_suspended_processes_do_not_interfere(farm: Farm, scaling: Any) -> None:
    scaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=INTERFERING)
    told = {each["ProcessName"] for each in group(scaling)["SuspendedProcesses"]}
    assert told == set(INTERFERING)
    machine = farm.machines[0]
    farm.deregister(machine)
    farm.until(lambda: farm.health(machine)["State"] == "unused")
    farm.until(
        lambda: (
            {each["InstanceId"]: each["HealthStatus"] for each in group(scaling)["Instances"]}[machine]
            == "Unhealthy"
        )
    )
    assert farm.sandbox.events("scaling_terminated") == []
    scaling.resume_processes(AutoScalingGroupName=NAME, ScalingProcesses=["ReplaceUnhealthy"])
    farm.until(lambda: farm.sandbox.events("scaling_terminated"))


def test_standby_without_decrement_launches_another(farm: Farm, scaling: Any) -> None:
    enter(scaling, farm.machines[0], decrement=False)
    farm.until(lambda: farm.sandbox.events("scaling_launched"))
    farm.until(lambda: sorted(states(scaling).values()) == ["InService"] * 3 + ["Standby"])
    assert states(scaling)[farm.machines[0]] == "Standby"


def test_a_machine_in_standby_is_left_alone(farm: Farm, scaling: Any) -> None:
    machine = farm.machines[0]
    enter(scaling, machine)
    farm.until(lambda: states(scaling)[machine] == "Standby")
    looks = farm.sandbox.aws_state("scaling_groups")[NAME]["looks"]
    farm.until(lambda: farm.sandbox.aws_state("scaling_groups")[NAME]["looks"] > looks + 1)
    assert farm.sandbox.events("scaling_terminated") == []
    assert states(scaling)[machine] == "Standby"
