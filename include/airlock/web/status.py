"""Is it released, where, since when: one answer made of a release's record file; pure."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from include.airlock.model.record import Outcome, Phase, ReleaseRecord
from include.airlock.model.record_file import PlacePart, RecordFile
from include.airlock.release.verdict import outcome_of

QUEUED = "queued"
"""The outcome of a run that Airflow has and that no step has begun."""

_ENDED, _ACTIVE = ("failed", "success"), ("queued", "running")
_STOPPED = (Outcome.HALTED, Outcome.REFUSED, Outcome.ROLLED_BACK)
_STILL_OLD = (Phase.WAITING, Phase.CHECKED, Phase.ROLLED_BACK)
_HAS_NEW = (Phase.VERIFIED, Phase.ACCEPTED)


class Region(BaseModel):
    """One region, or one farm of it."""

    name: str
    phase: str
    released: bool
    build: str | None = Field(description="what serves there, as far as it is proved; null: in doubt")
    since: str | None = Field(description="since when that is proved")
    old_build: str | None
    new_build: str | None
    failure: str | None
    overtaken_by: str | None = Field(description="a later release that has changed the region since")


class Locked(BaseModel):
    """Why the service takes no release now."""

    kind: str
    reason: str
    release: str
    at: str


class Status(BaseModel):
    """The answer."""

    service: str
    release: str
    dag: str
    train: str | None = None
    build: str | None = None
    change_request: str | None = None
    requested_by: str | None = None
    reason: str | None = None
    released: bool = Field(False, description="whether all that was asked for is released")
    since: str | None = Field(None, description="since when")
    outcome: str
    sentence: str | None = None
    question: str | None = Field(None, description="what waits for somebody's answer")
    started_at: str | None = None
    ended_at: str | None = None
    opens_at: str | None = Field(None, description="when a queued run may start")
    regions: list[Region] = []
    locked: Locked | None = None
    url: str | None = None
    record: str


def at_work(record: ReleaseRecord) -> tuple[str, str]:
    """DAG and id of the run that is or was at work on a release: its own, or that of its rollback."""
    if record.rollback is None:
        return record.dag, record.release
    return f"rollback_{record.dag.removeprefix('release_')}", record.rollback.run


def as_it_stands(record: ReleaseRecord, state: str | None) -> ReleaseRecord:
    """The record by Airflow's word on its run (None: Airflow knows it no more).

    A run that ended without a verdict (it was marked so, or its last step was killed) has ended; one that
    stopped and was cleared since goes on. What is released stays released.
    """
    if state in _ENDED and record.outcome is Outcome.RUNNING:
        outcome, sentence = outcome_of(record)
        return record.model_copy(update={"outcome": outcome, "sentence": sentence, "question": None})
    if state in _ACTIVE and record.outcome in _STOPPED:
        return record.model_copy(update={"outcome": Outcome.RUNNING, "sentence": None, "ended_at": None})
    return record


def status_of(
    file: RecordFile, *, record: str, overtaken: dict[str, str | None], locked: Locked | None
) -> Status:
    """The answer for a release that has begun. ``overtaken``: by place, the later release that changed it."""
    released = file.outcome == Outcome.RELEASED
    regions = [_region(place, overtaken.get(place.name)) for place in file.places]
    return Status(
        service=file.service,
        release=file.release,
        dag=file.dag,
        train=file.train,
        build=file.build,
        change_request=file.asked.change_request,
        requested_by=file.asked.by,
        reason=file.asked.why,
        released=released,
        since=max((region.since or "" for region in regions), default="") or None if released else None,
        outcome=file.outcome,
        sentence=file.said,
        question=file.question,
        started_at=file.started_at,
        ended_at=file.ended_at,
        regions=regions,
        locked=locked,
        url=file.url,
        record=record,
    )


def _region(place: PlacePart, overtaken_by: str | None) -> Region:
    """What serves is told only where it was proved."""
    accepted = place.verdict == Phase.ACCEPTED
    build = place.asked if place.verdict in _HAS_NEW else None
    since = place.verified_at or place.ended_at if place.verdict in _HAS_NEW else None
    if place.verdict in _STILL_OLD:
        build = place.before
        since = place.ended_at if place.verdict == Phase.ROLLED_BACK else None
    return Region(
        name=place.name,
        phase=place.verdict,
        released=accepted,
        build=build,
        since=since,
        old_build=place.before,
        new_build=place.asked,
        failure=place.failure,
        overtaken_by=overtaken_by,
    )


def not_begun(
    service: str, run_id: str, *, dag: str, state: str, after: datetime | None, url: str, record: str
) -> Status:
    """The answer for a run of which there is no record: it waits, has just begun, or could not be read."""
    ended = state in _ENDED
    why = "it ended before its change request could be read; see the run" if ended else None
    return Status(
        service=service,
        release=run_id,
        dag=dag,
        outcome=Outcome.REFUSED.value if ended else QUEUED if state == "queued" else Outcome.RUNNING.value,
        sentence=why,
        opens_at=after.isoformat(timespec="seconds") if after and state == "queued" else None,
        url=url,
        record=record,
    )
