"""What goes over the wire and how often, and what comes back as an error."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from include.airlock.aws import commands, groups, scaling, target_groups
from include.airlock.aws.connection import AwsAccess, read_connection
from include.airlock.aws.group import Group
from include.airlock.aws.standing import Standing
from include.airlock.errors import CloudError, ConnectionMissing, Denied, NotFound, Throttled, Unreachable
from tests.integration.aws.api.scripted import Answer, Script, command, json_error, query, query_error

ARN = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/checkout/73e2d6bc24d8a067"
GROUP = Group(
    "target_group", ARN, "checkout", 8080, True, 300.0, True, 0.0, 30.0, 5, 2, (), "instance", "vpc-1"
)
IP_GROUP = Group("target_group", ARN, "checkout", 80, True, 300.0, True, 0.0, 30.0, 5, 2, (), "ip", "vpc-1")
COMMAND = "0831e1a8-a1ac-4257-a1fd-c831b48c4107"
NOBODY = "<TargetHealthDescriptions/>"
MACHINE = "i-0aaaaaaaaaaaaaaa1"


def send(access: AwsAccess) -> str:
    return commands.send(
        access, MACHINE, "deploy", None, {"Build": ["2026.11.2"]}, "airlock r1", timedelta(minutes=10)
    )


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (query_error("Throttling", 400, "Rate exceeded"), Throttled),
        (query_error("AccessDenied", 403), Denied),
        (query_error("InvalidClientTokenId", 403), Denied),
        (query_error("TargetGroupNotFound", 400), NotFound),
        (query_error("InternalFailure", 500), Unreachable),
        (Answer(502, "<html>Bad Gateway</html>"), Unreachable),
        (Answer(200, "<html>captive portal</ht"), Unreachable),
        (Answer(200, "<html>captive portal</html>"), Unreachable),
        (Answer(cut=True), Unreachable),
    ],
)
def test_an_error_of_a_service_that_speaks_xml(
    script: Script, by_script: AwsAccess, answer: Answer, kind: type[CloudError]
) -> None:
    script.answers = [answer]
    with pytest.raises(kind, match="read the health of checkout"):
        groups.members(by_script, GROUP)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (json_error("ThrottlingException", 400), Throttled),
        (json_error("AccessDeniedException", 400), Denied),
        (json_error("UnrecognizedClientException", 400), Denied),
        (json_error("InvalidDocument", 400), NotFound),
        (json_error("InternalServerError", 500), Unreachable),
        (Answer(503, "busy"), Unreachable),
        (Answer(cut=True), Unreachable),
    ],
)
def test_a_command_is_sent_once_whatever_is_answered(
    script: Script, by_script: AwsAccess, answer: Answer, kind: type[CloudError]
) -> None:
    """A command that is sent again runs again."""
    script.answers = [answer]
    with pytest.raises(kind, match=f"run deploy on {MACHINE}"):
        send(by_script)
    assert script.operations == ["SendCommand"]


@pytest.mark.parametrize("act", [scaling.enter_standby, scaling.exit_standby])
def test_standby_is_asked_for_once(script: Script, by_script: AwsAccess, act: object) -> None:
    script.answers = [Answer(cut=True)]
    assert callable(act)
    with pytest.raises(Unreachable):
        act(by_script, "checkout", [MACHINE])
    assert len(script.asked) == 1


def test_a_read_is_asked_again_twice(script: Script, by_script: AwsAccess) -> None:
    script.answers = [query_error("Throttling", 400), Answer(cut=True), query("DescribeTargetHealth", NOBODY)]
    assert groups.members(by_script, GROUP) == []
    assert script.operations == ["DescribeTargetHealth"] * 3


def test_a_detach_may_be_asked_again_as_it_asks_for_a_state(script: Script, by_script: AwsAccess) -> None:
    script.answers = [Answer(cut=True), query("DeregisterTargets", "")]
    groups.detach(by_script, GROUP, MACHINE, 8080, None)
    assert script.operations == ["DeregisterTargets"] * 2


def test_a_denial_names_the_action_and_the_group(script: Script, by_script: AwsAccess) -> None:
    script.answers = [query_error("AccessDenied", 403, "User x is not authorized")]
    with pytest.raises(Denied, match="needs elasticloadbalancing:DeregisterTargets on ") as fault:
        groups.detach(by_script, GROUP, MACHINE, 8080, None)
    assert ARN in str(fault.value)


def test_exactly_the_recorded_membership_is_taken_out_and_put_back(
    script: Script, by_script: AwsAccess
) -> None:
    """Given a port of its own and a zone, then both go over the wire; an instance's zone does not."""
    script.answers = [query("DeregisterTargets", ""), query("RegisterTargets", "")]
    groups.detach(by_script, GROUP, MACHINE, 9090, "eu-west-1a")
    groups.attach(by_script, IP_GROUP, "10.0.0.7", 9090, "all")
    instance, address = script.asked
    assert instance["Targets.member.1.Id"] == MACHINE
    assert instance["Targets.member.1.Port"] == "9090"
    assert "Targets.member.1.AvailabilityZone" not in instance
    assert address["Targets.member.1.AvailabilityZone"] == "all"


