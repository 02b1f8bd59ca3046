"""What every service's spec has, whatever its strategy: its name, its page, its policy, who is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from include.airlock.model.approvals import Approvals, Ask
from include.airlock.model.durations import Between
from include.airlock.model.expressions import Pattern
from include.airlock.model.fields import Closed, ConnectionId, Name, PlaceName, Text, Word
from include.airlock.model.opening import Calendar
from include.airlock.model.status_page import AnyStatusPage
from include.airlock.model.windows import Freeze, Window
from include.airlock.model.wording import fault, nearest, one_of, shown


class OnFailure(StrEnum):
    """What becomes of a release when a region is not accepted; each strategy has its own choice of these."""

    HALT = "halt"
    ROLL_BACK_MACHINE = "roll_back_machine"
    ROLL_BACK_REGION = "roll_back_region"
    ROLL_BACK_RELEASE = "roll_back_release"
    ASK = "ask"


class WhenClosed(StrEnum):
    """What a release does before a place whose expected time does not fit before the window closes."""

    WAIT = "wait"
    STOP = "stop"


@dataclass(frozen=True)
class Policies:
    """Marks an ``OnFailure`` field as one of these."""

    words: tuple[OnFailure, ...]

    def check(self, given: object) -> object:
        """Refuse a policy that this strategy does not have."""
        refusal = refusal_of_policy(given, self.words)
        if refusal is not None:
            raise fault(refusal)
        return given

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check before the word becomes a member of the enum."""
        return core_schema.no_info_before_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Give the words."""
        return {"type": "string", "enum": [each.value for each in self.words]}


def refusal_of_policy(given: object, policies: Iterable[OnFailure]) -> str | None:
    """Say why ``given`` is not among a strategy's failure policies; None when it is."""
    words = [each.value for each in policies]
    if given in words:
        return None
    if given == OnFailure.ROLL_BACK_MACHINE:
        return f"{shown(given)} is for the strategy 'rolling' alone; valid: {one_of(words)}"
    return f"{shown(given)} is not valid; {nearest(str(given), words)}"


RESERVED = (
    "accept",
    "approve",
    "end",
    "preflight",
    "refresh",
    "roll_back_earlier",
    "start",
    "tell",
    "turn",
    "verdict",
)
"""Names of steps that stand beside the regions' lanes in a release's graph."""


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise fault(f"'{name}' is the name of a step of the release; call the region something else")
    return name


def _no_train(name: str) -> str:
    if name.startswith("train_"):
        raise fault(
            f"'{name}': rollback_{name} is the DAG of a train's rollback; call the service something else"
        )
    return name


class Region(Closed):
    """One place a service runs, whatever the strategy."""

    name: Annotated[PlaceName, AfterValidator(_not_reserved)] = Field(
        description="The region's name; it becomes part of task ids."
    )
    connection: ConnectionId = Field(
        description="Airflow connection with the credentials for the cloud there."
    )
    windows: Annotated[tuple[Window, ...], Field(min_length=1, max_length=20)] | None = Field(
        None, description="When it may be released there, instead of the service's windows; null for these."
    )
    freezes: Annotated[tuple[Freeze, ...], Field(max_length=50)] = Field(
        (), description="When it may not be released there, beside the service's freezes."
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

    policies: ClassVar[tuple[OnFailure, ...]] = ()
    """What ``on_failure`` may say for this strategy."""
    place_word: ClassVar[str] = "region"
    """What people call one lane of the release's graph."""
    where_the_build_goes: ClassVar[str] = ""
    """Which build is asked for, in the words of the form."""

    service: Annotated[Name, AfterValidator(_no_train)] = Field(
        description="The service's name; the file is called `<service>.yaml`."
    )
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
    ask: Ask = Field(
        default_factory=Ask, description="How a failed region waits for an answer, where the policy is `ask`."
    )
    approvals: Approvals | None = Field(None, description="What needs an approval, and whose; null for none.")
    build_pattern: Annotated[str, Pattern((), r"20[0-9]{2}\.[0-9]{1,2}\.[0-9]+")] | None = Field(
        None, description="Pattern that a build must match as a whole."
    )
    announce: Announce = Field(default_factory=Announce, description="Who is told.")
    windows: Annotated[tuple[Window, ...], Field(max_length=20)] = Field(
        (), description="When it may be released; none means at any time."
    )
    freezes: Annotated[tuple[Freeze, ...], Field(max_length=50)] = Field(
        (), description="Days on which it may not be released."
    )
    when_closed: WhenClosed = Field(
        WhenClosed.STOP,
        description="What a release does before a region that does not fit into a window: `stop` there, or "
        "`wait` for the next window.",
    )

    if TYPE_CHECKING:
        # Each strategy declares its own regions; at run time a field here would come before them all.
        regions: tuple[Region, ...]

    @model_validator(mode="after")
    def _opens_somewhen(self) -> Self:
        nothing = "leave nothing of the windows: it could never be released"
        if not self.calendar().ever_opens():
            raise fault(nothing, "freezes")
        for index, region in enumerate(self.regions):
            if self.calendar(region.name).ever_opens():
                continue
            if region.freezes:
                raise fault(f"{nothing} there", "regions", index, "freezes")
            raise fault("are all within the service's freezes", "regions", index, "windows")
        return self

    @model_validator(mode="after")
    def _closes_somewhen(self) -> Self:
        if self.when_closed is WhenClosed.WAIT and not self.has_windows:
            raise fault("says nothing without windows or freezes", "when_closed")
        return self

    @property
    def has_windows(self) -> bool:
        """Whether windows or freezes hold anywhere, so that there is a time when it may not be released."""
        calendars = [self.calendar(), *(self.calendar(region.name) for region in self.regions)]
        return any(each.windows or each.freezes for each in calendars)

    def calendar(self, place: str | None = None) -> Calendar:
        """Give the windows and freezes that hold for a place, one of ``places`` or a region; None: for all.

        A region's own windows replace the service's, its freezes come on top.

        Raises:
            KeyError: there is no such place.
        """
        if place is None:
            return Calendar(self.windows, self.freezes)
        name = place.partition(".")[0]
        for region in self.regions:
            if region.name == name:
                windows = self.windows if region.windows is None else region.windows
                return Calendar(windows, (*self.freezes, *region.freezes))
        raise KeyError(place)

    @property
    def places(self) -> tuple[str, ...]:
        """The names of the lanes of the release's graph, in the order of release."""
        raise NotImplementedError  # abstract: each strategy's model says what its places are
