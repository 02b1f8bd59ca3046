"""What a plan says and what the sandbox's journal shows, in the same words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from include.airlock.model.plan_report import PlannedCall, PlanReport
from tests.integration.rehearsal import Rehearsal
from tests.sandbox_client import Json, SandboxClient

_STATES = (
    "elasticloadbalancing:RegisterTargets",
    "elasticloadbalancing:RegisterInstancesWithLoadBalancer",
    "elasticloadbalancing:ModifyListener",
)
_LOOK = 2
"""Requests for a state in one look: a target group's and a classic load balancer's."""

Asked = tuple[str, str, Any]
"""The call, what it is asked of, what tells most of what is sent with it."""


def plan_of(release: Rehearsal) -> PlanReport:
    """The plan that a release's preflight made."""
    digest = release.record.plan
    assert digest is not None, release.errors
    plan = release.ledger.plan(digest)
    assert plan is not None
    return plan


def planned(calls: Iterable[PlannedCall]) -> list[Asked]:
    """The calls of a plan."""
    return [(call.call, call.target, _told(call.body)) for call in calls]


def _told(body: Any) -> Any:
    """An address's machine is shown for people; the journal's name of an address is all there is of it."""
    kept = {key: value for key, value in (body or {}).items() if key != "machine"}
    return kept or None


def asked(sandbox: SandboxClient, *, since: int = 0) -> list[Asked]:
    """Every changing request in the journal, in order, whoever sent it.

    One that asks for a state may be sent again at the next look, where the state does not show yet on a
    busy machine: within one turn it counts once.
    """
    found: list[Asked] = []
    for entry in sandbox.journal():
        if entry.get("method") and entry["n"] > since:
            one = _asked(entry)
            found += [] if one in found[-_LOOK:] and one[0] in _STATES else [one]
    return found


def last(sandbox: SandboxClient) -> int:
    """The number of the journal's last entry."""
    entries = sandbox.journal()
    return entries[-1]["n"] if entries else 0


def _asked(entry: Json) -> Asked:
    operation, body = str(entry["operation"]), entry["body"] or {}
    return _of_aws(operation, body, entry) if ":" in operation else _of_azure(entry, body)


def _of_azure(entry: Json, body: Json) -> Asked:
    found = re.search(r"/resourceGroups/([^/]+)/.*/sites/([^/]+)/slots/([^/]+)/(.+)", entry["path"])
    assert found, entry["path"]
    group, app, slot, act = found.groups()
    sent = dict(body.get("properties", body))
    if "packageUri" in sent:
        sent = {"packageUri": sent["packageUri"].rpartition("/")[2], "type": sent["type"]}
    return f"{entry['method']} {act}", f"{group}/{app}/slots/{slot}", sent


def _of_aws(operation: str, body: Json, entry: Json) -> Asked:
    verb, groups = operation.rpartition(":")[2], entry["groups"]
    if verb == "SendCommand":
        sent = {"document": body["DocumentName"], "Build": body["Parameters"]["Build"][0]}
        return operation, body["InstanceIds"][0], sent
    if verb.endswith("Processes"):
        return operation, groups[0], {"processes": _members(body, "ScalingProcesses.member")}
    if verb in ("ModifyListener", "ModifyRule"):
        weights = _members(body, "", suffix="Weight")
        names = [arn.split("/")[1] for arn in _members(body, "", suffix="TargetGroupArn")]
        return operation, body["ListenerArn"], dict(zip(names, map(int, weights), strict=True))
    if verb in ("RegisterTargets", "DeregisterTargets"):
        one = "Targets.member.1"
        return operation, f"{groups[0]} {body[f'{one}.Id']}:{body[f'{one}.Port']}", None
    return operation, f"{groups[0]} {entry['machines'][0]}", None


def _members(body: Json, prefix: str, suffix: str = "") -> list[str]:
    return [value for key, value in body.items() if key.startswith(prefix) and key.endswith(suffix)]
