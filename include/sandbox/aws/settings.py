"""What the AWS side is made of: services, machines, load balancers, times. Every key is optional."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator, model_validator

from include.sandbox.closed_model import BUILD_PATTERN, Frozen

BalancerKind = Literal["application", "network"]


class AwsTimings(Frozen):
    """How long AWS takes, in seconds at ``speed`` 1; the API tells its own numbers unscaled."""

    registration: float = Field(2.0, ge=0, description="from a registration to the first health check")
    network_registration: float = Field(
        180.0, ge=0, description="the same behind a Network Load Balancer (users report 3 to 5 minutes)"
    )
    propagation: float = Field(
        1.0, ge=0, description="from a changed listener or rule until it routes that way"
    )
    command_start: float = Field(1.0, ge=0, description="from send-command until the agent starts")
    invocation_visible: float = Field(
        0.3, ge=0, description="from send-command until its invocations can be read"
    )
    deploy: float = Field(8.0, ge=0, description="putting a build onto a machine, its application stopped")
    warm_up: float = Field(4.0, ge=0, description="503 after the application has started")
    boot: float = Field(30.0, ge=0, description="from a machine's launch until its application runs")
    scaling_look: float = Field(30.0, gt=0, description="between two looks of Auto Scaling at its machines")


class HealthCheck(Frozen):
    """How a load balancer asks whether a machine is well. Times in seconds at ``speed`` 1."""

    path: str = "/health"
    interval: int = Field(10, ge=5, le=300)
    timeout: int = Field(5, ge=2, le=120)
    healthy: int = Field(3, ge=2, le=10)
    unhealthy: int = Field(2, ge=2, le=10)


class Farm(Frozen):
    """Machines that serve together, and what stands in front of them."""

    machines: int = Field(2, ge=1, le=12)
    build: str = "2026.11.1"
    zones: tuple[str, ...] = Field(("a", "b"), min_length=1, max_length=3)
    target_group: BalancerKind | None = None
    target_type: Literal["instance", "ip"] = "instance"
    classic_load_balancer: bool = False
    health_check: HealthCheck = HealthCheck()
    deregistration_delay: int = Field(60, ge=0, le=3600, description="of the target group, in seconds")
    slow_start: int = Field(0, ge=0, le=900, description="of the target group, in seconds; 0: none")
    connection_draining: bool = Field(True, description="of the classic load balancer")
    draining_timeout: int = Field(60, ge=1, le=3600, description="of the classic load balancer, in seconds")
    cross_zone: bool = True
    autoscaling_group: bool = False

    @field_validator("build")
    @classmethod
    def _plausible(cls, build: str) -> str:
        if not BUILD_PATTERN.match(build):
            raise ValueError(f"{build!r} is no build: letters, digits and . _ + -, at most 64")
        return build

    @field_validator("zones")
    @classmethod
    def _letters(cls, zones: tuple[str, ...]) -> tuple[str, ...]:
        if not set(zones) <= {"a", "b", "c"}:
            raise ValueError("a zone is a, b or c")
        return zones


class BlueGreen(Frozen):
    """Two target groups of ``machines`` each behind one listener; blue is live. The rest as in a farm."""

    machines: int = Field(2, ge=1, le=12)
    build: str = "2026.11.1"
    health_check: HealthCheck = HealthCheck()
    deregistration_delay: int = Field(60, ge=0, le=3600)
    slow_start: int = Field(0, ge=0, le=900)


class AwsRegionConfig(Frozen):
    """One region of a service: farms in order, or a pair of groups."""

    farms: Mapping[str, Farm] = {}
    blue_green: BlueGreen | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> AwsRegionConfig:
        if bool(self.farms) == bool(self.blue_green):
            raise ValueError("give either farms or blue_green")
        return self


class AwsServiceConfig(Frozen):
    """A service and its regions, in order."""

    regions: Mapping[str, AwsRegionConfig]


class AwsConfig(Frozen):
    """Everything of the AWS side that can be set."""

    account: str = Field("123456789012", pattern=r"^\d{12}$")
    access_key_id: str = Field("AKIASANDBOX000000001", pattern=r"^[A-Z0-9]{20}$")
    secret_access_key: str = "sandbox-secret-access-key"
    machine_port: int = Field(8080, ge=1024, le=65535, description="of the application on every machine")
    listener_port: int = Field(8090, ge=1024, le=65535, description="of every load balancer's listener")
    limits: bool = Field(
        False, description="AWS's limits on reads of load balancers too; off, as this cloud runs faster"
    )
    timings: AwsTimings = AwsTimings()
    services: Mapping[str, AwsServiceConfig]
