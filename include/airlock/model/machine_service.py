"""What services on EC2 machines have in common: how machines are reached, deployed to and waited for."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from include.airlock.model.aws_names import AwsRegion
from include.airlock.model.deploy import Deploy
from include.airlock.model.durations import Between, format_duration
from include.airlock.model.fields import Closed
from include.airlock.model.service_base import Region, ServiceBase
from include.airlock.model.wording import fault


class MachineRegion(Region):
    """A place on AWS."""

    aws_region: AwsRegion | None = Field(
        None, description="Code of the AWS region; null for the connection's own `region_name`."
    )


class MachineAddress(Closed):
    """Where a machine's own status page is, past every load balancer."""

    address: Literal["private_ip", "public_ip", "private_dns"] = Field(
        "private_ip", description="Which of the machine's addresses Airflow's workers can reach."
    )
    port: Annotated[int, Field(ge=1, le=65535, strict=True)] | None = Field(
        None, description="Port of the service; null for the one that the load balancer sends to."
    )
    scheme: Literal["http", "https"] = Field("http", description="How the machine itself is spoken to.")


class MachineService(ServiceBase):
    """A service on EC2 machines behind load balancers."""

    where_the_build_goes: ClassVar[str] = "that every machine shall get"

    deploy: Deploy = Field(description="How a machine gets the build.")
    machine: MachineAddress = Field(
        default_factory=MachineAddress, description="Where a machine's own status page is."
    )
    healthy_timeout: Annotated[timedelta, Between("1s", "2h")] = Field(
        timedelta(minutes=10),
        description="Longest time until an attached machine is healthy to its load balancers; "
        "slow start is not counted.",
    )
    soak: Annotated[int, Field(ge=1, le=100, strict=True)] = Field(
        3, description="Looks in a row that must find a machine healthy before it counts as being in service."
    )
    poll: Annotated[timedelta, Between("100ms", "5m")] = Field(
        timedelta(seconds=5),
        description="Pause between two looks at AWS; below 5s AWS may throttle the whole account.",
    )

    @model_validator(mode="after")
    def _can_soak(self) -> Self:
        if self.poll * (self.soak - 1) >= self.healthy_timeout:
            raise fault(
                f"{format_duration(self.healthy_timeout)} is too short for {self.soak} looks "
                f"{format_duration(self.poll)} apart",
                "healthy_timeout",
            )
        return self

    @property
    def scheduled(self) -> None:
        """None: no staging slots say which build a scheduled start would release."""
        return None

    @property
    def refresh(self) -> None:
        """None: there are no staging slots to refresh."""
        return None
