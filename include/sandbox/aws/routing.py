"""Where a listener sends a request: its rules in order, and the weights of their target groups."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from aiohttp import web

GROUP_COOKIE = "AWSALBTG"
TARGET_COOKIE = "AWSALB"


@dataclass(frozen=True)
class Action:
    """The last action of a rule: forward to weighted groups, or an answer of the balancer's own.

    ``stickiness`` is the seconds that a client stays with its group; 0: it does not.
    """

    kind: str
    weights: tuple[tuple[str, int], ...] = ()
    stickiness: int = 0
    status: int = 503
    text: str = ""
    content_type: str = "text/plain"
    location: str = ""

    def choose(self, stuck_to: str | None) -> str | None:
        """Return the ARN of the group that gets this request; None when every weight is zero.

        ``stuck_to`` is the last part of an ARN; it counts only while that group's weight is above zero.
        """
        able = [(arn, weight) for arn, weight in self.weights if weight > 0]
        if not able:
            return None
        stuck = next((arn for arn, _ in able if stuck_to and arn.endswith(f"/{stuck_to}")), None)
        if self.stickiness and stuck is not None:
            return stuck
        arns, weights = zip(*able, strict=True)
        chosen: str = random.choices(arns, weights)[0]  # noqa: S311 - a share of traffic
        return chosen


@dataclass(frozen=True)
class Rule:
    """One rule: its conditions, all of which must hold, and its action."""

    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    action: Action

    def matches(self, request: web.Request) -> bool:
        """Tell whether every condition holds."""
        return all(_holds(request, field, name, values) for field, name, values in self.conditions)


def _holds(request: web.Request, field: str, name: str, values: Sequence[str]) -> bool:
    match field:
        case "path-pattern":
            found = request.path
        case "host-header":
            found, values = request.host.partition(":")[0].lower(), [value.lower() for value in values]
        case "http-request-method":
            found = request.method
        case "http-header":
            found = request.headers.get(name, "")
        case "query-string":
            return any(_in_query(request, *value.partition("=")[::2]) for value in values)
        case _:
            return False
    return any(fnmatchcase(found, value) for value in values)


def _in_query(request: web.Request, key: str, value: str) -> bool:
    return any(
        (not key or fnmatchcase(found, key)) and fnmatchcase(held, value)
        for found, held in request.query.items()
    )


def read_rules(rules: Sequence[Any]) -> tuple[Rule, ...]:
    """Return a listener's rules in the order in which they are tried, the default one last."""
    ordered = sorted(rules, key=lambda rule: 10**6 if rule.priority == "default" else int(rule.priority))
    return tuple(Rule(_conditions(rule.conditions), read_action(rule.actions)) for rule in ordered)


def _conditions(conditions: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple((each["Field"], _header(each), tuple(_values(each))) for each in conditions)


def _header(condition: Mapping[str, Any]) -> str:
    return str((condition.get("HttpHeaderConfig") or {}).get("HttpHeaderName", ""))


def _values(condition: Mapping[str, Any]) -> list[str]:
    """Return a condition's values, wherever the API keeps them."""
    for key, held in condition.items():
        if key.endswith("Config") and held.get("Values"):
            return [
                f"{value.get('Key', '')}={value.get('Value', '')}"
                if isinstance(value, Mapping)
                else str(value)
                for value in held["Values"]
            ]
    return [str(value) for value in condition.get("Values") or []]


def read_action(actions: Sequence[Any]) -> Action:
    """Return the routing action, which the API wants last; the ones before it only authenticate."""
    data: Mapping[str, Any] = actions[-1].data if actions else {}
    match data.get("Type"):
        case "forward":
            config = data.get("ForwardConfig") or {}
            groups = config.get("TargetGroups") or [
                {"TargetGroupArn": data.get("TargetGroupArn"), "Weight": 1}
            ]
            weights = tuple((str(group["TargetGroupArn"]), int(group.get("Weight", 1))) for group in groups)
            sticky = config.get("TargetGroupStickinessConfig") or {}
            seconds = int(sticky.get("DurationSeconds") or 0) if _true(sticky.get("Enabled")) else 0
            return Action("forward", weights, seconds)
        case "fixed-response":
            fixed = data.get("FixedResponseConfig") or {}
            content = str(fixed.get("ContentType") or "text/plain")
            return Action(
                "fixed", (), 0, int(fixed["StatusCode"]), str(fixed.get("MessageBody") or ""), content
            )
        case "redirect":
            redirect = data.get("RedirectConfig") or {}
            status = int(str(redirect.get("StatusCode", "HTTP_302")).removeprefix("HTTP_"))
            return Action("redirect", status=status, location=_location(redirect))
    return Action("fixed", status=503)


def _location(redirect: Mapping[str, Any]) -> str:
    get = redirect.get
    query = get("Query", "#{query}")
    return (
        f"{str(get('Protocol', '#{protocol}')).lower()}://{get('Host', '#{host}')}:{get('Port', '#{port}')}"
        f"{get('Path', '/#{path}')}" + (f"?{query}" if query else "")
    )


def _true(value: Any) -> bool:
    return str(value).lower() == "true"


def groups_of(rules: Sequence[Any]) -> set[str]:
    """Return the ARNs of the groups that some rule forwards to, whatever their weights."""
    return {arn for rule in rules for arn, _ in read_action(rule.actions).weights if arn}
