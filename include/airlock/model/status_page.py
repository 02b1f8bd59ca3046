"""Where a service's status page is, how to read it, and how much proof is asked of it.

A page says three things: which build answers, whether it is well, and whether each dependency is
connected. All three must be found on it. What is absent is never taken as good.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from include.airlock.model.durations import Between, format_duration
from include.airlock.model.expressions import Expression, Pattern, Unreadable, look
from include.airlock.model.fields import Closed, StatusPath, Text
from include.airlock.model.streak import Policy
from include.airlock.model.wording import fault, shown


def _value(given: object) -> bool | int | str:
    if not isinstance(given, (bool, int, str)):
        raise fault(f"{shown(given)} is not text, a whole number, true or false")
    return Text(80).check(given) if isinstance(given, str) else given


Value = Annotated[
    bool | int | str,
    PlainValidator(_value),
    WithJsonSchema({"type": ["string", "integer", "boolean"], "maxLength": 80}),
]
"""A value that a page may show: text is compared without case and outer space, the rest exactly."""

Values = Annotated[tuple[Value, ...], Field(min_length=1, max_length=20)]

HEALTHY: tuple[Value, ...] = ("running", "healthy", "ok", "up", "pass", True)
STARTING: tuple[Value, ...] = ("starting", "warming", "warming up", "initializing", "initialising", "loading")
CONNECTED: tuple[Value, ...] = ("connected", "healthy", "ok", "up", "pass", "running", True)


def among(value: object, values: tuple[Value, ...]) -> bool:
    """Say whether a page's value is one of ``values``; 1 is not true and "true" is not true."""
    if isinstance(value, str):
        folded = value.strip().casefold()
        return any(isinstance(each, str) and each.casefold() == folded for each in values)
    return any(type(each) is type(value) and each == value for each in values)


class StatusPage(Closed):
    """What the pages of every format have in common.

    Times: ``interval`` between two looks, ``timeout`` for one, ``deadline`` for the whole proof.
    """

    path: StatusPath = Field(description="Path of the page below the region's own host, e.g. `/status`.")
    format: str
    build: str
    health: str
    dependencies: str | None
    healthy_values: Values = Field(HEALTHY, description="Values of `health` that mean the service is well.")
    starting_values: Values = Field(
        STARTING, description="Values of `health` that mean not yet: neither good nor bad, look again."
    )
    connected_values: Values = Field(CONNECTED, description="Values that mean a dependency is connected.")
    required_dependencies: Annotated[tuple[Annotated[str, Text(100)], ...], Field(max_length=50)] = Field(
        (), description="Dependencies that the page must list; one that is absent is not green."
    )
    consecutive: Annotated[int, Field(ge=1, le=20, strict=True)] = Field(
        3,
        description="Good answers in a row, each on a fresh connection, before it is accepted.",
    )
    unhealthy_after: Annotated[int, Field(ge=1, le=100, strict=True)] = Field(
        5, description="Clearly bad answers in a row that fail it before the deadline."
    )
    interval: Annotated[timedelta, Between("100ms", "10m")] = Field(
        timedelta(seconds=2), description="Pause between two looks."
    )
    timeout: Annotated[timedelta, Between("100ms", "2m")] = Field(
        timedelta(seconds=10), description="Longest time for one look, from connecting to the last byte."
    )
    deadline: Annotated[timedelta, Between("1s", "2h")] = Field(
        timedelta(minutes=5), description="Longest time until the good answers in a row must be there."
    )

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        least = self.interval * (self.consecutive - 1)
        if least >= self.deadline:
            raise fault(
                f"{format_duration(self.deadline)} is too short for {self.consecutive} answers "
                f"{format_duration(self.interval)} apart",
                "deadline",
            )
        if self.required_dependencies and self.dependencies is None:
            raise fault("needs 'dependencies' that say where they are listed", "required_dependencies")
        for index, value in enumerate(self.starting_values):
            if among(value, self.healthy_values):
                raise fault("stands in healthy_values as well", "starting_values", index)
        return self

    def policy(self) -> Policy:
        """Give how much proof is asked for, in seconds."""
        return Policy(
            consecutive=self.consecutive,
            unhealthy_after=self.unhealthy_after,
            interval_s=self.interval.total_seconds(),
            deadline_s=self.deadline.total_seconds(),
        )


class JsonPage(StatusPage):
    """A JSON page; build, health and dependencies are found by JMESPath.

    ``dependencies`` gives a list of objects, or an object that has the dependencies' names as keys.
    ``dependency_name`` and ``dependency_state`` look into each of these objects.
    """

    format: Literal["json"] = Field(description="How the page is written.")
    build: Annotated[str, Expression("build")] = Field(description="Where the build number is.")
    health: Annotated[str, Expression("state")] = Field(description="Where the service's own health is.")
    dependencies: Annotated[str, Expression("dependencies")] | None = Field(
        description="Where the dependencies are listed; `null` for a service that has none."
    )
    dependency_name: Annotated[str, Expression("name")] = Field(
        "name", description="Where a dependency's name is, in an item of the list."
    )
    dependency_state: Annotated[str, Expression("connected")] = Field(
        "connected", description="Where a dependency's state is, in an item of the list."
    )

    @model_validator(mode="after")
    def _looks_at_the_page(self) -> Self:
        empty_pages: tuple[Any, ...] = ({}, [])
        for empty in empty_pages:
            if among(_found(self.health, empty), self.healthy_values):
                raise fault("gives a good answer on an empty page; it must look at the page", "health")
            if _found(self.build, empty) is not None:
                raise fault("gives a build on an empty page; it must look at the page", "build")
            if self.dependencies and self._green(_found(self.dependencies, empty)):
                raise fault("gives connected ones on an empty page; it must look at the page", "dependencies")
        return self

    def _green(self, items: object) -> bool:
        listed = list(items.values()) if isinstance(items, dict) else items
        if not isinstance(listed, list):
            return False
        return any(among(_found(self.dependency_state, item), self.connected_values) for item in listed)


class PatternPage(StatusPage):
    """A text or HTML page; build, health and dependencies are found by patterns with named groups."""

    format: Literal["text", "html"] = Field(
        description="How the page is written; in HTML, `&amp;` and its kin are read."
    )
    build: Annotated[str, Pattern(("build",), r"Build: (?P<build>\S+)")] = Field(
        description="Pattern with the group `build`."
    )
    health: Annotated[str, Pattern(("health",), r"State: (?P<health>\w+)")] = Field(
        description="Pattern with the group `health`."
    )
    dependencies: Annotated[str, Pattern(("name", "state"), r"(?P<name>\w+) is (?P<state>\w+)")] | None = (
        Field(
            description="Pattern with the groups `name` and `state`, found once for each dependency; "
            "`null` for a service that has none."
        )
    )


def _found(expression: str, page: Any) -> Any:
    try:
        return look(expression, page)
    except Unreadable:
        return None


AnyStatusPage = Annotated[JsonPage | PatternPage, Field(discriminator="format")]
