"""Other farms than the examples: a Network Load Balancer, targets by address, zones on their own."""

from __future__ import annotations

import contextlib
import socket
from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from tests.integration.sandbox.aws.conftest import ONLY_AWS
from tests.integration.sandbox.aws.farm import REGION, SPEED, Farm, error_of, timed
from tests.sandbox_client import SandboxClient, SandboxRun


@pytest.fixture(scope="module")
def shapes_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox with three services of other shapes, one of them in two regions."""

    def service(**farm: object) -> dict[str, object]:
        return {"regions": {REGION: {"farms": {"production": farm}}}}

    orders = service(target_group="network", cross_zone=False)
    orders["regions"]["us-east-1"] = {"farms": {"production": {"target_group": "application"}}}  # type: ignore[index]
    aws = {
        "services": {
            "checkout": None,
            "search": None,
            "orders": orders,
            "carts": service(target_group="application", target_type="ip"),
            "mails": service(target_group="application", machines=3, zones=["a", "a", "b"], cross_zone=False),
        }
    }
    run = SandboxRun(tmp_path_factory.mktemp("shapes"), {"speed": SPEED, "services": ONLY_AWS, "aws": aws})
    yield run
    assert run.stop() == 0


@pytest.fixture
def shapes(shapes_run: SandboxRun) -> SandboxClient:
    shapes_run.client.reset()
    return shapes_run.client


def test_a_network_load_balancer_carries_connections(shapes: SandboxClient) -> None:
    farm = Farm(shapes, "orders")
    assert farm.healths() == dict.fromkeys(farm.machines, "healthy")
    client = requests.Session()
    held = client.get(farm.url("nlb"), timeout=5).json()["machine"]
    assert {client.get(farm.url("nlb"), timeout=5).json()["machine"] for _ in range(6)} == {held}
    fresh = {requests.get(farm.url("nlb"), timeout=5).json()["machine"] for _ in range(6)}
    assert fresh == set(farm.machines)


def test_a_kept_connection_outlives_the_deregistration_of_its_target(shapes: SandboxClient) -> None:
    farm = Farm(shapes, "orders")
    client = requests.Session()
    held = client.get(farm.url("nlb"), timeout=5).json()["machine"]
    farm.deregister(held)
    fresh = {requests.get(farm.url("nlb"), timeout=5).json()["machine"] for _ in range(6)}
    assert held not in fresh
    farm.until(lambda: farm.health(held)["State"] == "unused")
    assert client.get(farm.url("nlb"), timeout=5).json()["machine"] == held


def test_connection_termination_ends_it(shapes: SandboxClient) -> None:
    farm = Farm(shapes, "orders")
    farm.elbv2.modify_target_group_attributes(
        TargetGroupArn=farm.group,
        Attributes=[{"Key": "deregistration_delay.connection_termination.enabled", "Value": "true"}],
    )
    host, port = farm.url("nlb").removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as held:
        carrying = shapes.wait_until(
            lambda: [
                name
                for name, target in shapes.aws_state("target_groups")["orders-production"]["targets"].items()
                if target["in_flight"]
            ]
        )
        farm.deregister(carrying[0].partition(":")[0])
        with contextlib.suppress(ConnectionResetError):
            assert held.recv(1) == b""


def test_registering_behind_a_network_load_balancer_takes_minutes(shapes: SandboxClient) -> None:
    farm = Farm(shapes, "orders")
    machine = farm.machines[0]
    farm.deregister(machine)
    farm.register(machine)
    assert timed(lambda: farm.until(lambda: farm.health(machine)["State"] == "healthy")) > 180


def test_targets_by_address(shapes: SandboxClient) -> None:
    farm = Farm(shapes, "carts")
    address = farm.told["instances"][farm.machines[0]]["address"]
    assert set(farm.healths()) == {held["address"] for held in farm.told["instances"].values()}
    farm.deregister(address)
    assert farm.health(address)["State"] == "draining"
    farm.register(address)
    farm.until(lambda: farm.health(address)["State"] == "healthy")
    assert error_of(lambda: farm.register(farm.machines[0]))[0] == "ValidationError"


def test_without_cross_zone_each_zone_gets_its_half(shapes: SandboxClient) -> None:
    farm = Farm(shapes, "mails")
    zones = {machine: held["zone"] for machine, held in farm.told["instances"].items()}
    alone = next(machine for machine in zones if list(zones.values()).count(zones[machine]) == 1)
    seen = Counter(requests.get(farm.url(), timeout=5).json()["machine"] for _ in range(16))
    assert seen[alone] == 8
    farm.deregister(alone)
    seen = Counter(requests.get(farm.url(), timeout=5).json()["machine"] for _ in range(8))
    assert alone not in seen


def test_regions_are_apart(shapes: SandboxClient) -> None:
    assert shapes.endpoints["aws"]["regions"] == [REGION, "us-east-1"]
    names = [
        {
            each["TargetGroupName"]
            for each in shapes.aws("elbv2", region).describe_target_groups()["TargetGroups"]
        }
        for region in (REGION, "us-east-1")
    ]
    assert names == [{"orders-production", "carts-production", "mails-production"}, {"orders-production"}]
    url = shapes.endpoints["services"]["orders"]["regions"]["us-east-1"]["farms"]["production"]["public"]
    page = requests.get(url["orders-production-alb"] + "/status", timeout=5).json()
    assert page["region"] == "us-east-1"
    states = shapes.aws_state("target_groups")
    assert set(states["us-east-1/orders-production"]["targets"]).isdisjoint(
        states["orders-production"]["targets"]
    )


def test_a_machine_that_is_launched_and_registered_serves(shapes: SandboxClient) -> None:
    farm = Farm(shapes, "carts")
    subnet = next(
        each for each in farm.ec2.describe_subnets()["Subnets"] if each["CidrBlock"].startswith("127.80.")
    )
    machine = farm.ec2.run_instances(
        ImageId="ami-12c6146b",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet["SubnetId"],
        TagSpecifications=[
            {
                "ResourceType": "instance",
                "Tags": [{"Key": "Service", "Value": "carts"}, {"Key": "Build", "Value": "2026.11.3"}],
            }
        ],
    )["Instances"][0]
    address = machine["PrivateIpAddress"]
    farm.register(address)
    assert farm.health(address)["State"] == "initial"
    farm.until(lambda: farm.health(address)["State"] == "healthy")
    assert requests.get(f"http://{address}:8080/status", timeout=5).json()["build"] == "2026.11.3"
    farm.ec2.terminate_instances(InstanceIds=[machine["InstanceId"]])
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{address}:8080/status", timeout=5)
