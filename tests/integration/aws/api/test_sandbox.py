"""The looks and the acts against the sandbox's AWS, where machines, load balancers and commands are real."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from include.airlock.aws import commands, documents, groups, listeners, machines
from include.airlock.aws.connection import AwsAccess, read_connection
from include.airlock.aws.group import Group
from include.airlock.aws.standing import Standing
from include.airlock.errors import Denied, NotFound, Rejected, Throttled, Unreachable
from tests.sandbox_client import SandboxClient

NEW = "2026.11.2"
DOCUMENT = "airlock-demo-deploy"


@pytest.fixture
def access(connections: None) -> AwsAccess:
    return read_connection("aws_eu_west_1")


@pytest.fixture
def target_group(access: AwsAccess) -> Group:
    return groups.find(access, ["checkout-production"], [])[0]


@pytest.fixture
def production(access: AwsAccess, target_group: Group) -> list[str]:
    """The ids of checkout's production machines."""
    return [member.machine for member in groups.members(access, target_group)]


@pytest.fixture
def classic(access: AwsAccess) -> Group:
    return groups.find(access, [], ["checkout-production-classic"])[0]


def until(true: Callable[[], bool], within: float = 20.0) -> None:
    """Look until something is so."""
    ends = time.monotonic() + within
    while not true():
        assert time.monotonic() < ends, "it did not come to be so"
        time.sleep(0.05)


def standing(access: AwsAccess, group: Group, machine: str) -> Standing:
    return groups.members(access, group, [(machine, 8080)])[0].standing


def send(access: AwsAccess, machine: str, build: str = NEW, comment: str = "airlock r1") -> str:
    parameters = {"Build": [build]}
    return commands.send(access, machine, DOCUMENT, None, parameters, comment, timedelta(minutes=10))


def end_of(access: AwsAccess, command: str, machine: str) -> commands.CommandState:
    until(lambda: commands.state(access, command, machine).status.over)
    return commands.state(access, command, machine)


def test_the_machines_of_a_group_are_found_where_they_are(
    sandbox: SandboxClient, access: AwsAccess, target_group: Group, production: list[str]
) -> None:
    found = machines.describe(access, production)
    held = sandbox.region("checkout", "eu-west-1")["farms"]["production"]["instances"]
    assert {id_: (row.private_ip, row.zone) for id_, row in found.items()} == {
        id_: (row["address"], row["zone"]) for id_, row in held.items()
    }
    zones = {id_: row.zone for id_, row in found.items()}
    members = groups.members(access, target_group, zones=zones)
    assert {(row.machine, row.port, row.zone, row.standing) for row in members} == {
        (id_, 8080, row["zone"], Standing.IN_SERVICE) for id_, row in held.items()
    }


def test_a_classic_group_that_the_spec_forgot_is_found(access: AwsAccess, production: list[str]) -> None:
    found = {group.name for group in groups.all_groups(access, holding=production)}
    assert found == {"checkout-production", "checkout-production-classic"}


def test_the_public_addresses_answer(
    sandbox: SandboxClient, access: AwsAccess, target_group: Group, classic: Group
) -> None:
    public = sandbox.region("checkout", "eu-west-1")["farms"]["production"]["public"]
    assert [row.url for row in groups.public_addresses(access, target_group)] == [
        public["checkout-production-alb"]
    ]
    assert [row.url for row in groups.public_addresses(access, classic)] == [
        public["checkout-production-classic"]
    ]


@pytest.mark.parametrize("kind", ["target_group", "classic"])
def test_out_drained_in_and_healthy(
    request: pytest.FixtureRequest, access: AwsAccess, production: list[str], kind: str
) -> None:
    """Given a member, when it leaves and returns, then it drains, is out, registers and serves again."""
    group: Group = request.getfixturevalue(kind)
    first, second = production
    groups.detach(access, group, first, 8080, None)
    assert standing(access, group, first) in (Standing.DRAINING, Standing.OUT)
    until(lambda: standing(access, group, first) is Standing.OUT)
    assert standing(access, group, second) is Standing.IN_SERVICE
    groups.attach(access, group, first, 8080, None)
    assert standing(access, group, first) in (Standing.REGISTERING, Standing.IN_SERVICE)
    until(lambda: standing(access, group, first) is Standing.IN_SERVICE)


