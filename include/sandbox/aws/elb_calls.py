"""Classic Load Balancers: moto's calls, with instances that have real states."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.elb.exceptions import ELBClientError, LoadBalancerNotFoundError, NoActiveLoadBalancerFoundError
from moto.elb.responses import ELBResponse

from include.sandbox.aws.groups import Membership
from include.sandbox.aws.pools import Pool
from include.sandbox.aws.wording import instance_health
from include.sandbox.aws.world import AwsWorld


class ElbCalls(ELBResponse):  # type: ignore[misc] # moto's types are not followed
    """The calls whose behaviour moto lacks; the others are moto's."""

    def __init__(self, world: AwsWorld) -> None:
        super().__init__()
        self._world = world

    def create_load_balancer(self) -> ActionResult:
        """CreateLoadBalancer: its DNS name is the loopback address that its listeners will have."""
        super().create_load_balancer()
        name = self._get_param("LoadBalancerName")
        key = self._world.groups.classic_key(self.region, name)
        balancer = self.elb_backend.load_balancers[name]
        balancer.dns_name = self._world.blocks[self.region].balancer(key)
        return ActionResult({"DNSName": balancer.dns_name})

    def register_instances_with_load_balancer(self) -> ActionResult:
        """RegisterInstancesWithLoadBalancer: one that is draining is registered again."""
        name, _, balancer = self._pool()
        ids = self._asked()
        for id_ in ids:
            self._check_known(id_)
        for id_ in ids:
            if id_ not in balancer.instance_ids:
                balancer.instance_sparse_ids.append(id_)
            key = self._world.groups.classic_key(self.region, name)
            self._world.groups.join(Membership(self.region, key, id_))
        return ActionResult({"Instances": balancer.instances})

    def deregister_instances_from_load_balancer(self) -> ActionResult:
        """DeregisterInstancesFromLoadBalancer: succeeds for what is not registered as well."""
        _, pool, balancer = self._pool()
        ids = self._asked()
        for id_ in ids:
            self._check_known(id_)
        for id_ in ids:
            for held in (balancer.instance_sparse_ids, balancer.instance_autoscaling_ids):
                if id_ in held:
                    held.remove(id_)
            pool.deregister(id_, pool.settings.port)
        return ActionResult({"Instances": balancer.instances})

    def describe_instance_health(self) -> ActionResult:
        """DescribeInstanceHealth: InvalidInstance for one that is not registered."""
        _, pool, _ = self._pool()
        by_id = {member.id: member for member in pool.members.values()}
        for id_ in self._asked():
            if id_ not in by_id:
                raise ELBClientError("InvalidInstance", f"Could not find EC2 instance {id_}.")
        settings = pool.settings
        states = [instance_health(by_id[id_], settings).instance(id_) for id_ in self._asked() or by_id]
        return ActionResult({"InstanceStates": states})

    def describe_load_balancers(self) -> ActionResult:
        """DescribeLoadBalancers: an unknown name is an error, as AWS has it."""
        for name in self._get_param("LoadBalancerNames", []) or []:
            if name not in self.elb_backend.load_balancers:
                raise NoActiveLoadBalancerFoundError(name=name)
        return super().describe_load_balancers()

    def describe_load_balancer_attributes(self) -> ActionResult:
        """DescribeLoadBalancerAttributes: the same."""
        self._pool()
        return super().describe_load_balancer_attributes()

    def _pool(self) -> tuple[str, Pool, Any]:
        name = self._get_param("LoadBalancerName")
        balancer = self.elb_backend.load_balancers.get(name)
        pool = self._world.groups.pools.get(self._world.groups.classic_key(self.region, name))
        if balancer is None:
            raise NoActiveLoadBalancerFoundError(name=name)
        if pool is None:
            raise LoadBalancerNotFoundError(name)
        return name, pool, balancer

    def _asked(self) -> list[str]:
        return [each["InstanceId"] for each in self._get_param("Instances", []) or []]

    def _check_known(self, id_: str) -> None:
        machine = self._world.machines.get(id_)
        if machine is None or machine.region != self.region:
            raise ELBClientError("InvalidInstance", f"Could not find EC2 instance {id_}.")
