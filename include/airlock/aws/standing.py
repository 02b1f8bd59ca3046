"""Where a machine stands in a load balancer's group: six words for the states of both kinds.

Pure. Sources: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
and https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_InstanceState.html
"""

from __future__ import annotations

from enum import StrEnum

_CLASSIC_DRAINING = "instance deregistration currently in progress"


class Standing(StrEnum):
    """Where a machine stands: only IN_SERVICE is sure to get requests, only OUT is sure to be drained."""

    OUT = "out"
    """Not registered, and drained if it ever was."""
    REGISTERING = "registering"
    """Registered; not yet healthy for the first time."""
    IN_SERVICE = "in_service"
    """Registered and healthy."""
    UNHEALTHY = "unhealthy"
    """Registered and not healthy."""
    DRAINING = "draining"
    """Taken out; what is in flight may still run."""
    UNKNOWN = "unknown"
    """No state that proves anything, such as an unused group or a stopped machine."""


_TARGET = {
    "initial": Standing.REGISTERING,
    "healthy": Standing.IN_SERVICE,
    "unhealthy": Standing.UNHEALTHY,
    # Still registered: a Network Load Balancer lets connections to an unhealthy target end.
    "unhealthy.draining": Standing.UNHEALTHY,
    "draining": Standing.DRAINING,
}


def of_target(state: str | None, reason: str | None) -> Standing:
    """The standing of an ELBv2 target by its ``TargetHealth``.

    ``unused`` alone proves nothing: it is also the state of a target whose group no listener
    uses, or whose machine is stopped. Only Target.NotRegistered means taken out and drained.
    """
    if state == "unused":
        return Standing.OUT if reason == "Target.NotRegistered" else Standing.UNKNOWN
    return _TARGET.get(state or "", Standing.UNKNOWN)


def of_classic(state: str | None, reason_code: str | None, description: str | None) -> Standing:
    """The standing of an instance of a classic load balancer.

    While connections drain it is still ``InService``; only the description tells.
    """
    if _CLASSIC_DRAINING in (description or "").lower():
        return Standing.DRAINING
    if state == "InService":
        return Standing.IN_SERVICE
    if state == "OutOfService":
        return {"ELB": Standing.REGISTERING, "Instance": Standing.UNHEALTHY}.get(
            reason_code or "", Standing.UNKNOWN
        )
    return Standing.UNKNOWN