def test_a_draining_target_is_registered_again(
    access: AwsAccess, target_group: Group, production: list[str]
) -> None:
    first = production[0]
    groups.detach(access, target_group, first, 8080, None)
    groups.detach(access, target_group, first, 8080, None)
    assert standing(access, target_group, first) is Standing.DRAINING
    groups.attach(access, target_group, first, 8080, None)
    until(lambda: standing(access, target_group, first) is Standing.IN_SERVICE)


def test_a_second_detach_of_a_classic_load_balancer(
    access: AwsAccess, classic: Group, production: list[str]
) -> None:
    """Whether it is an error or not, the look after it says the same."""
    first = production[0]
    groups.detach(access, classic, first, 8080, None)
    until(lambda: standing(access, classic, first) is Standing.OUT)
    try:
        groups.detach(access, classic, first, 8080, None)
    except Rejected as fault:
        assert fault.code == "InvalidInstance"
    assert standing(access, classic, first) is Standing.OUT


def test_a_target_that_turns_sick_is_unhealthy(
    sandbox: SandboxClient, access: AwsAccess, target_group: Group, production: list[str]
) -> None:
    sandbox.fault("machine_sick", where={"machine": production[0]})
    until(lambda: standing(access, target_group, production[0]) is Standing.UNHEALTHY)
    assert standing(access, target_group, production[1]) is Standing.IN_SERVICE


def test_an_unused_group_proves_nothing(access: AwsAccess) -> None:
    """Given the idle group of a blue/green pair, then its members are neither out nor in service."""
    (green,) = groups.find(access, ["search-green"], [])
    found = groups.members(access, green)
    assert len(found) == 2
    assert {row.standing for row in found} == {Standing.UNKNOWN}
    assert "Target.NotInUse" in found[0].reason


def test_the_switch_is_one_call_and_the_idle_group_warms_up_at_weight_zero(
    sandbox: SandboxClient, access: AwsAccess
) -> None:
    blue, green = groups.find(access, ["search-blue", "search-green"], [])
    route = listeners.find(access, listener="search-alb:8090")
    assert route.forward.weights.get(blue.key)
    assert (
        listeners.public_address(access, route).url
        == (sandbox.region("search", "eu-west-1")["public"]["search-alb"])
    )
    listeners.set_weights(access, route, {green.key: 0})
    until(lambda: {row.standing for row in groups.members(access, green)} == {Standing.IN_SERVICE})
    listeners.set_weights(access, listeners.read(access, route), {blue.key: 0, green.key: 100})
    assert listeners.read(access, route).forward.weights == {blue.key: 0, green.key: 100}
    assert len(sandbox.requests_of("elasticloadbalancing:ModifyListener")) == 2


def test_a_deploy_runs_and_says_how_it_went(
    sandbox: SandboxClient, access: AwsAccess, production: list[str]
) -> None:
    begun = datetime.now(UTC)
    first = production[0]
    assert commands.pings(access, [first, "i-0123456789abcdef0"]) == {
        first: commands.Ping.ONLINE,
        "i-0123456789abcdef0": commands.Ping.UNMANAGED,
    }
    command = send(access, first)
    assert not commands.state(access, command, first).status.over
    ended = end_of(access, command, first)
    assert (ended.status, ended.exit_code) == (commands.Status.SUCCEEDED, 0)
    assert NEW in ended.output
    assert commands.find_sent(access, first, "airlock r1", begun) == command
    assert commands.find_sent(access, first, "airlock r2", begun) is None
    assert commands.find_sent(access, production[1], "airlock r1", begun) is None
    (deployed,) = sandbox.events("deployed")
    assert (deployed["machine"], deployed["build"]) == (first, NEW)


def test_a_failed_deploy(sandbox: SandboxClient, access: AwsAccess, production: list[str]) -> None:
    sandbox.fault("deploy_fails", where={"machine": production[0]})
    ended = end_of(access, send(access, production[0]), production[0])
    assert ended.status is commands.Status.FAILED
    assert ended.exit_code not in (0, None)


