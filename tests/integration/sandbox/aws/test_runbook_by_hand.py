"""docs/runbook.md: what it says to do by hand on AWS, done by the AWS CLI as it is written there."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.integration.sandbox.aws.farm import Farm
from tests.integration.sandbox.aws.test_clients_aws_cli import AWS, AwsCli
from tests.sandbox_client import SandboxClient
from tests.unit.pages import blocks

pytestmark = pytest.mark.skipif(AWS is None, reason="no AWS CLI (PyPI: awscli)")

LINES = [
    line for block in blocks("docs/runbook.md", "bash") for line in block.splitlines() if line[:4] == "aws "
]


def written(words: str, **values: str) -> list[str]:
    """The arguments of the one command shown that has these words, its variables filled in."""
    (line,) = [each for each in LINES if words in each]
    for name, value in values.items():
        line = line.replace(f"${name}", value)
    return shlex.split(line)[1:]


def test_a_machine_is_put_back(farm: Farm, tmp_path: Path) -> None:
    # Given a machine that was left out of its group
    cli, machine = AwsCli(farm, tmp_path), farm.machines[0]
    farm.deregister(machine)
    farm.until(lambda: machine not in farm.healths())
    # When it is put back as the page says
    put = written("register-targets", GROUP=farm.group)
    cli.said(*[word.replace("i-0aaaaaaaaaaaaaaa2", machine) for word in put])
    # Then it serves, as the next command shows
    farm.until(lambda: farm.healths().get(machine) == "healthy")
    shown = cli.said(*written("describe-target-health", GROUP=farm.group))["TargetHealthDescriptions"]
    assert {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in shown}[machine] == "healthy"


def test_all_requests_go_to_the_old_group(sandbox: SandboxClient, tmp_path: Path) -> None:
    # Given a listener with two groups, of which the second serves
    pair = Farm(sandbox, "search")
    blue, green = (pair.told["target_groups"][f"search-{side}"] for side in ("blue", "green"))
    listener = pair.told["listener"]
    pair.elbv2.modify_listener(
        ListenerArn=listener, DefaultActions=[{"Type": "forward", "TargetGroupArn": green}]
    )
    # When it is set back as the page says
    AwsCli(pair, tmp_path).said(*written("modify-listener", LISTENER=listener, OLD_GROUP=blue))
    # Then the old group has all requests
    (action,) = pair.elbv2.describe_listeners(ListenerArns=[listener])["Listeners"][0]["DefaultActions"]
    assert action["TargetGroupArn"] == blue


def test_every_command_shown_is_tried() -> None:
    assert [line.split()[2] for line in LINES] == [
        *("register-targets", "describe-target-health", "modify-listener")
    ]
