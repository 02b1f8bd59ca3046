"""The endpoint as a whole: credentials, errors, journal, state, stage, reset."""

from __future__ import annotations

import io
import json
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from tests.integration.sandbox.aws.conftest import ONLY_AWS
from tests.integration.sandbox.aws.farm import NEW, OLD, Farm, error_of
from tests.sandbox_client import PROJECT, SandboxClient, SandboxRun

ONCE: dict[str, Any] = {"retries": {"total_max_attempts": 1}}


def calls(sandbox: SandboxClient, **more: Any) -> dict[str, Any]:
    """One reading call of each service."""
    return {
        "elbv2": lambda: sandbox.aws("elbv2", **more).describe_target_groups(),
        "elb": lambda: sandbox.aws("elb", **more).describe_load_balancers(),
        "ec2": lambda: sandbox.aws("ec2", **more).describe_instances(),
        "ssm": lambda: sandbox.aws("ssm", **more).list_commands(),
        "autoscaling": lambda: sandbox.aws("autoscaling", **more).describe_auto_scaling_groups(),
        "sts": lambda: sandbox.aws("sts", **more).get_caller_identity(),
    }


@pytest.mark.parametrize(
    ("service", "key", "secret"),
    [
        ("elbv2", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("elb", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("ec2", "AuthFailure", "AuthFailure"),
        ("ssm", "UnrecognizedClientException", "InvalidSignatureException"),
        ("autoscaling", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("sts", "InvalidClientTokenId", "SignatureDoesNotMatch"),
    ],
)
def test_wrong_credentials_are_refused(sandbox: SandboxClient, service: str, key: str, secret: str) -> None:
    assert calls(sandbox)[service]()
    assert error_of(calls(sandbox, aws_access_key_id="AKIAUNKNOWN000000001")[service])[0] == key
    assert error_of(calls(sandbox, aws_secret_access_key="wrong")[service])[0] == secret


@pytest.mark.parametrize("service", ["elbv2", "elb", "ec2", "ssm", "autoscaling", "sts"])
def test_throttling_and_missing_permissions_in_each_services_words(
    sandbox: SandboxClient, service: str
) -> None:
    from botocore.config import Config

    call = calls(sandbox, config=Config(**ONCE))[service]
    sandbox.fault("throttled", times=1)
    code = error_of(call)[0]
    assert code in ("Throttling", "ThrottlingException", "RequestLimitExceeded")
    sandbox.fault("access_denied", times=1)
    code, text = error_of(call)
    assert code in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
    assert "is not authorized to perform: " in text
    call()


def test_a_denied_action_is_named(farm: Farm) -> None:
    action = "elasticloadbalancing:DeregisterTargets"
    farm.sandbox.fault("access_denied", where={"operation": action})
    code, text = error_of(lambda: farm.deregister(farm.machines[0]))
    assert (code, action in text) == ("AccessDenied", True)
    assert farm.healths()[farm.machines[0]] == "healthy"
    entry = farm.sandbox.requests_of(action)[0]
    assert (entry["status"], entry["fault"], entry["machines"]) == (403, "access_denied", [farm.machines[0]])


def test_an_assumed_role_may_do_the_same(sandbox: SandboxClient) -> None:
    role = "arn:aws:iam::123456789012:role/releases"
    given = sandbox.aws("sts").assume_role(RoleArn=role, RoleSessionName="airlock")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    assert len(sandbox.aws("elbv2", **keys).describe_target_groups()["TargetGroups"]) == 3
    who = [sandbox.aws("sts", **more).get_caller_identity()["Arn"] for more in ({}, keys)]
    assert who[0] == "arn:aws:iam::123456789012:user/sandbox"
    assert who[1].endswith("assumed-role/releases/airlock")


def test_a_lost_reply_was_carried_out(farm: Farm) -> None:
    from botocore.config import Config

    farm.sandbox.fault("lost_reply", where={"operation": "DeregisterTargets"}, times=1)
    client = farm.sandbox.aws("elbv2", config=Config(**ONCE))
    with pytest.raises(ConnectionClosedError):
        client.deregister_targets(TargetGroupArn=farm.group, Targets=[{"Id": farm.machines[0]}])
    assert farm.healths()[farm.machines[0]] == "draining"
    entry = farm.sandbox.requests_of("elasticloadbalancing:DeregisterTargets")[0]
    assert (entry["status"], entry["fault"]) == (200, "lost_reply")


def test_a_dropped_connection_was_not(farm: Farm) -> None:
    from botocore.config import Config

    farm.sandbox.fault("connection_dropped", where={"machine": farm.machines[0]}, times=1)
    client = farm.sandbox.aws("elbv2", config=Config(**ONCE))
    with pytest.raises(ConnectionClosedError):
        client.deregister_targets(TargetGroupArn=farm.group, Targets=[{"Id": farm.machines[0]}])
    assert farm.healths()[farm.machines[0]] == "healthy"


def test_a_slow_answer_and_a_failure_of_the_service(farm: Farm) -> None:
    from botocore.config import Config

    client = farm.sandbox.aws("elbv2", config=Config(read_timeout=0.3, **ONCE))
    farm.sandbox.fault("slow_answer", where={"operation": "RegisterTargets"}, delay=0.6)
    with pytest.raises(ReadTimeoutError):
        client.register_targets(TargetGroupArn=farm.group, Targets=[{"Id": farm.machines[0]}])
    farm.sandbox.fault("server_error", where={"group": "checkout-production"}, times=1)
    with pytest.raises(ClientError) as failed:
        client.describe_target_health(TargetGroupArn=farm.group)
    assert failed.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


def test_what_is_not_offered_says_so(sandbox: SandboxClient) -> None:
    code, text = error_of(lambda: sandbox.aws("elbv2").describe_trust_stores())
    assert code == "InvalidAction"
    assert "elasticloadbalancing:DescribeTrustStores" in text
    assert error_of(lambda: sandbox.aws("cloudformation").list_stacks())[0] == "InvalidAction"
    answer = requests.get(sandbox.endpoints["aws"]["endpoint"], timeout=5)
    assert (answer.status_code, "MissingAuthenticationToken" in answer.text) == (403, True)


def test_the_journal_has_each_change_in_order_and_no_read(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.healths()
    farm.deregister(machine)
    farm.detach(machine)
    command = farm.send(machine)
    farm.ended(command, machine)
    requests_made = [e for e in farm.sandbox.journal(service="checkout") if "event" not in e]
    assert [(entry["operation"], entry["machines"], entry["groups"]) for entry in requests_made] == [
        ("elasticloadbalancing:DeregisterTargets", [machine], ["checkout-production"]),
        (
            "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
            [machine],
            ["checkout-production-classic"],
        ),
        ("ssm:SendCommand", [machine], ["airlock-demo-deploy"]),
    ]
    assert requests_made[2]["body"]["Parameters"]["Build"] == [NEW]
    assert [event["build"] for event in farm.sandbox.events("deployed")] == [NEW]
    counts = farm.sandbox.counts()["services"]["checkout"]
    assert counts["elasticloadbalancing:DescribeTargetHealth"] == 1


def test_state_stage_and_reset(farm: Farm) -> None:
    machine = farm.machines[0]
    farm.sandbox.stage_machine(machine, NEW)
    assert farm.page(machine).json()["build"] == NEW
    farm.deregister(machine)
    state = farm.sandbox.aws_state("target_groups")["checkout-production"]["targets"]
    assert {name: held["state"] for name, held in state.items()} == {
        f"{farm.machines[0]}:8080": "draining",
        f"{farm.machines[1]}:8080": "healthy",
    }
    farm.sandbox.reset()
    assert farm.healths() == dict.fromkeys(farm.machines, "healthy")
    assert farm.page(machine).json()["build"] == OLD
    assert farm.sandbox.journal() == []
    assert requests.get(farm.url(), timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"machine": "i-0", "build": NEW}, "no machine"),
        ({"machine": "", "build": NEW, "slot": "x"}, "unknown key"),
    ],
)
def test_a_wrong_stage_is_refused(sandbox: SandboxClient, asked: dict[str, str], text: str) -> None:
    answer = requests.post(sandbox.endpoints["control"] + "/sandbox/stage", json=asked, timeout=5)
    assert (answer.status_code, text in answer.json()["error"]) == (400, True)


def test_reads_of_load_balancers_are_limited_when_asked(tmp_path: Path) -> None:
    from botocore.config import Config

    run = SandboxRun(tmp_path, {"services": ONLY_AWS, "aws": {"limits": True}})
    try:
        client = run.client.aws("elbv2", config=Config(**ONCE))
        with pytest.raises(ClientError, match="Rate exceeded"):
            for _ in range(200):
                client.describe_target_groups()
        assert run.client.aws("ssm").list_commands()["Commands"] == []
    finally:
        assert run.stop() == 0


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeError, match=f"127.80.* {port}"):
            SandboxRun(tmp_path, {"services": ONLY_AWS, "aws": {"listener_port": port}})


def test_the_pages_example_runs(sandbox: SandboxClient) -> None:
    page = (PROJECT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    block = next(found for found in re.findall(r"```python\n(.*?)```", page, re.S) if "boto3" in found)
    known = json.dumps(sandbox.endpoints)
    told: dict[str, Any] = {"open": lambda _path: io.StringIO(known)}
    exec(block, told)
    machine = told["sent"]["Command"]["InstanceIds"][0]
    sandbox.wait_until(lambda: sandbox.aws_state("machines")[machine]["build"] == NEW)


def test_two_sandboxes_run_side_by_side(sandbox: SandboxClient, tmp_path: Path) -> None:
    started = time.monotonic()
    other = SandboxRun(tmp_path, {"services": ONLY_AWS})
    try:
        assert time.monotonic() - started < 20
        urls = [Farm(each).url() for each in (sandbox, other.client)]
        assert urls[0] != urls[1]
        assert [requests.get(url, timeout=5).status_code for url in urls] == [200, 200]
    finally:
        assert other.stop() == 0
