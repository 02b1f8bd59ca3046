"""What the record file of a release says: one file that a person reads and a machine parses.

Its JSON Schema is generated (``docs/record.schema.json``); ``airlock_record`` is the version of the format:
keys may be added within one, and none is renamed or taken away.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TEXT_LIMIT = 2000
"""Characters of one text."""

Moment = Annotated[str, Field(description="ISO 8601, UTC")]
Text = Annotated[str, Field(max_length=TEXT_LIMIT)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Part):
    """Who asked for what, and why."""

    by: Text | None = Field(description="the user who started it in Airflow; null where the calendar did")
    why: Text | None
    change_request: Text | None
    places: list[Text] = Field(description="regions or farms asked for, in the order of the release")
    on_failure: Text = Field(description="the policy for a failure")
    window_override: Text | None = Field(description="why windows and freezes did not hold for it")


class Call(_Part):
    """One call that was planned."""

    n: int
    place: Text
    step: Text
    call: Text
    target: Text
    sent: Text | None = Field(description="what is sent with it, as key=value")
    expected_s: float = Field(description="seconds")


class Beforehand(_Part):
    """What was said of one place's way back beforehand."""

    place: Text
    text: Text


class PlanPart(_Part):
    """The plan as it was computed before anything was touched."""

    hash: Text
    bound: Text | None = Field(description="the hash that the release was bound to beforehand")
    expected_s: float | None = Field(description="seconds")
    calls: list[Call]
    way_back: list[Beforehand]


class Answer(_Part):
    """One question to a person, and what was answered."""

    at: Moment
    about: Text = Field(description="'release' or a place")
    question: Text
    chosen: Text
    by: Text | None
    why: Text | None
    timed_out: bool
    refused: Text | None = Field(description="why the answer was not taken")


class Fault(_Part):
    """One thing that the preflight found wrong."""

    place: Text
    code: Text
    text: Text


class PlacePart(_Part):
    """How one place fared: the verdict of it, its builds and times."""

    name: Text
    verdict: Text = Field(description="its phase: accepted, rolled_back, failed, stuck, waiting, …")
    before: Text | None = Field(description="the build that served before")
    asked: Text | None = Field(description="the build that it was to get")
    started_at: Moment | None
    verified_at: Moment | None
    ended_at: Moment | None
    failure: Text | None
    left_as: Text | None = Field(description="what is half-done, where it stopped between")
    window: Text | None = Field(description="why no window let it start")
    staging: Text | None = Field(description="what became of the refresh of its staging")


class RollbackPart(_Part):
    """The release undone afterwards."""

    run: Text = Field(description="the run of the DAG rollback_<service>")
    by: Text | None
    why: Text
    at: Moment
    places: list[Text]
    beforehand: list[Beforehand]
    url: Text | None


class LockPart(_Part):
    """A lock in this release's name, and how it ended."""

    kind: Text = Field(description="in_flight: a place in doubt; rolled_back: until it is unlocked")
    why: Text
    at: Moment
    unlocked_at: Moment | None
    unlocked_by: Text | None
    unlocked_why: Text | None
    unlocked_run: Text | None


class Entry(_Part):
    """One look or act: when, where, what."""

    at: Moment
    place: Text | None = Field(description="null: the whole release")
    kind: Literal["look", "act", "event", "warning", "decision", "lock", "unlock", "verdict"]
    what: Text


class RecordFile(_Part):
    """All that is known of one release, for whoever asks later."""

    airlock_record: Literal[1]
    said: Text | None = Field(description="how it ended, in one sentence")
    outcome: Text = Field(description="running, released, refused, halted, rolled_back, …")
    service: Text
    build: Text
    release: Text = Field(description="the DAG run's id")
    dag: Text
    train: Text | None = Field(description="the train that it was a part of")
    started_at: Moment
    ended_at: Moment | None
    waited_s: float | None = Field(description="seconds that it waited for its turn")
    url: Text | None = Field(description="the run in Airflow")
    question: Text | None = Field(description="what waits for somebody's answer, while it does")
    asked: Asked
    warnings: list[Text]
    refused: list[Fault]
    plan: PlanPart | None
    decisions: list[Answer]
    places: list[PlacePart]
    rollback: RollbackPart | None
    locks: list[LockPart]
    timeline: list[Entry] = Field(description="every look and act, by time")


def record_schema() -> dict[str, Any]:
    """Give the JSON Schema of a record file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **RecordFile.model_json_schema(),
        "title": "Airlock record of a release",
    }
