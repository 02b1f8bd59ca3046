"""Is it released, where, since when: by table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from include.airlock.model.record import Outcome, Phase, Question, RegionRecord, Rollback
from include.airlock.release.record_file import record_file
from include.airlock.web.status import Status, as_it_stands, at_work, not_begun, status_of
from tests.unit.release.test_record_file import NEW, OLD, at, region, release

ADDRESS = "https://airflow.example/airlock/releases/payments/CHG-1/record"


def status(*regions: RegionRecord, overtaken: dict[str, str | None] | None = None, **more: Any) -> Status:
    file = record_file(release(*regions, **more))
    return status_of(file, record=ADDRESS, overtaken=overtaken or {}, locked=None)


def test_it_is_released_since_its_last_region_was_proved() -> None:
    said = status(region(verified_at=at(5)), region(name="uksouth", verified_at=at(8)))
    assert said.released and said.since == at(8)
    assert [(each.name, each.build, each.since) for each in said.regions] == [
        ("westeurope", NEW, at(5)), ("uksouth", NEW, at(8)),
    ]  # fmt: skip


def test_it_is_not_released_while_a_region_is_not() -> None:
    """Given one region accepted and one that waits, then it is not released, and the first one is."""
    waiting = RegionRecord(name="uksouth", old_build=OLD, new_build=NEW)
    said = status(region(), waiting, outcome=Outcome.RUNNING, sentence=None)
    assert (said.released, said.since) == (False, None)
    assert [each.released for each in said.regions] == [True, False]
    assert [each.build for each in said.regions] == [NEW, OLD]


@pytest.mark.parametrize(
    ("phase", "build"),
    [
        (Phase.WAITING, OLD),
        (Phase.CHECKED, OLD),
        (Phase.CHANGING, None),
        (Phase.CHANGED, None),
        (Phase.VERIFIED, NEW),
        (Phase.ACCEPTED, NEW),
        (Phase.FAILED, None),
        (Phase.ROLLING_BACK, None),
        (Phase.ROLLED_BACK, OLD),
        (Phase.STUCK, None),
    ],
)
def test_what_serves_is_told_only_where_it_was_proved(phase: Phase, build: str | None) -> None:
    (said,) = status(region(phase=phase), outcome=Outcome.HALTED).regions
    assert said.build == build and said.released is (phase is Phase.ACCEPTED)


def test_a_region_that_a_later_release_changed_says_so() -> None:
    (said,) = status(region(), overtaken={"westeurope": "CHG-2"}).regions
    assert said.overtaken_by == "CHG-2"


@pytest.mark.parametrize(
    ("state", "outcome", "opens"),
    [("queued", "queued", True), ("running", "running", False), ("failed", "refused", False)],
)
def test_a_run_without_a_record_is_told_by_airflows_word(state: str, outcome: str, opens: bool) -> None:
    after = datetime(2026, 11, 21, 20, tzinfo=UTC)
    said = not_begun("payments", "CHG-1", dag="d", state=state, after=after, url="u", record=ADDRESS)
    assert (said.outcome, said.released) == (outcome, False)
    assert (said.opens_at == "2026-11-21T20:00:00+00:00") is opens


@pytest.mark.parametrize(
    ("state", "kept", "told"),
    [
        # Marked as failed by a person, or its verdict was killed: nobody shall wait for it for ever.
        ("failed", Outcome.RUNNING, Outcome.HALTED),
        ("running", Outcome.RUNNING, Outcome.RUNNING),
        # Stopped, then cleared.
        ("running", Outcome.HALTED, Outcome.RUNNING),
        ("queued", Outcome.ROLLED_BACK, Outcome.RUNNING),
        ("failed", Outcome.HALTED, Outcome.HALTED),
        # What is released stays so, whatever is cleared.
        ("running", Outcome.RELEASED, Outcome.RELEASED),
        # Airflow has forgotten the run.
        (None, Outcome.RUNNING, Outcome.RUNNING),
    ],
)
def test_airflows_word_counts_for_what_is_at_work(state: str | None, kept: Outcome, told: Outcome) -> None:
    record = release(region(phase=Phase.CHANGING), outcome=kept)
    assert as_it_stands(record, state).outcome is told


def test_a_run_that_was_ended_by_hand_waits_for_no_answer() -> None:
    asked = Question(
        about="release", step="approve", text="May it?", options=[], asked_at="t", until="t", otherwise="no"
    )
    record = release(region(phase=Phase.WAITING), outcome=Outcome.RUNNING, question=asked)
    assert as_it_stands(record, "running").question == asked
    assert as_it_stands(record, "failed").question is None


@pytest.mark.parametrize(
    ("dag", "undo"), [("release_payments", "rollback_payments"), ("train_evening", "rollback_train_evening")]
)
def test_of_a_release_that_is_undone_the_rollback_is_at_work(dag: str, undo: str) -> None:
    assert at_work(release(dag=dag)) == (dag, "CHG-1")
    undone = Rollback(run="back-1", reason="bad", at=at(1), places=[])
    assert at_work(release(dag=dag, rollback=undone)) == (undo, "back-1")
