"""Plain words: nothing invisible, nothing too long, nothing that depends on luck."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.announce import wording
from include.airlock.model.record import Event, Outcome, Phase, Rollback
from tests.unit.announce.releases import region, release


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("new rates", "new rates"),
        ("two\nlines\r\n\tand tabs", "two lines and tabs"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("abc\u202edcba\u2066x", "abcdcbax"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("nul\x00bell\x07", "nulbell"),
        ("line\u2028sep", "line sep"),
        ("half \ud800 pair", "half pair"),
        ("Größe 例え 🚀", "Größe 例え 🚀"),
        (None, ""),
        ("x" * 30, "x" * 19 + "…"),
    ],
)
def test_plain(text: str | None, shown: str) -> None:
    """Given any value, then it is one visible line of bounded length."""
    assert wording.plain(text, 20) == shown if shown.endswith("…") else wording.plain(text, 100) == shown


@given(st.text(max_size=400), st.integers(2, 200))
def test_plain_is_always_one_short_line(text: str, limit: int) -> None:
    """Given any text, then no line end, no control character and no more than the limit is left."""
    shown = wording.plain(text, limit)

    assert len(shown) <= limit
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    shown.encode()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (3900, "1 h 05 min")],
)
def test_duration(seconds: float, words: str) -> None:
    """Given seconds, then people read them."""
    assert wording.duration(seconds) == words


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:01:30+00:00", 90.0),
        ("2026-11-21T10:00:00", "2026-11-21T12:00:00+02:00", 0.0),
        ("2026-11-21T10:01:00Z", "2026-11-21T10:00:00Z", 0.0),
        (None, "2026-11-21T10:00:00Z", None),
        ("yesterday", "2026-11-21T10:00:00Z", None),
    ],
)
def test_seconds_between(start: str | None, end: str | None, seconds: float | None) -> None:
    """Given two moments with or without a zone, then their distance is never a guess and never negative."""
    assert wording.seconds_between(start, end) == seconds


def test_every_phase_and_outcome_has_words_and_an_emoji_of_its_own() -> None:
    """Given all phases and outcomes, then each is named, and no two phases look alike."""
    assert set(wording.PHASES) == set(Phase)
    assert set(wording.OUTCOMES) == set(Outcome)
    assert len({words for _, words in wording.PHASES.values()}) == len(Phase)
    assert len({emoji for emoji, _ in wording.PHASES.values()}) == len(Phase)


@pytest.mark.parametrize(
    ("phase", "fields", "words"),
    [
        (Phase.WAITING, {}, "waits for its turn"),
        (Phase.CHANGING, {}, "being changed · 2026.11.1 → 2026.11.2"),
        (Phase.ROLLED_BACK, {}, "rolled back · 2026.11.2 → 2026.11.1"),
        (
            Phase.FAILED,
            {"failure": "ledger\nis down", "old_build": None},
            "failed · ? → 2026.11.2 · ledger is down",
        ),
        (
            Phase.ACCEPTED,
            {
                "started_at": "2026-11-21T10:00:00Z",
                "ended_at": "2026-11-21T10:00:42Z",
                "refresh": "2026.11.3",
            },
            "accepted · 2026.11.1 → 2026.11.2 · 42 s · staging: 2026.11.3",
        ),
    ],
)
def test_region_state(phase: Phase, fields: dict[str, Any], words: str) -> None:
    """Given a region, then phase, builds, time, fault and staging are said."""
    record = release(region("west", phase, **fields))

    assert wording.region_state(record, record.regions[0]) == (wording.PHASES[phase][0], words)


def test_a_region_that_was_never_reached_was_not_touched() -> None:
    """Given a halted release, then a region that still waits was not touched."""
    record = release(region("west"), outcome=Outcome.HALTED)

    assert wording.region_state(record, record.regions[0]) == ("⚪", "not touched")


@pytest.mark.parametrize(
    ("outcome", "sentence", "words"),
    [
        (Outcome.RELEASED, None, "✅ payments 2026.11.2 is released (1 of 1 region accepted · 9 min 00 s)"),
        (Outcome.HALTED, "north\nlost ledger", "🛑 payments 2026.11.2 was halted: north lost ledger"),
        (Outcome.REFUSED, "two faults", "🚫 payments 2026.11.2 was refused; nothing was touched: two faults"),
        (Outcome.ROLLED_BACK, "north is back", "↩️ payments 2026.11.2 was rolled back: north is back"),
    ],
)
def test_ending(outcome: Outcome, sentence: str | None, words: str) -> None:
    """Given an end, then one sentence says what and why."""
    west, skipped = region("west", Phase.ACCEPTED), region("east", Phase.NOT_ASKED)
    record = release(west, skipped, outcome=outcome, sentence=sentence, ended_at="2026-11-21T10:09:00+00:00")

    assert wording.ending(record) == words


@pytest.mark.parametrize(
    ("kind", "place", "words"),
    [
        ("info", "west", "10:00:01 UTC west: swapped"),
        ("warning", "", "10:00:01 UTC ⚠️ swapped"),
        ("failure", "west", "10:00:01 UTC ❗ west: swapped"),
    ],
)
def test_event_line(kind: str, place: str, words: str) -> None:
    """Given an event in another time zone, then its line has UTC time, place and text."""
    event = Event(n=1, at="2026-11-21T12:00:01+02:00", text="swapped", kind=kind)

    assert wording.event_line(place, event) == words


def test_who() -> None:
    """Given who asked and under what, then both are said, and so is what a failure leads to."""
    words = "asked for by alice · change request CHG-1001 · on failure: roll back region"
    assert wording.who(release()) == words
    assert wording.who(release(requested_by=None, change_request=None)).startswith(
        "nobody's name was given · on"
    )


def test_a_wait_is_said() -> None:
    """Given a release that waited its turn, then its progress says how long."""
    assert "waited 2 min 00 s for its turn" in wording.progress(release(waited_s=120.0))


BACK = Rollback(
    run="back-1",
    by="ann",
    reason="too\nslow",
    at="2026-11-21T11:00:00+00:00",
    url="https://airflow.example/back",
    places=["west"],
)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.RUNNING, "is being rolled back by ann"),
        (Outcome.ROLLED_BACK, "is rolled back by ann"),
        (Outcome.HALTED, "could not be rolled back by ann"),
    ],
)
def test_a_release_that_is_undone_says_by_whom_and_why(outcome: Outcome, words: str) -> None:
    """Given a rollback of a release, then its message tells of that, from its own beginning on."""
    undone = release(
        region("west", Phase.ROLLED_BACK),
        rollback=BACK,
        outcome=outcome,
        ended_at="2026-11-21T11:00:30+00:00",
    )

    assert wording.state(undone)[1] == words
    assert wording.progress(undone) == "1 of 1 rolled back · 30 s"
    assert wording.address(undone) == BACK.url
    assert "why back: too slow" in wording.summary(undone)
