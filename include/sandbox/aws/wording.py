"""The states of members in the API's words.

Sources: the API references "TargetHealth" (2015-12-01) and "InstanceState" (2012-06-01), and the user
guides "Health checks for Application Load Balancer target groups" and "Troubleshoot a Classic Load
Balancer: instance registration".
"""

from __future__ import annotations

from dataclasses import dataclass

from include.sandbox.aws.members import Member, PoolSettings, Stage

NOT_REGISTERED = "Target.NotRegistered"


@dataclass(frozen=True)
class Health:
    """A state with its reason; both empty where the API sends none."""

    state: str
    reason: str = ""
    description: str = ""

    def target(self) -> dict[str, str]:
        """Return it as ELBv2's TargetHealth."""
        told = {"State": self.state}
        if self.reason:
            told["Reason"] = self.reason
        if self.description:
            told["Description"] = self.description
        return told

    def instance(self, id_: str) -> dict[str, str]:
        """Return it as classic ELB's InstanceState."""
        return {
            "InstanceId": id_,
            "State": self.state,
            "ReasonCode": self.reason or "N/A",
            "Description": self.description or "N/A",
        }


_OUT = Health("unused", NOT_REGISTERED, "Target is not registered to the target group")
_NOT_IN_USE = Health(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
_BY_STAGE = {
    Stage.REGISTERING: Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress"),
    Stage.CHECKING: Health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress"),
    Stage.HEALTHY: Health("healthy"),
    Stage.DRAINING: Health(
        "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"
    ),
}


def target_health(member: Member | None, settings: PoolSettings) -> Health:
    """Word a target's state; None is one that is not registered."""
    if member is None:
        return _OUT
    if member.stage is Stage.DRAINING:
        return _BY_STAGE[Stage.DRAINING]
    if not settings.in_use:
        return _NOT_IN_USE
    if not member.powered:
        power = member.machine.power if member.machine else "stopped"
        return Health("unused", "Target.InvalidState", f"Target is in the {power} state")
    if member.stage is Stage.UNHEALTHY:
        reason = member.reason
        code, text = (reason.code, reason.description) if reason else ("Target.FailedHealthChecks", "")
        return Health("unhealthy", code, text)
    return _BY_STAGE[member.stage]


_REGISTERING = Health("OutOfService", "ELB", "Instance registration is still in progress.")
_FAILED = Health(
    "OutOfService",
    "Instance",
    "Instance has failed at least the UnhealthyThreshold number of health checks consecutively.",
)
_CLASSIC = {
    Stage.REGISTERING: _REGISTERING,
    Stage.CHECKING: _REGISTERING,
    Stage.HEALTHY: Health("InService"),
    Stage.UNHEALTHY: _FAILED,
    Stage.DRAINING: Health("InService", "", "Instance deregistration currently in progress."),
}


def instance_health(member: Member, _settings: PoolSettings) -> Health:
    """Word the state of an instance behind a classic load balancer."""
    if not member.powered and member.stage is not Stage.DRAINING:
        power = member.machine.power if member.machine else "stopped"
        return Health("OutOfService", "Instance", f"Instance is in {power} state.")
    return _CLASSIC[member.stage]


def target_word(member: Member, settings: PoolSettings) -> str:
    """Word a target's state in short, for the journal."""
    return target_health(member, settings).state


def instance_word(member: Member, settings: PoolSettings) -> str:
    """Word a classic instance's state in short, for the journal: draining is told apart."""
    return "draining" if member.stage is Stage.DRAINING else instance_health(member, settings).state