def test_all_pages_are_read(script: Script, by_script: AwsAccess) -> None:
    def page(name: str, marker: str) -> Answer:
        row = f"<member><TargetGroupName>{name}</TargetGroupName></member>"
        return query("DescribeTargetGroups", f"<TargetGroups>{row}</TargetGroups>{marker}")

    script.answers = [page("a", "<NextMarker>m</NextMarker>"), page("b", "")]
    rows = target_groups.listed(by_script)
    assert [row["TargetGroupName"] for row in rows] == ["a", "b"]
    assert script.asked[1]["Marker"] == "m"


def test_an_answer_without_the_list_is_not_an_empty_list(script: Script, by_script: AwsAccess) -> None:
    """Given a page that AWS did not write, then a classic load balancer's machines are not taken for out."""
    classic = replace(GROUP, kind="classic", key="checkout", name="checkout")
    script.answers = [query("DescribeInstanceHealth", "")]
    with pytest.raises(Unreachable, match="holds no InstanceStates"):
        groups.members(by_script, classic, [(MACHINE, 8080)])
    script.answers = [query("DescribeTargetGroups", "")]
    with pytest.raises(Unreachable, match="holds no TargetGroups"):
        groups.all_groups(by_script)
    script.answers = [query("DescribeInstanceHealth", "<InstanceStates/>")]
    (member,) = groups.members(by_script, classic, [(MACHINE, 8080)])
    assert member.standing is Standing.OUT


def test_a_target_that_is_not_answered_for_is_unknown(script: Script, by_script: AwsAccess) -> None:
    """Given an answer without the target that was named, then nothing is proved by its absence."""
    script.answers = [query("DescribeTargetHealth", NOBODY)]
    (member,) = groups.members(by_script, GROUP, [(MACHINE, 8080)])
    assert member.standing is Standing.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (json_error("InvocationDoesNotExist", 400), commands.Status.PENDING),
        (command({}), commands.Status.PENDING),
        (command({"Status": "Pending", "ResponseCode": -1}), commands.Status.PENDING),
        (command({"Status": "Delayed"}), commands.Status.PENDING),
        (command({"Status": "InProgress", "ResponseCode": -1}), commands.Status.RUNNING),
        (command({"Status": "Cancelling"}), commands.Status.RUNNING),
        (command({"Status": "Success", "ResponseCode": 0}), commands.Status.SUCCEEDED),
        (command({"Status": "Failed", "ResponseCode": 7}), commands.Status.FAILED),
        (command({"Status": "Cancelled"}), commands.Status.CANCELLED),
        (command({"Status": "TimedOut"}), commands.Status.TIMED_OUT),
        (command({"Status": "a status of next year"}), commands.Status.PENDING),
    ],
)
def test_what_became_of_a_command(
    script: Script, by_script: AwsAccess, answer: Answer, status: commands.Status
) -> None:
    script.answers = [answer]
    assert commands.state(by_script, COMMAND, MACHINE).status is status