def test_a_command_is_cancelled(sandbox: SandboxClient, access: AwsAccess, production: list[str]) -> None:
    sandbox.fault("command_never_ends", where={"machine": production[0]})
    command = send(access, production[0])
    until(lambda: commands.state(access, command, production[0]).status is commands.Status.RUNNING)
    commands.cancel(access, command, production[0])
    assert end_of(access, command, production[0]).status is commands.Status.CANCELLED


def test_a_command_whose_answer_was_lost_is_found(
    sandbox: SandboxClient, access: AwsAccess, production: list[str]
) -> None:
    """Given a reply that is cut, then it was sent once, runs, and its comment finds it."""
    begun = datetime.now(UTC)
    sandbox.fault("lost_reply", times=1, where={"operation": "ssm:SendCommand"})
    with pytest.raises(Unreachable):
        send(access, production[0])
    assert len(sandbox.requests_of("ssm:SendCommand")) == 1
    found: list[str | None] = []

    def look() -> bool:
        found.append(commands.find_sent(access, production[0], "airlock r1", begun))
        return found[-1] is not None

    until(look)
    assert found[-1] is not None
    assert end_of(access, found[-1], production[0]).status is commands.Status.SUCCEEDED


def test_the_document_is_judged_before_it_runs(access: AwsAccess) -> None:
    document = documents.read_document(access, DOCUMENT, None)
    assert documents.faults_of(document, {"Build": [NEW]}) == []
    assert documents.faults_of(document, {"Build": ["1; reboot"]})
    assert documents.faults_of(document, {})
    assert documents.faults_of(document, {"Build": [NEW], "Version": ["1"]})
    with pytest.raises(NotFound):
        documents.read_document(access, "nowhere", None)


def test_a_document_or_machine_that_is_not_there(access: AwsAccess, production: list[str]) -> None:
    with pytest.raises(NotFound):
        commands.send(access, production[0], "nowhere", None, {}, "airlock r1", timedelta(minutes=1))
    with pytest.raises(Rejected, match="InvalidInstanceId"):
        send(access, "i-0123456789abcdef0")


def test_a_missing_right_is_named(
    sandbox: SandboxClient, access: AwsAccess, target_group: Group, production: list[str]
) -> None:
    for operation in ("elasticloadbalancing:DeregisterTargets", "ssm:SendCommand"):
        sandbox.fault("access_denied", where={"operation": operation})
    with pytest.raises(Denied, match=f"elasticloadbalancing:DeregisterTargets on {target_group.key}"):
        groups.detach(access, target_group, production[0], 8080, None)
    with pytest.raises(Denied, match=f"ssm:SendCommand on document/{DOCUMENT}"):
        send(access, production[0])
    assert standing(access, target_group, production[0]) is Standing.IN_SERVICE


def test_throttling_is_ridden_out_where_it_may_be(
    sandbox: SandboxClient, access: AwsAccess, target_group: Group, production: list[str]
) -> None:
    where = {"operation": "elasticloadbalancing:DescribeTargetHealth"}
    sandbox.fault("throttled", times=1, where=where)
    assert standing(access, target_group, production[0]) is Standing.IN_SERVICE
    sandbox.fault("throttled", times=3, where=where)
    with pytest.raises(Throttled) as fault:
        standing(access, target_group, production[0])
    assert 1 <= fault.value.retry_after <= 5
    sandbox.fault("throttled", times=1, where={"operation": "ssm:SendCommand"})
    with pytest.raises(Throttled):
        send(access, production[0])


@pytest.mark.parametrize("part", ["login", "password"])
def test_wrong_credentials(
    sandbox: SandboxClient, connections: None, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    import json
    import os

    row = json.loads(os.environ["AIRFLOW_CONN_AWS_EU_WEST_1"])
    row[part] = "AKIAWRONGWRONGWRONG0"
    monkeypatch.setenv("AIRFLOW_CONN_AWS_WRONG", json.dumps(row))
    wrong = read_connection("aws_wrong")
    with pytest.raises(Denied, match="does not accept the credentials of connection 'aws_wrong'"):
        groups.find(wrong, ["checkout-production"], [])
    with pytest.raises(Denied, match="does not accept the credentials of connection 'aws_wrong'"):
        commands.pings(wrong, ["i-0123456789abcdef0"])
