"""What the preflight refuses, or warns of, before anything is touched."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from include.airlock.model.record import Outcome
from tests.integration.aws.trace import ATTACH, DETACH, Scene
from tests.integration.aws.world import rolling
from tests.integration.rehearsal import NEW, Rehearsal
from tests.sandbox_client import SandboxClient


def refused(release: Rehearsal) -> str:
    """The sentence of a release that must be refused, with nothing touched."""
    outcome, sentence = release.go()
    assert outcome is Outcome.REFUSED, sentence
    assert "refused before anything was touched" in sentence
    assert release.ledger.lock() is None
    return sentence


def no_changes(farm: Scene) -> None:
    assert farm.asked(*DETACH, *ATTACH, "SendCommand") == []


@pytest.mark.parametrize(
    ("farm", "says"),
    [
        ({"target_groups": ("orders-prodution",)}, ("orders-prodution", "orders-production")),
        ({"classic_load_balancers": ("orders-productions-classic",)}, ("orders-productions-classic",)),
        ({"instances": ("i-0123456789abcdef0",)}, ("i-0123456789abcdef0",)),
        ({"autoscaling_group": "orders"}, ("no machine of the farm is in Auto Scaling group orders",)),
    ],
    ids=["group", "classic", "machine", "scaling"],
)
def test_a_name_that_does_not_exist(
    roll: Any, scene: Scene, farm: dict[str, Any], says: tuple[str, ...]
) -> None:
    sentence = refused(roll(farm=farm))
    assert all(word in sentence for word in says), sentence
    no_changes(scene)


@pytest.mark.parametrize(
    ("deploy", "says"),
    [
        ({"document": "airlock-demo-deplo"}, "airlock-demo-deplo"),
        ({"parameters": {"Colour": ("red",)}}, "Colour"),
        ({"build_parameter": "Version"}, "Version"),
        ({"parameters": {"Service": ("; reboot",)}}, "Service"),
    ],
    ids=["document", "parameter", "build_parameter", "pattern"],
)
def test_a_document_that_does_not_fit(roll: Any, scene: Scene, deploy: dict[str, Any], says: str) -> None:
    sentence = refused(roll(more={"deploy": rolling().deploy.model_copy(update=deploy)}))
    assert says in sentence
    no_changes(scene)


def test_a_machine_in_no_group(roll: Any, scene: Scene) -> None:
    # Given a listed machine that somebody took out of its groups
    first, second = scene.machines
    for group in scene.groups:
        _take_out(scene, group, second)
    # When the farm is released / Then it is refused
    sentence = refused(roll(farm={"instances": (first, second)}))
    assert f"{second} is in no target group and no classic load balancer" in sentence


def test_an_empty_farm(roll: Any, scene: Scene) -> None:
    # Given groups from which everybody was taken out / When the farm is released / Then it is refused
    for group in scene.groups:
        for machine in scene.machines:
            _take_out(scene, group, machine)
    assert "farm 'production' is empty" in refused(roll())


def _take_out(scene: Scene, group: str, machine: str) -> None:
    if group.endswith("classic"):
        elb = scene.sandbox.aws("elb")
        elb.deregister_instances_from_load_balancer(
            LoadBalancerName=group, Instances=[{"InstanceId": machine}]
        )
    else:
        arn = scene.told["target_groups"][group]
        scene.sandbox.aws("elbv2").deregister_targets(TargetGroupArn=arn, Targets=[{"Id": machine}])
    scene.sandbox.wait_until(lambda: machine not in str(scene.standings()[group]))


def test_one_machine_and_a_floor_of_one(roll: Any, sandbox: SandboxClient) -> None:
    # Given a farm of one machine / When it is released / Then it is refused: nobody would serve
    farm = Scene(sandbox, "lonely")
    assert "would keep 0 healthy of the 1 that it needs" in refused(roll("lonely"))
    no_changes(farm)


def test_one_machine_whose_owner_allows_an_outage(roll: Any, sandbox: SandboxClient) -> None:
    # Given the same farm, and a written floor of none / When it is released / Then it is done
    farm = Scene(sandbox, "lonely")
    release: Rehearsal = roll("lonely", more={"min_healthy": 0})
    assert release.go()[0] is Outcome.RELEASED, release.errors
    assert farm.builds() == [NEW]


def test_a_zone_that_would_be_left_alone(roll: Any, sandbox: SandboxClient) -> None:
    # Given three machines, one of them alone in its zone, and balancing within zones only
    farm = Scene(sandbox, "addresses")
    [arn] = farm.told["target_groups"].values()
    within = {"Key": "load_balancing.cross_zone.enabled", "Value": "false"}
    sandbox.aws("elbv2").modify_target_group_attributes(TargetGroupArn=arn, Attributes=[within])
    # When it is released / Then it is refused
    assert "it does not reach across zones" in refused(roll("addresses", {"classic_load_balancers": ()}))
    no_changes(farm)


def test_the_other_machine_is_sick(roll: Any, scene: Scene) -> None:
    # Given a machine that its groups find unhealthy / When the farm is released / Then it is refused
    first, second = scene.machines
    scene.sandbox.fault("machine_sick", where={"machine": second})
    scene.sandbox.wait_until(lambda: "unhealthy" in str(scene.standings()["orders-production"]))
    sentence = refused(roll())
    assert f"{second} is unhealthy in orders-production" in sentence
    assert f"{first} could not leave" in sentence
    no_changes(scene)


def test_draining_that_is_off_is_a_warning(roll: Any, scene: Scene) -> None:
    # Given a classic load balancer without connection draining / When the farm is released
    scene.sandbox.aws("elb").modify_load_balancer_attributes(
        LoadBalancerName="orders-production-classic",
        LoadBalancerAttributes={"ConnectionDraining": {"Enabled": False}},
    )
    release: Rehearsal = roll()
    assert release.step("preflight"), release.errors
    # Then it is not refused, and people are warned
    [warning] = release.record.warnings
    assert "orders-production-classic: connection draining is off" in warning


@pytest.mark.parametrize("operation", ["DescribeTargetHealth", "DescribeInstances", "GetDocument"])
def test_a_read_that_is_not_allowed(roll: Any, scene: Scene, operation: str) -> None:
    # Given credentials without a right to read / When the farm is released / Then the action is named
    scene.sandbox.fault("access_denied", where={"operation": operation})
    assert f":{operation}" in refused(roll())
    no_changes(scene)


def test_a_wrong_key(roll: Any, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a connection whose access key AWS does not know / When the farm is released / Then it is refused
    row = json.loads(os.environ["AIRFLOW_CONN_AWS_EU_WEST_1"])
    monkeypatch.setenv("AIRFLOW_CONN_AWS_EU_WEST_1", json.dumps(row | {"login": "AKIAWRONG00000000000"}))
    sentence = refused(roll())
    assert "aws_eu_west_1" in sentence and row["password"] not in sentence
    no_changes(scene)
