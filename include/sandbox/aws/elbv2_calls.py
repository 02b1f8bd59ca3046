"""Application and Network Load Balancers: moto's calls, with targets that have real states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.elbv2.exceptions import ELBClientError, TargetGroupNotFoundError
from moto.elbv2.responses import ELBV2Response

from include.sandbox.aws.groups import Membership
from include.sandbox.aws.machines import RUNNING
from include.sandbox.aws.members import Stage
from include.sandbox.aws.pools import Pool
from include.sandbox.aws.wording import target_health
from include.sandbox.aws.world import AwsWorld

_HEAVIEST = 999
_MOST_GROUPS = 5


class Elbv2Calls(ELBV2Response):  # type: ignore[misc] # moto's types are not followed
    """The calls whose behaviour moto lacks; the others are moto's."""

    def __init__(self, world: AwsWorld) -> None:
        super().__init__()
        self._world = world

    def create_load_balancer(self) -> ActionResult:
        """CreateLoadBalancer: its DNS name is the loopback address that its listeners will have."""
        created = super().create_load_balancer()
        balancer = created.result["LoadBalancers"][0]
        balancer.dns_name = self._world.blocks[self.region].balancer(balancer.arn)
        if balancer.type == "application":
            balancer.attrs["load_balancing.cross_zone.enabled"] = "true"
        return created

    def register_targets(self) -> ActionResult:
        """RegisterTargets: a target that is draining is registered again, one that is in stays as it is."""
        arn, pool, group = self._group()
        for target in self._get_param("Targets", []):
            self._check_target(group, target)
        for target in self._get_param("Targets", []):
            port = target.get("Port")
            zone = target.get("AvailabilityZone")
            self._world.groups.join(
                Membership(self.region, arn, target["Id"], int(port) if port else pool.settings.port, zone)
            )
        return EmptyResult()

    def deregister_targets(self) -> ActionResult:
        """DeregisterTargets: succeeds for what is not registered as well."""
        _, pool, _ = self._group()
        for target in self._get_param("Targets", []):
            pool.deregister(target["Id"], int(target.get("Port") or pool.settings.port))
        return EmptyResult()

    def describe_target_health(self) -> ActionResult:
        """DescribeTargetHealth: of the targets asked for, registered or not; else of all that are in."""
        _, pool, _ = self._group()
        asked: Sequence[Mapping[str, Any]] = self._get_param("Targets", [])
        settings = pool.settings
        keys = [(target["Id"], int(target.get("Port") or settings.port)) for target in asked]
        descriptions = []
        for id_, port in keys or list(pool.members):
            member = pool.members.get((id_, port))
            told: dict[str, Any] = {
                "Target": {"Id": id_, "Port": port},
                "HealthCheckPort": str(settings.check.port or port),
                "TargetHealth": target_health(member, settings).target(),
            }
            if member is not None and member.machine is None and member.zone:
                told["Target"]["AvailabilityZone"] = member.zone
            descriptions.append(told)
        return ActionResult({"TargetHealthDescriptions": descriptions})

    def modify_listener(self) -> ActionResult:
        """ModifyListener: groups and weights are checked, then the proxy follows after a moment."""
        self._check_forwards(self._get_param("DefaultActions", []))
        return super().modify_listener()

    def modify_rule(self) -> ActionResult:
        """ModifyRule: the same."""
        self._check_forwards(self._get_param("Actions", []))
        return super().modify_rule()

    def _group(self) -> tuple[str, Pool, Any]:
        arn = self._get_param("TargetGroupArn")
        pool = self._world.groups.pools.get(arn)
        group = self.elbv2_backend.target_groups.get(arn)
        if pool is None or group is None:
            raise TargetGroupNotFoundError()
        return arn, pool, group

    def _check_target(self, group: Any, target: Mapping[str, Any]) -> None:
        id_ = target["Id"]
        if group.target_type == "ip":
            if id_.startswith("i-"):
                raise ELBClientError("ValidationError", f"The IP address '{id_}' is not a valid IPv4 address")
            return
        if not id_.startswith("i-"):
            raise ELBClientError("ValidationError", f"Instance ID '{id_}' is not valid")
        machine = self._world.machines.get(id_)
        if machine is None or machine.region != self.region:
            text = f"The following targets are not in the target group VPC '{group.vpc_id}': '{id_}'"
            raise ELBClientError("InvalidTarget", text)
        held = self._world.groups.pools[group.arn].members.values()
        registered = any(m.id == id_ and m.stage is not Stage.DRAINING for m in held)
        if machine.power != RUNNING and not registered:
            text = f"The following targets are not in a running state and cannot be registered: '{id_}'"
            raise ELBClientError("InvalidTarget", text)

    def _check_forwards(self, actions: Sequence[Mapping[str, Any]]) -> None:
        for action in actions or []:
            groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or []
            if len(groups) > _MOST_GROUPS:
                raise ELBClientError("ValidationError", "A forward action takes at most five target groups")
            for each in groups:
                weight = int(each.get("Weight") or 0)
                if not 0 <= weight <= _HEAVIEST:
                    text = f"Weight '{weight}' must be between 0 and {_HEAVIEST}, inclusive"
                    raise ELBClientError("ValidationError", text)
            arns = {each.get("TargetGroupArn") for each in groups} | {action.get("TargetGroupArn")}
            if (arns - {None}) - set(self.elbv2_backend.target_groups):
                raise TargetGroupNotFoundError()
