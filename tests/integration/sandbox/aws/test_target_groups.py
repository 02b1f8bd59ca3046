"""Targets really are checked, drained and registered again, in the API's words."""

from __future__ import annotations

import threading

import pytest
import requests

from tests.integration.sandbox.aws.farm import Farm, error_of, timed


def test_at_the_start_every_target_is_healthy(farm: Farm) -> None:
    assert farm.healths() == dict.fromkeys(farm.machines, "healthy")
    assert farm.health(farm.machines[0]) == {"State": "healthy"}


def test_a_deregistered_target_drains_for_the_whole_delay(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.deregister(machine)
    assert farm.health(machine) == {
        "State": "draining",
        "Reason": "Target.DeregistrationInProgress",
        "Description": "Target deregistration is in progress",
    }
    assert machine in farm.healths()
    seconds = timed(lambda: farm.until(lambda: farm.health(machine)["State"] == "unused"))
    assert 50 < seconds < 90
    assert farm.health(machine) == {
        "State": "unused",
        "Reason": "Target.NotRegistered",
        "Description": "Target is not registered to the target group",
    }
    assert list(farm.healths()) == [farm.machines[1]]


def test_no_new_request_reaches_a_draining_target(farm: Farm) -> None:
    farm.deregister(farm.machines[0])
    answers = {requests.get(farm.url(), timeout=5).json()["machine"] for _ in range(8)}
    assert answers == {farm.machines[1]}


def test_deregistering_twice_succeeds(farm: Farm) -> None:
    for _ in range(2):
        farm.deregister(farm.machines[0])
    farm.until(lambda: farm.health(farm.machines[0])["State"] == "unused")
    farm.deregister(farm.machines[0])
    assert farm.health(farm.machines[0])["Reason"] == "Target.NotRegistered"


def test_registering_while_draining_registers_again(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.deregister(machine)
    farm.register(machine)
    assert farm.health(machine)["Reason"] == "Elb.RegistrationInProgress"
    farm.until(lambda: farm.health(machine)["State"] == "healthy")
    assert [
        (event["from"], event["to"]) for event in farm.sandbox.events("target_state", service="checkout")
    ] == [
        ("healthy", "draining"),
        ("draining", "initial"),
        ("initial", "healthy"),
    ]


def test_a_registration_takes_the_threshold_of_checks(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.deregister(machine)
    farm.until(lambda: farm.health(machine)["State"] == "unused")
    farm.register(machine)
    seen = []

    def healthy() -> bool:
        health = farm.health(machine)
        seen.append(health.get("Reason"))
        return bool(health["State"] == "healthy")

    # 2 s of registration, then three checks 10 s apart.
    assert 20 < timed(lambda: farm.until(healthy)) < 45
    assert "Elb.InitialHealthChecking" in seen


def test_id_and_port_identify_a_target(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.register(machine, Port=9999)
    assert farm.health(machine)["State"] == "healthy"
    farm.until(lambda: farm.health(machine, 9999)["State"] == "unhealthy")
    assert farm.health(machine, 9999) == {
        "State": "unhealthy",
        "Reason": "Target.FailedHealthChecks",
        "Description": "Health checks failed",
    }
    farm.deregister(machine, Port=9999)
    assert farm.health(machine)["State"] == "healthy"
    assert farm.health(machine, 9999)["State"] == "draining"


def test_a_group_without_a_listener_is_not_in_use(search: Farm) -> None:
    green = search.told["target_groups"]["search-green"]
    told = search.elbv2.describe_target_health(TargetGroupArn=green)["TargetHealthDescriptions"]
    assert {each["TargetHealth"]["Reason"] for each in told} == {"Target.NotInUse"}
    machine = told[0]["Target"]["Id"]
    search.elbv2.deregister_targets(TargetGroupArn=green, Targets=[{"Id": machine}])
    asked = search.elbv2.describe_target_health(TargetGroupArn=green, Targets=[{"Id": machine}])
    assert asked["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"] == "Target.NotRegistered"


def test_a_stopped_machine_is_in_an_invalid_state(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.ec2.stop_instances(InstanceIds=[machine])
    assert farm.health(machine) == {
        "State": "unused",
        "Reason": "Target.InvalidState",
        "Description": "Target is in the stopped state",
    }
    with pytest.raises(requests.ConnectionError):
        farm.page(machine)
    farm.ec2.start_instances(InstanceIds=[machine])
    farm.until(lambda: farm.health(machine)["State"] == "healthy")


def test_a_sick_machine_becomes_unhealthy_and_gets_no_more_requests(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.sandbox.fault("machine_sick", where={"machine": machine})
    farm.until(lambda: farm.health(machine)["State"] == "unhealthy")
    assert farm.health(machine) == {
        "State": "unhealthy",
        "Reason": "Target.ResponseCodeMismatch",
        "Description": "Health checks failed with these codes: [500]",
    }
    assert {requests.get(farm.url(), timeout=5).status_code for _ in range(8)} == {200}
    farm.sandbox.clear_faults()
    farm.until(lambda: farm.health(machine)["State"] == "healthy")


def test_when_all_are_unhealthy_it_fails_open(farm: Farm) -> None:
    farm.sandbox.fault("machine_sick", where={"service": "checkout"})
    farm.until(lambda: set(farm.healths().values()) == {"unhealthy"})
    answer = requests.get(farm.url(), timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (500, "internal error")


def test_without_targets_it_answers_503(farm: Farm) -> None:
    for machine in farm.machines:
        farm.deregister(machine)
    answer = requests.get(farm.url(), timeout=5)
    assert (answer.status_code, answer.headers["Server"]) == (503, "awselb/2.0")


def test_requests_in_flight_finish_while_draining_and_are_cut_at_its_end(farm: Farm) -> None:
    farm.elbv2.modify_target_group_attributes(
        TargetGroupArn=farm.group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "40"}]
    )
    farm.deregister(farm.machines[1])
    ends: dict[float, str] = {}

    def ask(seconds: float) -> None:
        try:
            ends[seconds] = requests.get(f"{farm.url()}/slow?seconds={seconds}", timeout=10).json()["machine"]
        except requests.RequestException as error:
            ends[seconds] = type(error).__name__

    threads = [threading.Thread(target=ask, args=(seconds,)) for seconds in (0.4, 3.0)]
    for thread in threads:
        thread.start()
    farm.until(lambda: farm.sandbox.aws_state("machines")[farm.machines[0]]["in_flight"] == 2)
    farm.deregister(farm.machines[0])
    for thread in threads:
        thread.join()
    assert ends == {0.4: farm.machines[0], 3.0: "ChunkedEncodingError"}
    cut = farm.sandbox.events("killed_connection")
    assert [(event["machine"], event["requests"], event["why"]) for event in cut] == [
        (farm.machines[0], 1, "deregistered")
    ]


def test_slow_start_ramps_the_share(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.elbv2.modify_target_group_attributes(
        TargetGroupArn=farm.group, Attributes=[{"Key": "slow_start.duration_seconds", "Value": "300"}]
    )
    farm.deregister(machine)
    farm.register(machine)
    farm.until(lambda: farm.health(machine)["State"] == "healthy")

    def share() -> float:
        answers = [requests.get(farm.url(), timeout=5).json()["machine"] for _ in range(40)]
        return answers.count(machine) / len(answers)

    assert share() < 0.25
    farm.until(lambda: share() > 0.4)


def test_thresholds_and_paths_may_change(farm: Farm) -> None:
    farm.elbv2.modify_target_group(
        TargetGroupArn=farm.group, HealthCheckPath="/nowhere", Matcher={"HttpCode": "200-299"}
    )
    farm.until(lambda: set(farm.healths().values()) == {"unhealthy"})
    assert farm.health(farm.machines[0])["Description"] == "Health checks failed with these codes: [404]"
    farm.elbv2.modify_target_group(TargetGroupArn=farm.group, Matcher={"HttpCode": "200,404"})
    farm.until(lambda: set(farm.healths().values()) == {"healthy"})


def test_bad_targets_and_groups_are_refused(farm: Farm, search: Farm) -> None:
    unknown = farm.group.replace("checkout", "nothing")
    assert error_of(lambda: farm.elbv2.describe_target_health(TargetGroupArn=unknown)) == (
        "TargetGroupNotFound",
        "One or more target groups not found",
    )
    assert error_of(lambda: farm.register("i-0123456789abcdef0"))[0] == "InvalidTarget"
    assert error_of(lambda: farm.register("127.0.0.1"))[0] == "ValidationError"
    stopped = search.machines[0]
    search.ec2.stop_instances(InstanceIds=[stopped])
    assert error_of(lambda: farm.register(stopped))[0] == "InvalidTarget"
