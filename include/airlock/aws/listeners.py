"""Where a listener or a rule sends its requests, and the one call that changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

from include.airlock.aws import load_balancers
from include.airlock.aws.clients import call, pages
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.group import PublicAddress
from include.airlock.aws.operations import (
    DESCRIBE_LISTENERS,
    DESCRIBE_LOAD_BALANCERS,
    DESCRIBE_RULES,
    MODIFY_LISTENER,
    MODIFY_RULE,
)
from include.airlock.errors import NotFound, Rejected

_HEAVIEST = 999
"""https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupTuple.html"""


@dataclass(frozen=True)
class Forward:
    """The weights of the target groups (ARNs, 0 to 999) and how long a client stays with its group."""

    weights: dict[str, int]
    stickiness_s: int | None


@dataclass(frozen=True)
class Route:
    """A listener's default actions, or a rule's, as read; ``key`` is its ARN."""

    kind: Literal["listener", "rule"]
    key: str
    listener: str
    forward: Forward
    actions: tuple[dict[str, Any], ...] = field(repr=False)


def find(access: AwsAccess, *, listener: str | None = None, rule: str | None = None) -> Route:
    """The route a spec names: a listener by ARN or ``<load balancer>:<port>``, or a rule by ARN.

    Raises:
        NotFound: there is none; says which ports or load balancers there are.
        Rejected: it forwards to no target group, or the rule is a listener's default.
    """
    if rule is not None:
        return _rule(access, rule)
    if listener is None:
        raise ValueError("name a listener or a rule")
    return _listener(access, listener if listener.startswith("arn:") else _arn(access, listener))


def read(access: AwsAccess, route: Route) -> Route:
    """The same route as it is now."""
    return _rule(access, route.key) if route.kind == "rule" else _listener(access, route.key)


def set_weights(access: AwsAccess, route: Route, weights: Mapping[str, int]) -> None:
    """Give target groups (ARNs) their weights in one call; everything else stays as ``route`` has it.

    A group that is not in the route yet is added; one that is not named keeps its weight.

    Raises:
        Rejected: a weight is not 0 to 999, or all would be 0, which answers every request with 503.
    """
    actions = reweighted(route.actions, weights)
    what = f"set the weights of {route.key}"
    if route.kind == "rule":
        call(access, MODIFY_RULE, what=what, on=route.key, RuleArn=route.key, Actions=actions)
    else:
        call(access, MODIFY_LISTENER, what=what, on=route.key, ListenerArn=route.key, DefaultActions=actions)


def reweighted(actions: tuple[dict[str, Any], ...], weights: Mapping[str, int]) -> list[dict[str, Any]]:
    """The actions to send: the forward with new weights, the others as they were; pure.

    Raises:
        Rejected: see ``set_weights``.
    """
    wrong = {weight for weight in weights.values() if not 0 <= weight <= _HEAVIEST}
    if wrong:
        raise Rejected(f"weights are 0 to {_HEAVIEST}, not {', '.join(map(str, sorted(wrong)))}")
    return [
        _forwarding(action, weights) if action.get("Type") == "forward" else _kept(action)
        for action in actions
    ]


def _forwarding(action: dict[str, Any], weights: Mapping[str, int]) -> dict[str, Any]:
    merged = {**_weights(action), **weights}
    if not any(merged.values()):
        raise Rejected("all weights would be 0, and every request would be answered 503")
    # TargetGroupArn beside several groups is refused; the list says the same.
    kept = {key: value for key, value in action.items() if key not in ("TargetGroupArn", "ForwardConfig")}
    settings = dict(action.get("ForwardConfig") or {})
    settings["TargetGroups"] = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in merged.items()]
    return {**kept, "ForwardConfig": settings}


def _kept(action: dict[str, Any]) -> dict[str, Any]:
    """An action as it was read, to send back; AWS never shows an OIDC secret, so is told to keep it."""
    if action.get("Type") != "authenticate-oidc":
        return dict(action)
    settings = {**(action.get("AuthenticateOidcConfig") or {}), "UseExistingClientSecret": True}
    settings.pop("ClientSecret", None)
    return {**action, "AuthenticateOidcConfig": settings}


def public_address(access: AwsAccess, route: Route) -> PublicAddress:
    """Where the route's listener answers.

    Raises:
        Rejected: it is no listener that speaks HTTP.
    """
    row = _listener_row(access, route.listener)
    balancer = load_balancers.balancers(access, [row["LoadBalancerArn"]])
    address = load_balancers.address_of(access, balancer[0], row) if balancer else None
    if address is None:
        raise Rejected(f"{route.listener} is no listener that speaks HTTP; name the public_host")
    return address


def _arn(access: AwsAccess, listener: str) -> str:
    name, _, port = listener.rpartition(":")
    rows = pages(
        access,
        DESCRIBE_LOAD_BALANCERS,
        "LoadBalancers",
        what=f"list the load balancers of {access.region}",
    )
    balancers = {row["LoadBalancerName"]: row["LoadBalancerArn"] for row in rows}
    if name not in balancers:
        nearest = get_close_matches(name, balancers, 1)
        hint = f"; did you mean '{nearest[0]}'?" if nearest else ""
        raise NotFound(f"no load balancer '{name}' in {access.region}{hint}", status=404)
    found = load_balancers.listeners(access, balancers[name])
    for row in found:
        if str(row.get("Port")) == port:
            return str(row["ListenerArn"])
    ports = ", ".join(str(row.get("Port")) for row in found) or "none"
    raise NotFound(f"load balancer '{name}' has no listener on port {port}; its ports: {ports}", status=404)


def _listener_row(access: AwsAccess, arn: str) -> dict[str, Any]:
    found = pages(
        access, DESCRIBE_LISTENERS, "Listeners", what=f"describe listener {arn}", ListenerArns=[arn]
    )
    if not found:
        raise NotFound(f"no listener {arn} in {access.region}", status=404)
    return found[0]


def _listener(access: AwsAccess, arn: str) -> Route:
    return _route("listener", arn, arn, _listener_row(access, arn).get("DefaultActions") or [])


def _rule(access: AwsAccess, arn: str) -> Route:
    found = pages(access, DESCRIBE_RULES, "Rules", what=f"describe rule {arn}", RuleArns=[arn])
    if not found:
        raise NotFound(f"no rule {arn} in {access.region}", status=404)
    if found[0].get("IsDefault"):
        raise Rejected(f"{arn} is a listener's default, which only the listener can change: name that")
    # A rule's ARN is its listener's with one part more, under another word.
    listener = arn.replace(":listener-rule/", ":listener/").rpartition("/")[0]
    return _route("rule", arn, listener, found[0].get("Actions") or [])


def _route(
    kind: Literal["listener", "rule"], key: str, listener: str, actions: list[dict[str, Any]]
) -> Route:
    forwards = [action for action in actions if action.get("Type") == "forward"]
    if not forwards:
        raise Rejected(f"{key} forwards to no target group")
    sticky = (forwards[0].get("ForwardConfig") or {}).get("TargetGroupStickinessConfig") or {}
    seconds = int(sticky.get("DurationSeconds") or 0) if sticky.get("Enabled") else None
    return Route(kind, key, listener, Forward(_weights(forwards[0]), seconds), tuple(actions))


def _weights(action: dict[str, Any]) -> dict[str, int]:
    """A lone group has no weight of its own: all goes there, as with a weight of 1."""
    parts = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
    if not parts and action.get("TargetGroupArn"):
        return {str(action["TargetGroupArn"]): 1}
    return {
        str(part["TargetGroupArn"]): 1 if part.get("Weight") is None else int(part["Weight"])
        for part in parts
    }
