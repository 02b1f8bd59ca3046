"""The spec of a service that is released by swapping App Service slots."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from include.airlock.model.durations import Between
from include.airlock.model.fields import Closed, Host, Word
from include.airlock.model.refresh import Refresh
from include.airlock.model.service_base import OnFailure, Policies, Region, ServiceBase
from include.airlock.model.wording import fault

_POLICIES = (
    OnFailure.HALT,
    OnFailure.ROLL_BACK_REGION,
    OnFailure.ROLL_BACK_RELEASE,
    OnFailure.ASK,
)


def _not_production(slot: str) -> str:
    if slot.lower() == "production":
        raise fault("'production' is the slot that is swapped into; name the slot that holds the next build")
    return slot


# Lengths and alphabets: "Naming rules and restrictions for Azure resources", Microsoft.Web and
# Microsoft.Resources.
ResourceGroup = Annotated[
    str,
    Word(
        r"[A-Za-z0-9_().-]*[A-Za-z0-9_()-]",
        "a resource group has letters, digits, '_', '-', '.' and brackets, and does not end with '.'",
        longest=90,
        example="rg-payments-westeurope",
    ),
]
AppName = Annotated[
    str,
    Word(
        r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])",
        "an app has two or more letters, digits and '-', and neither starts nor ends with '-'",
        longest=60,
        example="payments-westeurope",
    ),
]
SlotName = Annotated[
    str,
    Word(
        r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])",
        "a slot has two or more letters, digits and '-', and neither starts nor ends with '-'",
        longest=59,
        example="staging",
    ),
    AfterValidator(_not_production),
]


class SlotRegion(Region):
    """One App Service app with the slot that is swapped into its production slot."""

    resource_group: ResourceGroup = Field(description="Resource group of the app.")
    app: AppName = Field(description="Name of the App Service app.")
    slot: SlotName = Field("staging", description="Slot that holds the next build.")
    public_host: Host | None = Field(
        None,
        description="Host that clients use, when it is a domain of your own; else the app's default host.",
    )


class Scheduled(Closed):
    """A release that the calendar starts, whenever the first region's doors open."""

    build: Literal["staging"] = Field(
        description="Which build: `staging` is the one that all staging slots hold."
    )


def _each_once(regions: tuple[SlotRegion, ...]) -> tuple[SlotRegion, ...]:
    names: set[str] = set()
    apps: dict[tuple[str, str, str], str] = {}
    for index, region in enumerate(regions):
        if region.name in names:
            raise fault(f"there are two regions named '{region.name}'", index, "name")
        app = (region.connection, region.resource_group.lower(), region.app.lower())
        if app in apps:
            raise fault(
                f"is the same app as in region '{apps[app]}'; it would be swapped twice", index, "app"
            )
        names.add(region.name)
        apps[app] = region.name
    return regions


class SlotSwapService(ServiceBase):
    """A service on Azure App Service that is released by swapping slots, region by region."""

    policies: ClassVar[tuple[OnFailure, ...]] = _POLICIES
    where_the_build_goes: ClassVar[str] = "that all staging slots hold and that production shall get"

    strategy: Literal["slot_swap"] = Field(description="How a region gets the new build.")
    regions: Annotated[
        tuple[SlotRegion, ...], Field(min_length=1, max_length=32), AfterValidator(_each_once)
    ] = Field(description="Where the service runs, in the order of release.")
    on_failure: Annotated[OnFailure, Policies(_POLICIES)] = Field(
        OnFailure.ROLL_BACK_REGION, description="What to do when a region is not accepted."
    )
    refresh: Refresh | None = Field(
        None, description="How stale staging slots get the latest build afterwards; null to leave them."
    )
    swap_timeout: Annotated[timedelta, Between("30s", "6h")] = Field(
        timedelta(minutes=30), description="Longest time for one swap, warm-up included."
    )
    swap_settle: Annotated[timedelta, Between("1s", "30m")] = Field(
        timedelta(minutes=2),
        description="How long nothing may be seen of a swap request that got no answer, until that proves "
        "that it did nothing.",
    )

    scheduled: Scheduled | None = Field(
        None, description="Start a release whenever the first region's window opens; null: only when asked."
    )

    @model_validator(mode="after")
    def _has_an_opening(self) -> Self:
        if self.scheduled is not None and not self.calendar(self.places[0]).windows:
            raise fault(f"needs windows; {self.places[0]} has none that opens", "scheduled")
        return self

    @property
    def places(self) -> tuple[str, ...]:
        """The regions' names: a lane is a region."""
        return tuple(region.name for region in self.regions)

    def region(self, name: str) -> SlotRegion:
        """Give the region of that name; KeyError when there is none."""
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)
