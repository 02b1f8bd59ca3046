"""What the spec says of questions to people: approvals, and how long a failed region waits for an answer."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from include.airlock.model.durations import Between
from include.airlock.model.fields import Closed, Text
from include.airlock.model.wording import fault


class Before(StrEnum):
    """What waits for an approval."""

    RELEASE = "release"
    EACH_REGION = "each_region"


class SafeChoice(StrEnum):
    """What becomes of a failed region when nobody answers."""

    HALT = "halt"
    ROLL_BACK_REGION = "roll_back_region"
    ROLL_BACK_RELEASE = "roll_back_release"


class Approvals(Closed):
    """Who approves what before anything is touched. Nobody in time is a no."""

    before: Annotated[tuple[Before, ...], Field(min_length=1, max_length=2)] = Field(
        description="`release`: once, after the preflight; `each_region`: again before each region."
    )
    by: Annotated[tuple[Annotated[str, Text(100)], ...], Field(max_length=50)] = Field(
        (),
        description="User ids as Airflow's auth manager has them (its user names, with the simple one); none "
        "means everybody who may answer in Airflow.",
    )
    not_requester: bool = Field(
        False, description="Whether somebody other than who asked for the release must answer."
    )
    expiry: Annotated[timedelta, Between("1s", "14d")] = Field(
        timedelta(hours=4), description="How long an answer is waited for; then it counts as a no."
    )

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for key, words in (("before", self.before), ("by", self.by)):
            twice = next((index for index, word in enumerate(words) if word in words[:index]), None)
            if twice is not None:
                raise fault("is named twice", key, twice)
        return self


class Ask(Closed):
    """How long a failed region waits for an answer where the policy is `ask`, and what happens then."""

    expiry: Annotated[timedelta, Between("1s", "14d")] = Field(
        timedelta(minutes=30), description="How long an answer is waited for."
    )
    otherwise: SafeChoice = Field(
        SafeChoice.ROLL_BACK_REGION, description="What happens when nobody answers in that time."
    )