def test_an_output_is_kept_but_its_end_is_told(script: Script, by_script: AwsAccess) -> None:
    said = "x" * 30_000 + "\x1b[31mthe end\nof it"
    script.answers = [command({"Status": "Failed", "ResponseCode": 7, "StandardOutputContent": said})]
    state = commands.state(by_script, COMMAND, MACHINE)
    assert state.exit_code == 7
    assert len(state.output) <= 24_000
    assert len(state.told) <= 4_096
    assert state.told.endswith("the end\nof it")
    assert "\x1b" not in state.told


def test_the_command_whose_answer_was_lost_is_found_by_its_comment(
    script: Script, by_script: AwsAccess
) -> None:
    """Given commands of others, and an older one of the same name, then the newest of ours is found."""
    rows = [
        {"CommandId": "other", "Comment": "airlock r2", "RequestedDateTime": 1795000300},
        {"CommandId": "ours", "Comment": "airlock r1", "RequestedDateTime": 1795000200},
        {"CommandId": "older", "Comment": "airlock r1", "RequestedDateTime": 1795000100},
        {"CommandId": "no comment", "RequestedDateTime": 1795000400},
    ]
    script.answers = [
        command({"Commands": rows[2:], "NextToken": "more"}),
        command({"Commands": rows[:2]}),
        command({"Commands": []}),
    ]
    since = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert commands.find_sent(by_script, MACHINE, "airlock r1", since) == "ours"
    assert commands.find_sent(by_script, MACHINE, "airlock r1", since) is None
    asked = json.loads(script.asked[0]["body"])
    assert asked["InstanceId"] == MACHINE
    assert asked["Filters"] == [{"key": "InvokedAfter", "value": "2026-11-21T11:50:00Z"}]


def test_the_build_travels_as_a_parameter_of_its_own(script: Script, by_script: AwsAccess) -> None:
    script.answers = [command({"Command": {"CommandId": COMMAND}})]
    assert send(by_script) == COMMAND
    asked = json.loads(script.asked[0]["body"])
    assert asked["Parameters"] == {"Build": ["2026.11.2"]}
    assert asked["InstanceIds"] == [MACHINE]
    assert "Targets" not in asked
    assert asked["TimeoutSeconds"] == 600


def test_an_answer_without_a_command_is_not_taken_for_one(script: Script, by_script: AwsAccess) -> None:
    script.answers = [command({})]
    with pytest.raises(Unreachable, match="names no command"):
        send(by_script)


@pytest.mark.parametrize("comment", ["", "x" * 101])
def test_a_command_has_a_comment_that_finds_it(by_script: AwsAccess, comment: str) -> None:
    with pytest.raises(ValueError, match="comment of 1 to 100"):
        commands.send(by_script, MACHINE, "deploy", None, {}, comment, timedelta(minutes=1))


def test_no_processes_named_means_none(script: Script, by_script: AwsAccess) -> None:
    """AWS takes an empty list for all processes."""
    scaling.suspend(by_script, "checkout", [])
    scaling.resume(by_script, "checkout", [])
    assert script.asked == []


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"region_name": "eu-west-1", "endpoint_url": "http://127.0.0.1:1"}
    row = {"conn_type": "aws", "login": "testing-id", "password": "testing-secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_GONE", json.dumps(row))
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="no answer from AWS in eu-west-1"):
        send(read_connection("aws_gone"))
    assert time.monotonic() - begun < 5


