"""What the API says there is: moto keeps it, and this reads it for the parts that behave.

Importing moto takes more than a second, so it is imported when the first book is opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from include.sandbox.aws.health_check import Check
from include.sandbox.aws.members import PoolSettings
from include.sandbox.aws.routing import groups_of
from include.sandbox.aws.settings import AwsTimings

_SEED = 20261101
_USE_BALANCER = "use_load_balancer_configuration"


class Books:
    """moto's backends of one account. Every answer is live: the API's next call may change it."""

    def __init__(self, account: str) -> None:
        self.account = account
        # A thousand images that nobody here starts from would be read at each reset, and never let go.
        os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")

    def clear(self, regions: Sequence[str]) -> None:
        """Forget everything; the ids that are given next are the same after every call."""
        from moto.core.base_backend import BackendDict
        from moto.core.model_instances import reset_model_data
        from moto.moto_api._internal import mock_random

        # A book that is opened for the first time draws ids as well: all are opened before the dice are set.
        for region in regions:
            for open_book in (self.ec2, self.elbv2, self.elb, self.ssm, self.autoscaling):
                open_book(region)
        BackendDict.reset()
        reset_model_data()
        mock_random.seed(_SEED)

    @staticmethod
    def shuffle() -> None:
        """Give random ids from now on."""
        from moto.moto_api._internal import mock_random

        mock_random.seed()

    def ec2(self, region: str) -> Any:
        """EC2's book of a region."""
        from moto.ec2.models import ec2_backends

        return ec2_backends[self.account][region]

    def elbv2(self, region: str) -> Any:
        """The book of Application and Network Load Balancers."""
        from moto.elbv2.models import elbv2_backends

        return elbv2_backends[self.account][region]

    def elb(self, region: str) -> Any:
        """The book of Classic Load Balancers."""
        from moto.elb.models import elb_backends

        return elb_backends[self.account][region]

    def ssm(self, region: str) -> Any:
        """The book of Systems Manager; only its documents are used."""
        from moto.ssm.models import ssm_backends

        return ssm_backends[self.account][region]

    def autoscaling(self, region: str) -> Any:
        """The book of Auto Scaling groups."""
        from moto.autoscaling.models import autoscaling_backends

        return autoscaling_backends[self.account][region]

    def instances(self, region: str) -> Iterator[Any]:
        """Return every EC2 instance."""
        for reservation in self.ec2(region).all_reservations():
            yield from reservation.instances

    def rules(self, region: str) -> Iterator[Any]:
        """Return every rule of every listener."""
        for balancer in self.elbv2(region).load_balancers.values():
            for listener in balancer.listeners.values():
                yield from listener.rules.values()

    def link_groups(self, region: str) -> None:
        """Let every target group know the balancers whose rules forward to it, as the API tells it."""
        groups = self.elbv2(region).target_groups
        for group in groups.values():
            group.load_balancer_arns = []
        for balancer in self.elbv2(region).load_balancers.values():
            rules = [rule for listener in balancer.listeners.values() for rule in listener.rules.values()]
            for arn in groups_of(rules):
                if arn in groups:
                    groups[arn].load_balancer_arns.append(balancer.arn)

    def target_group(self, region: str, arn: str, timings: AwsTimings) -> PoolSettings:
        """Read a target group's settings."""
        group = self.elbv2(region).target_groups[arn]
        attributes = {key: str(value) for key, value in group.attributes.items()}
        network = group.protocol in ("TCP", "TLS", "UDP", "TCP_UDP")
        codes = (getattr(group, "matcher", None) or {}).get("HttpCode") or ("200-399" if network else "200")
        port = str(group.health_check_port)
        check = Check(
            (group.health_check_protocol or "HTTP").replace("HTTPS", "HTTP"),
            int(port) if port.isdigit() else None,
            group.health_check_path or "/",
            str(codes),
        )
        sticky = attributes.get("stickiness.enabled") == "true"
        return PoolSettings(
            name=group.name,
            port=int(group.port or 80),
            check=check,
            interval=float(group.health_check_interval_seconds),
            timeout=float(group.health_check_timeout_seconds),
            healthy=int(group.healthy_threshold_count),
            unhealthy=int(group.unhealthy_threshold_count),
            drain=float(attributes["deregistration_delay.timeout_seconds"]),
            cut_at_end=not network
            or attributes.get("deregistration_delay.connection_termination.enabled") == "true",
            registration=timings.network_registration if network else timings.registration,
            slow_start=float(attributes.get("slow_start.duration_seconds") or 0),
            cross_zone=self._cross_zone(region, group, network),
            in_use=bool(group.load_balancer_arns),
            stickiness=float(attributes.get("stickiness.lb_cookie.duration_seconds") or 86400) * sticky,
        )

    def _cross_zone(self, region: str, group: Any, network: bool) -> bool:
        own = str(group.attributes.get("load_balancing.cross_zone.enabled", _USE_BALANCER))
        if own != _USE_BALANCER:
            return own == "true"
        if not network:
            return True
        balancers = self.elbv2(region).load_balancers
        return any(
            str(balancers[arn].attrs.get("load_balancing.cross_zone.enabled")) == "true"
            for arn in group.load_balancer_arns
            if arn in balancers
        )

    def classic(self, region: str, name: str, timings: AwsTimings) -> PoolSettings:
        """Read a classic load balancer's settings; its defaults are AWS's own where none were given."""
        balancer = self.elb(region).load_balancers[name]
        listener = balancer.listeners[0] if balancer.listeners else None
        port = int(listener.instance_port) if listener else 80
        asked = balancer.health_check
        draining = balancer.attributes["connection_draining"]
        drains = str(draining.get("Enabled", draining.get("enabled", False))).lower() == "true"
        crossing = balancer.attributes["cross_zone_load_balancing"]
        return PoolSettings(
            name=name,
            port=port,
            check=_classic_check(str(asked.target) if asked else f"TCP:{port}"),
            interval=float(asked.interval) if asked else 30.0,
            timeout=float(asked.timeout) if asked else 5.0,
            healthy=int(asked.healthy_threshold) if asked else 10,
            unhealthy=int(asked.unhealthy_threshold) if asked else 2,
            drain=float(draining.get("Timeout", draining.get("timeout")) or 300) if drains else 0.0,
            drain_ends_when_idle=True,
            registration=timings.registration,
            cross_zone=str(crossing.get("Enabled", crossing.get("enabled", False))).lower() == "true",
            fail_open=False,
        )


def _classic_check(target: str) -> Check:
    """Read a target such as ``HTTP:8080/health`` or ``TCP:8080``."""
    protocol, _, rest = target.partition(":")
    port, slash, path = rest.partition("/")
    kind = "HTTP" if protocol in ("HTTP", "HTTPS") else "TCP"
    return Check(kind, int(port) if port.isdigit() else None, slash + path)
