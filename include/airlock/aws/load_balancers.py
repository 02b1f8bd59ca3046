"""Application and Network Load Balancers and their listeners: where the public reaches a target group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from include.airlock.aws.clients import pages
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.group import Group, PublicAddress
from include.airlock.aws.operations import DESCRIBE_LISTENERS, DESCRIBE_LOAD_BALANCERS, DESCRIBE_RULES

_SCHEMES = {"HTTP": "http", "HTTPS": "https", "TCP": "http", "TCP_UDP": "http", "TLS": "https"}
"""How a client speaks through a listener of each protocol, where no connection says otherwise."""


def public_addresses(access: AwsAccess, group: Group) -> list[PublicAddress]:
    """See ``groups.public_addresses``."""
    by_default: list[PublicAddress] = []
    by_rule: list[PublicAddress] = []
    for balancer in balancers(access, group.load_balancers):
        for listener in listeners(access, balancer["LoadBalancerArn"]):
            address = address_of(access, balancer, listener)
            if address is None:
                continue
            if _forwards(listener.get("DefaultActions"), group.key):
                by_default.append(address)
            elif not by_default and _some_rule_forwards(access, listener["ListenerArn"], group.key):
                by_rule.append(address)
    return by_default or by_rule


def balancers(access: AwsAccess, arns: Sequence[str]) -> list[dict[str, Any]]:
    """The load balancers of these ARNs, as AWS describes them; at most the 20 of one call are asked for."""
    if not arns:
        return []
    return pages(
        access,
        DESCRIBE_LOAD_BALANCERS,
        "LoadBalancers",
        what=f"describe {', '.join(arns)}",
        LoadBalancerArns=list(arns[:20]),
    )


def listeners(access: AwsAccess, balancer: str) -> list[dict[str, Any]]:
    """The listeners of a load balancer (ARN), by port."""
    found = pages(
        access,
        DESCRIBE_LISTENERS,
        "Listeners",
        what=f"list the listeners of {balancer}",
        LoadBalancerArn=balancer,
    )
    return sorted(found, key=lambda row: int(row.get("Port") or 0))


def address_of(access: AwsAccess, balancer: dict[str, Any], listener: dict[str, Any]) -> PublicAddress | None:
    """Where a listener answers HTTP, or None for one that can't (UDP, gateways)."""
    scheme = _SCHEMES.get(listener.get("Protocol") or "")
    if scheme is None or not balancer.get("DNSName") or not listener.get("Port"):
        return None
    return PublicAddress(access.public_scheme or scheme, balancer["DNSName"], int(listener["Port"]))


def _some_rule_forwards(access: AwsAccess, listener: str, group: str) -> bool:
    rules = pages(access, DESCRIBE_RULES, "Rules", what=f"list the rules of {listener}", ListenerArn=listener)
    return any(_forwards(rule.get("Actions"), group) for rule in rules)


def _forwards(actions: list[dict[str, Any]] | None, group: str) -> bool:
    return any(
        group == action.get("TargetGroupArn")
        or group in [part.get("TargetGroupArn") for part in _parts(action)]
        for action in actions or []
        if action.get("Type") == "forward"
    )


def _parts(action: dict[str, Any]) -> list[dict[str, Any]]:
    return (action.get("ForwardConfig") or {}).get("TargetGroups") or []
