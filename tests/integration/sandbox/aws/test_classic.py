"""A classic load balancer's instances come and go as AWS documents it."""

from __future__ import annotations

import threading

import pytest
import requests

from tests.integration.sandbox.aws.farm import Farm, error_of

REGISTERING = {
    "State": "OutOfService",
    "ReasonCode": "ELB",
    "Description": "Instance registration is still in progress.",
}


def without_id(state: dict[str, str]) -> dict[str, str]:
    """A state without the machine's id."""
    return {key: value for key, value in state.items() if key != "InstanceId"}


def test_in_service_at_the_start(farm: Farm) -> None:
    assert without_id(farm.instance(farm.machines[0])) == {
        "State": "InService",
        "ReasonCode": "N/A",
        "Description": "N/A",
    }
    assert requests.get(farm.url("classic"), timeout=5).json()["service"] == "checkout"


def test_draining_is_in_service_with_a_description_and_ends_when_idle(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.detach(farm.machines[1])
    thread = threading.Thread(
        target=lambda: requests.get(farm.url("classic") + "/slow?seconds=0.6", timeout=10)
    )
    thread.start()
    farm.until(lambda: farm.sandbox.aws_state("machines")[machine]["in_flight"] == 1)
    farm.detach(machine)
    assert without_id(farm.instance(machine)) == {
        "State": "InService",
        "ReasonCode": "N/A",
        "Description": "Instance deregistration currently in progress.",
    }
    thread.join()
    farm.until(lambda: error_of(lambda: farm.instance(machine))[0] == "InvalidInstance", 0.5)


def test_a_deregistered_instance_is_unknown_by_id_and_absent_from_the_list(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.detach(machine)
    farm.elb.get_waiter("instance_deregistered").wait(
        LoadBalancerName=farm.classic,
        Instances=[{"InstanceId": machine}],
        WaiterConfig={"Delay": 1, "MaxAttempts": 5},
    )
    assert error_of(lambda: farm.instance(machine)) == (
        "InvalidInstance",
        f"Could not find EC2 instance {machine}.",
    )
    states = farm.elb.describe_instance_health(LoadBalancerName=farm.classic)["InstanceStates"]
    assert [state["InstanceId"] for state in states] == [farm.machines[1]]
    told = farm.elb.describe_load_balancers(LoadBalancerNames=[farm.classic])["LoadBalancerDescriptions"][0]
    assert told["Instances"] == [{"InstanceId": farm.machines[1]}]
    farm.detach(machine)


def test_registration_goes_through_out_of_service(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.detach(machine)
    farm.until(lambda: machine not in str(farm.sandbox.aws_state("classic")[farm.classic]))
    farm.attach(machine)
    assert without_id(farm.instance(machine)) == REGISTERING
    farm.until(lambda: farm.instance(machine)["State"] == "InService")
    farm.attach(machine)
    assert farm.instance(machine)["State"] == "InService"


def test_a_sick_instance_is_out_of_service_and_none_left_is_503(farm: Farm) -> None:
    farm.sandbox.fault("machine_sick", where={"service": "checkout"})
    farm.until(lambda: farm.instance(farm.machines[0])["State"] == "OutOfService")
    state = farm.instance(farm.machines[0])
    assert (state["ReasonCode"], state["Description"]) == (
        "Instance",
        "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
    )
    farm.until(lambda: requests.get(farm.url("classic"), timeout=5).status_code == 503)


def test_without_draining_requests_in_flight_are_cut_at_once(farm: Farm) -> None:
    farm.elb.modify_load_balancer_attributes(
        LoadBalancerName=farm.classic, LoadBalancerAttributes={"ConnectionDraining": {"Enabled": False}}
    )
    farm.detach(farm.machines[1])
    ends: list[str] = []

    def ask() -> None:
        try:
            requests.get(farm.url("classic") + "/slow?seconds=5", timeout=10)
        except requests.RequestException as error:
            ends.append(type(error).__name__)

    thread = threading.Thread(target=ask)
    thread.start()
    farm.until(lambda: farm.sandbox.aws_state("machines")[farm.machines[0]]["in_flight"] == 1)
    farm.detach(farm.machines[0])
    thread.join()
    assert ends == ["ChunkedEncodingError"]
    assert error_of(lambda: farm.instance(farm.machines[0]))[0] == "InvalidInstance"


def test_a_new_one_has_awss_defaults(farm: Farm) -> None:
    subnets = [
        each["SubnetId"] for each in farm.ec2.describe_subnets()["Subnets"] if "127.80" in each["CidrBlock"]
    ]
    name = farm.elb.create_load_balancer(
        LoadBalancerName="mine",
        Listeners=[
            {"Protocol": "HTTP", "LoadBalancerPort": 8091, "InstanceProtocol": "HTTP", "InstancePort": 8080}
        ],
        Subnets=subnets,
    )["DNSName"]
    attributes = farm.elb.describe_load_balancer_attributes(LoadBalancerName="mine")["LoadBalancerAttributes"]
    assert attributes["ConnectionDraining"]["Enabled"] is False
    assert attributes["CrossZoneLoadBalancing"]["Enabled"] is False
    farm.elb.register_instances_with_load_balancer(
        LoadBalancerName="mine", Instances=[{"InstanceId": machine} for machine in farm.machines]
    )
    farm.elb.configure_health_check(
        LoadBalancerName="mine",
        HealthCheck={
            "Target": "TCP:8080",
            "Interval": 5,
            "Timeout": 2,
            "UnhealthyThreshold": 2,
            "HealthyThreshold": 2,
        },
    )
    farm.until(lambda: requests.get(f"http://{name}:8091", timeout=5).status_code == 200)
    farm.elb.delete_load_balancer(LoadBalancerName="mine")
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{name}:8091", timeout=5)


def test_unknown_names_are_refused(farm: Farm) -> None:
    assert (
        error_of(lambda: farm.elb.describe_instance_health(LoadBalancerName="nothing"))[0]
        == "LoadBalancerNotFound"
    )
    assert error_of(lambda: farm.attach("i-0123456789abcdef0"))[0] == "InvalidInstance"
    ask = farm.elb.describe_load_balancers
    assert error_of(lambda: ask(LoadBalancerNames=["nothing"]))[0] == "LoadBalancerNotFound"
