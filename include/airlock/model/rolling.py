"""The spec of a service whose machines leave their load balancers in turn: ``rolling``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from include.airlock.model.aws_names import (
    ClassicLoadBalancer,
    InstanceId,
    ScalingGroupName,
    TargetGroup,
    each_once,
    group_name,
    refuse_elsewhere,
)
from include.airlock.model.durations import Between
from include.airlock.model.fields import Closed, Host, PlaceName
from include.airlock.model.machine_service import MachineRegion, MachineService
from include.airlock.model.service_base import OnFailure, Policies
from include.airlock.model.wording import fault

_POLICIES = tuple(OnFailure)


class Farm(Closed):
    """Machines that serve together, released one after the other.

    They are the members of `target_groups` and `classic_load_balancers`, or of these only the
    listed `instances`. A machine is taken out of every group that it is in, also of those that are
    not named here, and put back into exactly these.
    """

    name: PlaceName = Field(
        description="The farm's name; it becomes part of task ids.", examples=["production"]
    )
    target_groups: Annotated[
        tuple[TargetGroup, ...], Field(max_length=20), AfterValidator(each_once(group_name))
    ] = Field((), description="Target groups of Application or Network Load Balancers, by name or ARN.")
    classic_load_balancers: Annotated[
        tuple[ClassicLoadBalancer, ...], Field(max_length=20), AfterValidator(each_once())
    ] = Field((), description="Classic load balancers, by name.")
    instances: Annotated[tuple[InstanceId, ...], Field(max_length=200), AfterValidator(each_once())] = Field(
        (), description="Machines in the order of release; none listed means all members of the groups."
    )
    autoscaling_group: ScalingGroupName | None = Field(
        None, description="Auto Scaling group of the machines, which go through Standby; null without one."
    )
    public_host: Host | None = Field(
        None,
        description="Host that clients use, when it is a domain of your own; else the load balancer's own.",
    )

    @model_validator(mode="after")
    def _has_machines(self) -> Self:
        if not (self.target_groups or self.classic_load_balancers or self.instances):
            raise fault(
                f"farm '{self.name}' has no machines; it needs 'target_groups', 'classic_load_balancers' "
                "or 'instances'"
            )
        return self

    def groups(self) -> Iterator[tuple[str, int, str]]:
        """Give each group's key in the spec, its place in that list and its name."""
        for index, group in enumerate(self.target_groups):
            yield "target_groups", index, group_name(group)
        for index, name in enumerate(self.classic_load_balancers):
            yield "classic_load_balancers", index, name


