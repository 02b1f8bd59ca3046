"""Run Command really runs, on the machines that were asked for, and tells what came of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.integration.sandbox.aws.farm import DEPLOY, NEW, OLD, Farm, error_of


def test_a_deploy_stops_the_old_build_and_starts_the_new(farm: Farm) -> None:
    machine, other = farm.machines
    command = farm.send(machine)
    seen = set()

    def build() -> str:
        try:
            page = farm.page(machine).json()
        except requests.ConnectionError:
            seen.add("refused")
            return ""
        seen.add(page["state"])
        return str(page["build"]) if page["state"] == "running" else ""

    farm.until(lambda: build() == NEW)
    assert {"refused", "starting"} <= seen
    told = farm.ended(command, machine)
    assert (told["Status"], told["StatusDetails"], told["ResponseCode"]) == ("Success", "Success", 0)
    assert told["StandardOutputContent"].splitlines() == [
        f"stopping checkout {OLD}",
        f"installing checkout {NEW}",
        f"started checkout {NEW}",
    ]
    assert told["PluginName"] == "deploy"
    assert farm.page(other).json()["build"] == OLD
    page = farm.page(machine).json()
    assert (page["service"], page["region"], page["machine"]) == ("checkout", "eu-west-1", machine)
    assert {each["name"]: each["connected"] for each in page["dependencies"]} == {
        "database": True,
        "queue": True,
    }


def test_invocations_exist_a_moment_later_and_go_through_their_states(farm: Farm) -> None:
    machine = farm.machines[0]
    command = farm.send(machine)
    assert farm.invocation(command, machine) is None
    listed = farm.ssm.list_command_invocations(CommandId=command)
    assert listed["CommandInvocations"] == []
    states = []

    def over() -> bool:
        told = farm.invocation(command, machine)
        if told and told["Status"] not in states:
            states.append(told["Status"])
        return bool(states) and states[-1] == "Success"

    farm.until(over)
    assert states == ["Pending", "InProgress", "Success"]
    listed = farm.ssm.list_command_invocations(CommandId=command, Details=True)["CommandInvocations"]
    assert [(each["InstanceId"], each["Status"]) for each in listed] == [(machine, "Success")]
    assert f"started checkout {NEW}" in listed[0]["CommandPlugins"][0]["Output"]
    assert farm.invocation(command, farm.machines[1]) is None


def test_a_build_that_does_not_start_fails(farm: Farm) -> None:
    machine = farm.machines[0]
    told = farm.ended(farm.send(machine, "2026.11.2-broken"), machine)
    assert (told["Status"], told["ResponseCode"]) == ("Failed", 1)
    assert "2026.11.2-broken did not start" in told["StandardErrorContent"]
    assert farm.sandbox.aws_state("machines")[machine]["state"] == "no application"


def test_a_machine_of_another_service_refuses(farm: Farm, search: Farm) -> None:
    machine = search.machines[0]
    told = farm.ended(farm.send(machine), machine)
    assert (told["Status"], told["ResponseCode"]) == ("Failed", 2)
    assert told["StandardErrorContent"].startswith("this machine runs search, not checkout")
    assert search.page(machine).json()["build"] == OLD


def test_commands_are_found_by_comment_and_time(farm: Farm) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    machine = farm.machines[0]
    command = farm.send(machine, Comment="airlock release-7")
    asked = [{"key": "InvokedAfter", "value": before.strftime("%Y-%m-%dT%H:%M:%SZ")}]
    found = farm.ssm.list_commands(InstanceId=machine, Filters=asked)["Commands"]
    assert [(each["CommandId"], each["Comment"]) for each in found] == [(command, "airlock release-7")]
    assert found[0]["Parameters"] == {"Build": [NEW], "Service": ["checkout"]}
    asked[0]["key"] = "InvokedBefore"
    assert farm.ssm.list_commands(Filters=asked)["Commands"] == []
    assert farm.ssm.list_commands(InstanceId=farm.machines[1])["Commands"] == []
    farm.ended(command, machine)
    status = [{"key": "Status", "value": "Success"}]
    assert len(farm.ssm.list_commands(CommandId=command, Filters=status)["Commands"]) == 1


def test_a_cancelled_command_leaves_the_machine_as_the_script_left_it(farm: Farm) -> None:
    machine = farm.machines[0]
    command = farm.send(machine)
    farm.until(lambda: farm.sandbox.aws_state("machines")[machine]["state"] == "no application")
    farm.ssm.cancel_command(CommandId=command, InstanceIds=[machine])
    assert farm.ended(command, machine)["Status"] == "Cancelled"
    assert farm.sandbox.aws_state("machines")[machine]["state"] == "no application"
    assert farm.ended(farm.send(machine), machine)["Status"] == "Success"
    farm.ssm.cancel_command(CommandId=command)


def test_a_command_for_a_lost_machine_is_refused(farm: Farm) -> None:
    farm.ec2.stop_instances(InstanceIds=[farm.machines[0]])
    code, text = error_of(lambda: farm.send(farm.machines[0]))
    assert code == "InvalidInstanceId"
    assert text == f"Instances [[{farm.machines[0]}]] not in a valid state for account 123456789012"
    told = farm.ssm.describe_instance_information(Filters=[{"Key": "InstanceIds", "Values": farm.machines}])[
        "InstanceInformationList"
    ]
    assert {each["InstanceId"]: each["PingStatus"] for each in told} == {
        farm.machines[0]: "ConnectionLost",
        farm.machines[1]: "Online",
    }


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"InstanceIds": ["i-0123456789abcdef0"]}, "InvalidInstanceId"),
        ({"DocumentName": "nothing"}, "InvalidDocument"),
        ({"DocumentVersion": "7"}, "InvalidDocumentVersion"),
        ({"Parameters": {"Service": ["checkout"]}}, "InvalidParameters"),
        ({"Parameters": {"Build": ["x; rm -rf /"]}}, "InvalidParameters"),
        ({"Parameters": {"Build": [NEW, OLD]}}, "InvalidParameters"),
        ({"Parameters": {"Build": [NEW], "Colour": ["red"]}}, "InvalidParameters"),
    ],
)
def test_what_does_not_fit_is_refused(farm: Farm, given: dict[str, object], error: str) -> None:
    assert error_of(lambda: farm.send(farm.machines[0], **given))[0] == error
    assert farm.sandbox.events("deployed") == []


def test_documents_can_be_read(farm: Farm) -> None:
    told = farm.ssm.describe_document(Name=DEPLOY)["Document"]
    assert (told["DocumentType"], told["SchemaVersion"], told["Status"]) == ("Command", "2.2", "Active")
    assert {each["Name"]: each.get("DefaultValue") for each in told["Parameters"]} == {
        "Build": None,
        "Service": "",
    }
    assert "allowedPattern" in farm.ssm.get_document(Name=DEPLOY)["Content"]
    assert farm.ssm.describe_document(Name="AWS-RunShellScript")["Document"]["Owner"] == "Amazon"
    assert error_of(lambda: farm.ssm.describe_document(Name="nothing"))[0] == "InvalidDocument"


def test_a_shell_script_runs_no_program_of_the_host(farm: Farm) -> None:
    machine = farm.machines[0]
    given = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["echo hello", "uname -a"]}}
    told = farm.ended(farm.send(machine, **given), machine)
    assert (told["Status"], told["ResponseCode"]) == ("Failed", 127)
    assert told["StandardOutputContent"] == "hello\n"
    assert told["StandardErrorContent"].startswith("sh: uname: command not found")


def test_a_script_longer_than_its_timeout_is_stopped(farm: Farm) -> None:
    machine = farm.machines[0]
    given = {
        "DocumentName": "AWS-RunShellScript",
        "Parameters": {"commands": ["sleep 600"], "executionTimeout": ["5"]},
    }
    told = farm.ended(farm.send(machine, **given), machine)
    assert (told["Status"], told["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")


def test_targets_by_tag(farm: Farm) -> None:
    command = farm.ssm.send_command(
        Targets=[
            {"Key": "tag:Service", "Values": ["checkout"]},
            {"Key": "tag:Farm", "Values": ["production"]},
        ],
        DocumentName=DEPLOY,
        Parameters={"Build": [NEW]},
    )["Command"]
    assert command["TargetCount"] == 2
    for machine in farm.machines:
        assert farm.ended(command["CommandId"], machine)["Status"] == "Success"
    nobody = farm.ssm.send_command(
        Targets=[{"Key": "tag:Service", "Values": ["nobody"]}],
        DocumentName=DEPLOY,
        Parameters={"Build": [NEW]},
    )["Command"]
    told = farm.ssm.list_commands(CommandId=nobody["CommandId"])["Commands"][0]
    assert (told["Status"], told["TargetCount"]) == ("Success", 0)
