"""The AWS CLI, unmodified, against the sandbox. Runs where ``aws`` is installed (1.46.2 was tried)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.integration.sandbox.aws.farm import NEW, Farm

AWS = shutil.which("aws", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")

pytestmark = pytest.mark.skipif(AWS is None, reason="no AWS CLI (PyPI: awscli)")


class AwsCli:
    """The AWS CLI with settings of its own, so that nobody's sign-in is touched."""

    def __init__(self, farm: Farm, home: Path) -> None:
        known = farm.sandbox.endpoints["aws"]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": known["endpoint"],
            "AWS_ACCESS_KEY_ID": known["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": known["secret_access_key"],
            "AWS_DEFAULT_REGION": known["regions"][0],
            "AWS_CONFIG_FILE": str(home / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command and return how it ended."""
        return subprocess.run(
            [str(AWS), *arguments, "--output", "json"],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def said(self, *arguments: str) -> Any:
        """Run one command that must succeed, and return what it printed."""
        ran = self.run(*arguments)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout) if ran.stdout.strip() else None


@pytest.fixture
def cli(farm: Farm, tmp_path: Path) -> AwsCli:
    return AwsCli(farm, tmp_path)


def test_a_machine_is_taken_out_deployed_and_put_back(cli: AwsCli, farm: Farm) -> None:
    machine = farm.machines[0]
    groups = cli.said("elbv2", "describe-target-groups", "--names", "checkout-production")
    arn = groups["TargetGroups"][0]["TargetGroupArn"]
    target = ("--target-group-arn", arn, "--targets", f"Id={machine}")
    cli.said("elbv2", "deregister-targets", *target)
    health = cli.said("elbv2", "describe-target-health", *target)["TargetHealthDescriptions"][0]
    assert health["TargetHealth"]["State"] in ("draining", "unused")
    farm.until(lambda: farm.health(machine)["State"] == "unused")
    cli.said("elbv2", "wait", "target-deregistered", *target)
    parameters = f"Build={NEW},Service=checkout"
    named = ("--document-name", "airlock-demo-deploy", "--instance-ids", machine, "--parameters", parameters)
    command = cli.said("ssm", "send-command", *named)["Command"]["CommandId"]
    where = ("--command-id", command, "--instance-id", machine)
    farm.ended(command, machine)
    told = cli.said("ssm", "get-command-invocation", *where)
    assert (told["Status"], told["ResponseCode"]) == ("Success", 0)
    assert f"started checkout {NEW}" in told["StandardOutputContent"]
    cli.said("elbv2", "register-targets", *target)
    farm.until(lambda: farm.health(machine)["State"] == "healthy")
    cli.said("elbv2", "wait", "target-in-service", *target)
    answers = {requests.get(farm.url(), timeout=5).json()["build"] for _ in range(6)}
    assert NEW in answers


def test_the_other_services_answer(cli: AwsCli, farm: Farm) -> None:
    assert cli.said("sts", "get-caller-identity")["Account"] == "123456789012"
    name = ("--load-balancer-name", farm.classic)
    states = cli.said("elb", "describe-instance-health", *name)["InstanceStates"]
    assert [state["State"] for state in states] == ["InService", "InService"]
    told = cli.said("ec2", "describe-instances", "--instance-ids", *farm.machines)["Reservations"]
    assert len(told) == 2
    assert cli.said("autoscaling", "describe-auto-scaling-groups")["AutoScalingGroups"] == []


def test_errors_reach_the_terminal(cli: AwsCli) -> None:
    ran = cli.run("elb", "describe-instance-health", "--load-balancer-name", "nothing")
    assert ran.returncode != 0
    assert "LoadBalancerNotFound" in ran.stderr
