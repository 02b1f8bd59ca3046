"""One shape for both kinds of group a machine can serve in: a target group and a classic load balancer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from include.airlock.aws.standing import Standing

Kind = Literal["target_group", "classic"]


@dataclass(frozen=True)
class Group:
    """A target group or a classic load balancer, with what a drain and an attach depend on.

    ``key`` is the ARN or the classic name; ``delay_s`` the longest a drain takes, 0 with draining
    off; ``cross_zone`` False means that each zone serves its own share of the requests.
    ``load_balancers`` are ARNs, and a classic load balancer's own name. ``slow``: a Network Load
    Balancer's, which may take minutes longer to let a target go.
    """

    kind: Kind
    key: str
    name: str
    port: int | None
    draining: bool
    delay_s: float
    cross_zone: bool
    slow_start_s: float
    interval_s: float
    healthy_threshold: int
    unhealthy_threshold: int
    load_balancers: tuple[str, ...]
    target_type: str
    vpc: str | None
    slow: bool = False


@dataclass(frozen=True)
class Member:
    """A machine in a group, exactly as it is registered.

    ``machine`` is the instance id, and the address in a target group of type ``ip``. ``zone`` is
    the machine's availability zone where it was told or registered (``all`` for an address
    outside the network), otherwise None. ``reason`` is AWS's, for people.
    ``address`` is what is registered where that is not ``machine``.
    """

    machine: str
    port: int | None
    zone: str | None
    standing: Standing
    reason: str
    address: str | None = None


@dataclass(frozen=True)
class PublicAddress:
    """Where a load balancer answers."""

    scheme: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as a URL without a path."""
        return f"{self.scheme}://{self.host}:{self.port}"
