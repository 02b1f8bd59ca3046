"""Systems Manager: moto keeps the documents; commands, invocations and agents are real here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ssm.exceptions import SSMException
from moto.ssm.responses import SimpleSystemManagerResponse

from include.sandbox.aws.commands import ENDED, Command
from include.sandbox.aws.documents import ParametersRefused, check_parameters, steps
from include.sandbox.aws.machines import RUNNING, Machine
from include.sandbox.aws.ssm_answers import (
    command_answer,
    invocation_answer,
    invocation_listing,
    machine_answer,
)
from include.sandbox.aws.world import AwsWorld

_DEFAULT_TIMEOUT = 3600
_PAGE = 50


class SsmCalls(SimpleSystemManagerResponse):  # type: ignore[misc] # moto's types are not followed
    """The calls whose behaviour moto lacks; the others are moto's."""

    def __init__(self, world: AwsWorld) -> None:
        super().__init__()
        self._world = world

    def send_command(self) -> ActionResult:
        """SendCommand: checks the document, its parameters and the machines, then really starts it."""
        name = str(self._get_param("DocumentName") or "").rpartition("/")[2]
        document = self._document(name, self._get_param("DocumentVersion"))
        machines = self._machines()
        try:
            values = check_parameters(document.content_json, self._get_param("Parameters") or {})
        except ParametersRefused as refused:
            raise SSMException("InvalidParameters", str(refused)) from None
        command = Command(
            document=name,
            version=str(self._get_param("DocumentVersion") or ""),
            parameters=self._get_param("Parameters") or {},
            comment=str(self._get_param("Comment") or ""),
            timeout=int(self._get_param("TimeoutSeconds") or _DEFAULT_TIMEOUT),
            region=self.region,
            targets=list(self._get_param("Targets") or []),
        )
        self._world.commands.send(command, machines, steps(document.content_json, values))
        return ActionResult({"Command": command_answer(command)})

    def get_command_invocation(self) -> ActionResult:
        """GetCommandInvocation: InvocationDoesNotExist for a moment after the command was sent."""
        id_, machine = self._get_param("CommandId"), self._get_param("InstanceId")
        command = self._command(id_, "InvocationDoesNotExist")
        held = command.invocations.get(machine)
        if held is None or not self._world.commands.visible(command, machine, "ssm:GetCommandInvocation"):
            raise SSMException("InvocationDoesNotExist", "")
        return ActionResult(invocation_answer(command, held))

    def list_command_invocations(self) -> ActionResult:
        """ListCommandInvocations: empty for a moment after the command was sent."""
        wanted = self._get_param("InstanceId")
        listed = [
            invocation_listing(command, held, details=bool(self._get_param("Details")))
            for command in self._commands()
            if self._world.commands.visible(command, wanted, "ssm:ListCommandInvocations")
            for id_, held in command.invocations.items()
            if wanted in (None, id_) and self._passes(command, held.status)
        ]
        return self._page("CommandInvocations", listed)

    def list_commands(self) -> ActionResult:
        """ListCommands, newest first."""
        wanted = self._get_param("InstanceId")
        listed = [
            command_answer(command)
            for command in self._commands()
            if wanted is None or wanted in command.invocations
            if self._passes(command, command.status)
        ]
        return self._page("Commands", listed)

    def cancel_command(self) -> ActionResult:
        """CancelCommand: a script that runs is killed, one that has ended stays as it is."""
        command = self._command(self._get_param("CommandId"), "InvalidCommandId")
        asked = self._get_param("InstanceIds") or []
        unknown = [id_ for id_ in asked if id_ not in command.invocations]
        if unknown:
            raise SSMException("InvalidInstanceId", f"Instance Id {unknown[0]} is not valid")
        self._world.commands.cancel(command, asked)
        return EmptyResult()

    def describe_instance_information(self) -> ActionResult:
        """DescribeInstanceInformation: every machine whose agent has registered."""
        filters = self._get_param("Filters") or []
        asked = {each["Key"]: each["Values"] for each in filters}
        old = self._get_param("InstanceInformationFilterList") or []
        asked |= {each["key"]: each["valueSet"] for each in old}
        listed = []
        for machine in self._world.machines.values():
            told = machine_answer(machine)
            if machine.region == self.region and machine.power != "terminated" and _fits(asked, told):
                listed.append(told)
        return self._page("InstanceInformationList", listed)

    def describe_document(self) -> ActionResult:
        """DescribeDocument: an unknown document or version is an error."""
        self._document(self._document_name("Name"), self._get_param("DocumentVersion"))
        return super().describe_document()

    def _document_name(self, key: str) -> str:
        return str(self._get_param(key) or "").rpartition("/")[2]

    def _document(self, name: str, version: str | None) -> Any:
        documents = self.ssm_backend._documents.get(name)
        if documents is None:
            raise SSMException("InvalidDocument", f"Document with name {name} does not exist.")
        if version in (None, "", "$DEFAULT"):
            return documents.get_default_version()
        found = documents.get_latest_version() if version == "$LATEST" else documents.find_by_version(version)
        if found is None:
            raise SSMException(
                "InvalidDocumentVersion", "The document version is not valid or does not exist."
            )
        return found

    def _machines(self) -> list[Machine]:
        """Return the machines asked for by id or by target. By id each must be known to SSM."""
        ids = self._get_param("InstanceIds") or []
        for target in self._get_param("Targets") or []:
            if target["Key"] == "InstanceIds":
                ids = [*ids, *target["Values"]]
        known = {m.id: m for m in self._world.machines.values() if m.region == self.region}
        bad = [id_ for id_ in ids if id_ not in known or known[id_].power != RUNNING]
        if bad:
            account = self._world.books.account
            text = f"Instances [[{', '.join(bad)}]] not in a valid state for account {account}"
            raise SSMException("InvalidInstanceId", text)
        tagged = [target for target in self._get_param("Targets") or [] if target["Key"] != "InstanceIds"]
        if not ids and not tagged:
            raise SSMException("InvalidInstanceId", "")
        chosen = {id_: known[id_] for id_ in ids}
        if tagged:
            chosen |= {m.id: m for m in known.values() if m.power == RUNNING and self._tagged(m, tagged)}
        return list(chosen.values())

    def _tagged(self, machine: Machine, targets: Sequence[Mapping[str, Any]]) -> bool:
        instance = self._world.books.ec2(self.region).get_instance(machine.id)
        tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
        return all(
            target["Key"].startswith("tag:") and tags.get(target["Key"][4:]) in target["Values"]
            for target in targets
        )

    def _command(self, id_: str | None, error: str) -> Command:
        command = self._world.commands.sent.get(id_ or "")
        if command is None or command.region != self.region:
            raise SSMException(error, "")
        return command

    def _commands(self) -> Iterable[Command]:
        """Return the commands of this region that are asked for, newest first."""
        id_ = self._get_param("CommandId")
        if id_:
            return [self._command(id_, "InvalidCommandId")]
        sent = self._world.commands.sent.values()
        return [command for command in reversed(sent) if command.region == self.region]

    def _passes(self, command: Command, status: str) -> bool:
        """Tell whether a command passes every filter of the request."""
        for each in self._get_param("Filters") or []:
            key, value = each["key"], each["value"]
            match key:
                case "InvokedAfter" | "InvokedBefore":
                    at = datetime.fromisoformat(value.replace("Z", "+00:00"))
                    at = at if at.tzinfo else at.replace(tzinfo=UTC)
                    good = command.requested >= at if key == "InvokedAfter" else command.requested < at
                case "Status":
                    good = status == value
                case "DocumentName":
                    good = command.document == value
                case "ExecutionStage":
                    good = (status in ENDED) is (value == "Complete")
                case _:
                    raise SSMException("InvalidFilterKey", f"The filter key {key} is not valid")
            if not good:
                return False
        return True

    def _page(self, name: str, listed: list[dict[str, Any]]) -> ActionResult:
        size = int(self._get_param("MaxResults") or _PAGE)
        token = str(self._get_param("NextToken") or "0")
        if not token.isdigit():
            raise SSMException("InvalidNextToken", "")
        start = int(token)
        page: dict[str, Any] = {name: listed[start : start + size]}
        if start + size < len(listed):
            page["NextToken"] = str(start + size)
        return ActionResult(page)


def _fits(asked: Mapping[str, Sequence[str]], told: Mapping[str, Any]) -> bool:
    names = {"InstanceIds": "InstanceId", "PingStatus": "PingStatus", "ResourceType": "ResourceType"}
    return all(told.get(names.get(key, key)) in values for key, values in asked.items())
