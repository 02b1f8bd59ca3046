"""Each fault of AWS does what its sentence says."""

from __future__ import annotations

import pytest
import requests

from tests.integration.sandbox.aws.farm import NEW, OLD, SPEED, Farm


def again(farm: Farm, machine: str) -> None:
    """Deregister and register a target."""
    farm.deregister(machine)
    farm.register(machine)


def test_target_never_healthy_holds_for_what_is_not_healthy_yet(farm: Farm) -> None:
    machine, other = farm.machines
    farm.sandbox.fault("target_never_healthy", where={"group": "checkout-production"})
    again(farm, machine)
    farm.until(lambda: farm.health(machine)["State"] == "unhealthy")
    assert farm.health(machine)["Reason"] == "Target.ResponseCodeMismatch"
    assert farm.health(other)["State"] == "healthy"
    assert farm.instance(machine)["State"] == "InService"
    farm.sandbox.clear_faults()
    farm.until(lambda: farm.health(machine)["State"] == "healthy")


def test_target_flapping(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.sandbox.fault("target_flapping", where={"machine": machine, "group": "checkout-production"})
    changes = [("healthy", "unhealthy"), ("unhealthy", "healthy")] * 2

    def seen() -> bool:
        events = farm.sandbox.events("target_state", service="checkout")
        return [(event["from"], event["to"]) for event in events][:4] == changes

    farm.until(seen, limit=20)


@pytest.mark.parametrize("group", ["checkout-production", "checkout-production-classic"])
def test_drains_for_ever(farm: Farm, group: str) -> None:
    machine = farm.machines[0]
    farm.sandbox.fault("drains_for_ever", where={"group": group})
    farm.deregister(machine)
    farm.detach(machine)
    states = farm.sandbox.aws_state
    other = "classic" if group == "checkout-production" else "target_groups"
    stays = "target_groups" if other == "classic" else "classic"
    farm.until(lambda: not any(machine in str(held) for held in states(other).values()))
    assert states(stays)[group]["targets"][f"{machine}:8080"]["state"] == "draining"
    farm.sandbox.clear_faults()
    farm.until(lambda: not any(machine in str(held) for held in states(stays).values()))


def test_deploy_fails_and_the_old_build_runs_on(farm: Farm) -> None:
    machine, other = farm.machines
    farm.sandbox.fault("deploy_fails", where={"machine": machine}, times=1)
    told = farm.ended(farm.send(machine), machine)
    assert (told["Status"], told["ResponseCode"]) == ("Failed", 1)
    assert f"can't fetch checkout {NEW}" in told["StandardErrorContent"]
    assert farm.page(machine).json()["build"] == OLD
    assert farm.ended(farm.send(other), other)["Status"] == "Success"
    assert farm.ended(farm.send(machine), machine)["Status"] == "Success"


def test_deploy_fails_after_the_stop_and_nothing_runs(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.sandbox.fault("deploy_fails", where={"machine": machine}, when="after_stop")
    assert farm.ended(farm.send(machine), machine)["Status"] == "Failed"
    with pytest.raises(requests.ConnectionError):
        farm.page(machine)


def test_invocations_empty_for_so_many_reads(farm: Farm) -> None:
    machine = farm.machines[0]
    command = farm.send(machine)
    assert farm.ended(command, machine)["Status"] == "Success"
    farm.sandbox.fault("invocations_empty", where={"service": "checkout"}, times=2)
    assert farm.ssm.list_command_invocations(CommandId=command)["CommandInvocations"] == []
    assert farm.invocation(command, machine) is None
    assert farm.invocation(command, machine) is not None


@pytest.mark.parametrize("runs", [False, True])
def test_command_never_ends(farm: Farm, runs: bool) -> None:
    machine = farm.machines[0]
    farm.sandbox.fault("command_never_ends", where={"machine": machine}, runs=runs)
    command = farm.send(machine)
    if runs:
        farm.until(lambda: farm.sandbox.events("deployed"))
    else:
        farm.until(lambda: (farm.invocation(command, machine) or {}).get("Status") == "InProgress")
    told = farm.invocation(command, machine)
    assert told is not None
    assert (told["Status"], told["ResponseCode"]) == ("InProgress", -1)
    assert farm.sandbox.aws_state("machines")[machine]["build"] == (NEW if runs else OLD)
    farm.ssm.cancel_command(CommandId=command)
    assert farm.ended(command, machine)["Status"] == "Cancelled"


def test_slow_warm_up(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.sandbox.fault("slow_warm_up", where={"machine": machine}, times=1, seconds=1.0 * SPEED)
    assert farm.ended(farm.send(machine), machine)["Status"] == "Success"
    assert farm.page(machine, "/").status_code == 503
    assert farm.page(machine).json()["state"] == "starting"
    farm.until(lambda: farm.health(machine)["State"] == "unhealthy")
    farm.until(lambda: farm.page(machine, "/").status_code == 200)


def test_machine_dies_now(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.sandbox.fault("machine_dies", where={"machine": machine}, times=1)
    assert farm.health(machine)["Reason"] == "Target.InvalidState"
    told = farm.ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]
    assert told["State"]["Name"] == "stopped"
    assert {requests.get(farm.url(), timeout=5).status_code for _ in range(6)} == {200}
    farm.ec2.start_instances(InstanceIds=[machine])
    farm.until(lambda: farm.health(machine)["State"] == "healthy")


def test_machine_dies_when_detached(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.sandbox.fault(
        "machine_dies", where={"machine": machine}, times=1, when="detached", power="terminated"
    )
    farm.deregister(machine)
    assert farm.sandbox.aws_state("machines")[machine]["power"] == "running"
    farm.detach(machine)
    assert farm.sandbox.aws_state("machines")[machine]["power"] == "terminated"
    assert farm.sandbox.events("machine_lost")[0]["machine"] == machine


def test_machine_sick_tells_what_it_has_lost(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.sandbox.fault("machine_sick", where={"machine": machine})
    assert [farm.page(machine, path).status_code for path in ("/", "/health", "/status")] == [500, 500, 200]
    page = farm.page(machine).json()
    assert page["dependencies"][0] == {"name": "database", "connected": False}


def test_machine_silent(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.sandbox.fault("machine_silent", where={"machine": machine})
    farm.until(lambda: farm.health(machine)["State"] == "unhealthy")
    assert farm.health(machine) == {
        "State": "unhealthy",
        "Reason": "Target.Timeout",
        "Description": "Request timed out",
    }
