"""The spec of a service with two target groups, one live and one idle: ``blue_green``."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from include.airlock.model.aws_names import (
    Listener,
    ListenerRule,
    TargetGroup,
    each_once,
    group_name,
    refuse_elsewhere,
    region_of,
)
from include.airlock.model.durations import Between
from include.airlock.model.fields import Host
from include.airlock.model.machine_service import MachineRegion, MachineService
from include.airlock.model.service_base import OnFailure, Policies
from include.airlock.model.wording import fault

_POLICIES = (
    OnFailure.HALT,
    OnFailure.ROLL_BACK_REGION,
    OnFailure.ROLL_BACK_RELEASE,
    OnFailure.ASK,
)
WHOLE = 100


class BlueGreenRegion(MachineRegion):
    """One listener, or one rule of a listener, that sends to one of two target groups.

    Which of the two is live is read from its weights; the other one gets the build.
    """

    listener: Listener | None = Field(
        None,
        description="Listener whose default action is switched, as `<load balancer name>:<port>` or ARN.",
    )
    rule: ListenerRule | None = Field(
        None, description="Rule whose action is switched, by its ARN; instead of `listener`."
    )
    target_groups: Annotated[
        tuple[TargetGroup, ...], Field(min_length=2, max_length=2), AfterValidator(each_once(group_name))
    ] = Field(description="The two target groups, by name or ARN; their order says nothing.")
    public_host: Host | None = Field(
        None,
        description="Host that clients use, when it is a domain of your own; else the load balancer's own.",
    )

    @model_validator(mode="after")
    def _one_switch(self) -> Self:
        if (self.listener is None) == (self.rule is None):
            raise fault("needs exactly one of 'listener' and 'rule'")
        refuse_elsewhere(self.aws_region, self.target_groups, "target_groups")
        there = region_of(self.switch)
        if self.aws_region is not None and there not in (None, self.aws_region):
            key = "rule" if self.listener is None else "listener"
            raise fault(f"is in {there}, and aws_region is {self.aws_region}", key)
        return self

    @property
    def switch(self) -> str:
        """The listener or the rule, as the spec names it."""
        return self.listener or self.rule or ""


def _each_once(regions: tuple[BlueGreenRegion, ...]) -> tuple[BlueGreenRegion, ...]:
    names: set[str] = set()
    taken: dict[tuple[str, str | None, str], str] = {}
    for index, region in enumerate(regions):
        if region.name in names:
            raise fault(f"there are two regions named '{region.name}'", index, "name")
        names.add(region.name)
        account = (region.connection, region.aws_region)
        switch = "listener" if region.rule is None else "rule"
        if taken.setdefault((*account, region.switch), region.name) != region.name:
            other = taken[(*account, region.switch)]
            raise fault(f"is switched in region '{other}' as well", index, switch)
        for number, group in enumerate(region.target_groups):
            other = taken.setdefault((*account, group_name(group)), region.name)
            if other != region.name:
                raise fault(f"is in region '{other}' as well", index, "target_groups", number)
    return regions


def _rising(steps: tuple[int, ...]) -> tuple[int, ...]:
    for index, (before, after) in enumerate(pairwise(steps), start=1):
        if after <= before:
            raise fault(f"{after} comes after {before}; the steps must rise", index)
    if steps[-1] != WHOLE:
        raise fault(f"ends with {steps[-1]}; the last step must be {WHOLE}", len(steps) - 1)
    return steps


_Percent = Annotated[int, Field(ge=1, le=WHOLE, strict=True)]


class BlueGreenService(MachineService):
    """A service on EC2 machines in two target groups: the idle one gets the build, then the traffic."""

    policies: ClassVar[tuple[OnFailure, ...]] = _POLICIES

    strategy: Literal["blue_green"] = Field(description="How a region gets the new build.")
    regions: Annotated[
        tuple[BlueGreenRegion, ...], Field(min_length=1, max_length=32), AfterValidator(_each_once)
    ] = Field(description="Where the service runs, in the order of release.")
    on_failure: Annotated[OnFailure, Policies(_POLICIES)] = Field(
        OnFailure.ROLL_BACK_REGION, description="What to do when a region is not accepted."
    )
    steps: Annotated[tuple[_Percent, ...], Field(min_length=1, max_length=20), AfterValidator(_rising)] = (
        Field(
            (WHOLE,), description="Percent of the traffic that the new build gets, step by step, up to 100."
        )
    )
    step_bake: Annotated[timedelta, Between("0s", "6h")] = Field(
        timedelta(seconds=30), description="How long each step but the last is watched before the next one."
    )

    @property
    def places(self) -> tuple[str, ...]:
        """The regions' names: a lane is a region."""
        return tuple(region.name for region in self.regions)

    def region(self, name: str) -> BlueGreenRegion:
        """Give the region of that name; KeyError when there is none."""
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)
