"""What a team writes about its service: ``dags/services/<service>.yaml``.

The models are closed: a key that is not known here is refused. They hold names of Airflow
connections and never a secret. ``include.airlock.model.loading`` reads a file into them and says
file and line of each fault.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from include.airlock.model.durations import Between
from include.airlock.model.expressions import Pattern
from include.airlock.model.fields import Closed, ConnectionId, Host, Name, Text, Word
from include.airlock.model.refresh import Container, Package, Refresh
from include.airlock.model.status_page import AnyStatusPage, JsonPage, PatternPage, StatusPage
from include.airlock.model.wording import fault


class OnFailure(StrEnum):
    """What becomes of a release when a region is not accepted."""

    HALT = "halt"
    ROLL_BACK_REGION = "roll_back_region"
    ROLL_BACK_RELEASE = "roll_back_release"


RESERVED = ("accept", "end", "preflight", "refresh", "roll_back_earlier", "start", "tell", "verdict")
"""Names of steps that stand beside the regions' lanes in a release's graph."""


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise fault(f"'{name}' is the name of a step of the release; call the region something else")
    return name


class Region(Closed):
    """One place a service runs, whatever the strategy."""

    name: Annotated[Name, AfterValidator(_not_reserved)] = Field(
        description="The region's name; it becomes part of task ids."
    )
    connection: ConnectionId = Field(
        description="Airflow connection with the credentials for the cloud there."
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


class SlackChannel(Closed):
    """Where in Slack a release is told."""

    connection: ConnectionId = Field(description="Airflow connection of type `slack`.")
    channel: Annotated[
        str,
        Word(
            r"#[^\s#@<>&,A-Z\x00-\x1f]+|[CGD][A-Z0-9]{8,20}",
            "a channel is its name in quotes, like '#releases', or its id, like C0123456789",
            longest=80,
            example="#releases",
        ),
    ] = Field(description="Channel, in quotes because `#` starts a comment in YAML.")


class Webhook(Closed):
    """Any other medium: each event is posted there as JSON."""

    connection: ConnectionId = Field(description="Airflow connection of type `http`; host is the full URL.")


class Announce(Closed):
    """Who is told of a release; telling never delays or fails it."""

    slack: SlackChannel | None = Field(None, description="Slack channel, or null.")
    webhooks: Annotated[tuple[Webhook, ...], Field(max_length=10)] = Field((), description="Other media.")


class ServiceBase(Closed):
    """What every service has, whatever its strategy."""

    service: Name = Field(description="The service's name; the file is called `<service>.yaml`.")
    description: Annotated[str, Text(500, several_lines=True)] | None = Field(
        None, description="What the service does, for people who look at its DAG."
    )
    owner: Annotated[str, Text(100)] = Field(description="Team or person to ask.")
    tags: Annotated[tuple[Annotated[str, Text(60)], ...], Field(max_length=10)] = Field(
        (), description="Tags of the DAG."
    )
    status_page: AnyStatusPage = Field(description="The page that proves which build runs, and how well.")
    bake: Annotated[timedelta, Between("0s", "24h")] = Field(
        timedelta(minutes=5), description="How long a region is watched before the next one starts."
    )
    on_failure: OnFailure = Field(
        OnFailure.ROLL_BACK_REGION, description="What to do when a region is not accepted."
    )
    build_pattern: Annotated[str, Pattern((), r"20[0-9]{2}\.[0-9]{1,2}\.[0-9]+")] | None = Field(
        None, description="Pattern that a build must match as a whole."
    )
    announce: Announce = Field(default_factory=Announce, description="Who is told.")
    refresh: Refresh | None = Field(
        None, description="How stale staging slots get the latest build afterwards; null to leave them."
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

    strategy: Literal["slot_swap"] = Field(description="How a region gets the new build.")
    regions: Annotated[
        tuple[SlotRegion, ...], Field(min_length=1, max_length=32), AfterValidator(_each_once)
    ] = Field(description="Where the service runs, in the order of release.")
    swap_timeout: Annotated[timedelta, Between("30s", "6h")] = Field(
        timedelta(minutes=30), description="Longest time for one swap, warm-up included."
    )
    swap_settle: Annotated[timedelta, Between("1s", "30m")] = Field(
        timedelta(minutes=2),
        description="How long nothing may be seen of a swap request that got no answer, until that proves "
        "that it did nothing.",
    )

    def region(self, name: str) -> SlotRegion:
        """Give the region of that name; KeyError when there is none."""
        for region in self.regions:
            if region.name == name:
                return region
        raise KeyError(name)


STRATEGIES: dict[str, type[SlotSwapService]] = {"slot_swap": SlotSwapService}
"""The model of a spec, by the word that stands for its strategy."""

Service = SlotSwapService
"""A service of any strategy: a union as soon as there are more."""

__all__ = [
    "STRATEGIES",
    "Announce",
    "Container",
    "JsonPage",
    "OnFailure",
    "Package",
    "PatternPage",
    "Refresh",
    "Region",
    "Service",
    "ServiceBase",
    "SlackChannel",
    "SlotRegion",
    "SlotSwapService",
    "StatusPage",
    "Webhook",
]