class RollingRegion(MachineRegion):
    """One AWS region of one account, with its farms."""

    farms: Annotated[tuple[Farm, ...], Field(min_length=1, max_length=16)] = Field(
        description="The farms there, in the order of release, e.g. staging before production."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        names: set[str] = set()
        for index, farm in enumerate(self.farms):
            if farm.name in names:
                raise fault(f"there are two farms named '{farm.name}'", "farms", index, "name")
            names.add(farm.name)
            refuse_elsewhere(self.aws_region, farm.target_groups, "farms", index, "target_groups")
        return self


class _Taken:
    """Which farm has a machine or a group, so that none is released twice."""

    def __init__(self) -> None:
        self.machines: dict[str, str] = {}
        self.groups: dict[tuple[str, str | None, str, str], tuple[str, bool]] = {}

    def add(self, region: RollingRegion, farm: Farm, *at: str | int) -> None:
        place = f"{region.name}.{farm.name}"
        for index, machine in enumerate(farm.instances):
            if machine in self.machines:
                raise fault(f"is in farm '{self.machines[machine]}' as well", *at, "instances", index)
            self.machines[machine] = place
        for kind, index, name in farm.groups():
            key, listed = (region.connection, region.aws_region, kind, name), bool(farm.instances)
            other, other_listed = self.groups.setdefault(key, (place, listed))
            # Farms may share a group when each lists its own machines: one canary, then the rest.
            if other != place and not (listed and other_listed):
                raise fault(
                    f"is in farm '{other}' as well, so its machines would be released twice; "
                    "list the instances of both farms",
                    *at,
                    kind,
                    index,
                )


def _each_once(regions: tuple[RollingRegion, ...]) -> tuple[RollingRegion, ...]:
    names: set[str] = set()
    taken = _Taken()
    for index, region in enumerate(regions):
        if region.name in names:
            raise fault(f"there are two regions named '{region.name}'", index, "name")
        names.add(region.name)
        for number, farm in enumerate(region.farms):
            taken.add(region, farm, index, "farms", number)
    return regions


def _shares(farm: Farm, farms: tuple[Farm, ...]) -> bool:
    """Whether another farm serves in one of its groups and goes on doing so; the preflight counts them."""

    def held(each: Farm) -> set[str]:
        return {*map(group_name, each.target_groups), *each.classic_load_balancers}

    return any(held(farm) & held(other) for other in farms if other is not farm)


class RollingService(MachineService):
    """A service on EC2 machines that leave their load balancers in turn, farm by farm, region by region."""

    policies: ClassVar[tuple[OnFailure, ...]] = _POLICIES
    place_word: ClassVar[str] = "farm"

    strategy: Literal["rolling"] = Field(description="How a region gets the new build.")
    regions: Annotated[
        tuple[RollingRegion, ...], Field(min_length=1, max_length=32), AfterValidator(_each_once)
    ] = Field(description="Where the service runs, in the order of release.")
    on_failure: Annotated[OnFailure, Policies(_POLICIES)] = Field(
        OnFailure.ROLL_BACK_REGION,
        description="What to do when a farm is not accepted; `roll_back_region` means every machine of it.",
    )
    max_unavailable: Annotated[int, Field(ge=1, le=100, strict=True)] = Field(
        1, description="Machines of a farm that may be out at once."
    )
    min_healthy: Annotated[int, Field(ge=0, le=1000, strict=True)] | None = Field(
        None,
        description="Healthy machines that must stay in every group; null for the group's size less "
        "`max_unavailable`, and never less than 1. Only a written 0 allows an outage.",
    )
    min_healthy_per_zone: Annotated[int, Field(ge=0, le=1000, strict=True)] = Field(
        1,
        description="Healthy machines that must stay in the machine's zone, where a load balancer does not "
        "balance across zones.",
    )
    drain_timeout: Annotated[timedelta, Between("1s", "2h")] | None = Field(
        None, description="Longest time for draining; null for the group's own delay and a margin."
    )

    @model_validator(mode="after")
    def _somebody_serves(self) -> Self:
        for index, region in enumerate(self.regions):
            for number, farm in enumerate(region.farms):
                size = 0 if _shares(farm, region.farms) else len(farm.instances)
                if size and self.max_unavailable >= size and self.min_healthy is None:
                    raise fault(
                        f"are {size}, and max_unavailable is {self.max_unavailable}: all could be out at "
                        "once; list more, or write 'min_healthy' to say how many must stay",
                        *("regions", index, "farms", number, "instances"),
                    )
        return self

    @property
    def places(self) -> tuple[str, ...]:
        """The farms' names behind their regions': a lane is one farm in one region."""
        return tuple(f"{region.name}.{farm.name}" for region in self.regions for farm in region.farms)

    def lane(self, place: str) -> tuple[RollingRegion, Farm]:
        """Give the region and the farm of a place; KeyError when there is none."""
        for region in self.regions:
            for farm in region.farms:
                if f"{region.name}.{farm.name}" == place:
                    return region, farm
        raise KeyError(place)

    def floor(self, size: int) -> int:
        """Give how many healthy machines must stay in a group of ``size``; 0 only where the spec says so."""
        return max(1, size - self.max_unavailable) if self.min_healthy is None else self.min_healthy