def test_a_role_that_may_not_be_assumed_is_named(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a connection with a role, when STS denies it, then the text says so before any other call."""
    extra = {
        "region_name": "eu-west-1",
        "endpoint_url": script.url,
        "role_arn": "arn:aws:iam::123456789012:role/airlock-release",
        "service_config": {"sts": {"endpoint_url": script.url}},
    }
    row = {"conn_type": "aws", "login": "testing-id", "password": "testing-secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_ROLE", json.dumps(row))
    script.answers = [query_error("AccessDenied", 403)]
    with pytest.raises(Denied, match="needs sts:AssumeRole"):
        groups.members(read_connection("aws_role"), GROUP)
    assert script.operations == ["AssumeRole"]


def test_a_role_is_assumed_once_for_all_services(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {
        "region_name": "eu-west-1",
        "endpoint_url": script.url,
        "role_arn": "arn:aws:iam::123456789012:role/airlock-release",
        "service_config": {"sts": {"endpoint_url": script.url}},
    }
    row = {"conn_type": "aws", "login": "testing-id", "password": "testing-secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_ROLE", json.dumps(row))
    credentials = (
        "<Credentials><AccessKeyId>ASIATESTING</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        "<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    )
    script.answers = [
        query("AssumeRole", credentials),
        query("DescribeTargetHealth", NOBODY),
        command({"Status": "Success"}),
    ]
    access = read_connection("aws_role")
    groups.members(access, GROUP)
    commands.state(access, COMMAND, MACHINE)
    assert script.operations == ["AssumeRole", "DescribeTargetHealth", "GetCommandInvocation"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"profile_name": "nowhere"}, "nowhere"),
        ({"endpoint_url": "foo"}, "Invalid endpoint: foo"),
        ({"ca_file": "/nowhere/ca.pem"}, "there is no ca_file '/nowhere/ca.pem'"),
        ({"config_kwargs": {"nope": 1}}, "unexpected keyword argument 'nope'"),
        ({"service_config": 7}, "'int' object"),
        ({"role_arn": "arn:aws:iam::123456789012:role/x", "assume_role_method": "nope"}, "'nope'"),
    ],
)
def test_a_setting_that_cant_be_used_is_the_connections_fault(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, object], words: str
) -> None:
    row = {"conn_type": "aws", "extra": {"region_name": "eu-west-1", **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_BAD", json.dumps(row))
    with pytest.raises(ConnectionMissing, match="connection 'aws_bad': ") as fault:
        groups.members(read_connection("aws_bad"), GROUP)
    assert words in str(fault.value)


def test_whether_systems_manager_reaches_machines(script: Script, by_script: AwsAccess) -> None:
    """Given 51 machines, then two calls ask for them; one that is not answered for is unmanaged."""
    asked = [f"i-{number:017x}" for number in range(51)]
    rows = [
        {"InstanceId": asked[0], "PingStatus": "Online"},
        {"InstanceId": asked[1], "PingStatus": "ConnectionLost"},
        {"InstanceId": asked[2], "PingStatus": "Inactive"},
        {"InstanceId": asked[3]},
    ]
    script.answers = [
        command({"InstanceInformationList": rows}),
        command({"InstanceInformationList": []}),
    ]
    found = commands.pings(by_script, asked)
    assert list(found) == asked
    assert [found[machine] for machine in asked[:3]] == [
        commands.Ping.ONLINE,
        commands.Ping.LOST,
        commands.Ping.INACTIVE,
    ]
    assert found[asked[3]] is not commands.Ping.ONLINE
    assert {found[machine] for machine in asked[4:]} == {commands.Ping.UNMANAGED}
    assert len(script.asked) == 2


def test_what_the_connection_says_of_the_client_stays(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given ``config_kwargs`` with retries, then a command still goes out once."""
    extra = {
        "region_name": "eu-west-1",
        "config_kwargs": {"retries": {"mode": "standard", "total_max_attempts": 5}},
        "service_config": {"ssm": {"endpoint_url": script.url}},
    }
    row = {"conn_type": "aws", "login": "testing-id", "password": "testing-secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_CONFIG", json.dumps(row))
    script.answers = [Answer(503, "busy")]
    with pytest.raises(Unreachable):
        send(read_connection("aws_config"))
    assert script.operations == ["SendCommand"]
