"""Releases under windows, against the sandbox: the clock is set, the cloud is real."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.airlock.errors import WindowClosed
from include.airlock.model.record import Outcome, Phase
from include.airlock.model.service_base import WhenClosed
from include.airlock.model.windows import Freeze, Window
from include.airlock.release import window_gate
from include.airlock.release.step import Later
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.sandbox_client import SandboxClient

WEST, NORTH, SOUTH = "westeurope", "northeurope", "uksouth"
WINDOW = Window.model_validate({"days": ["tuesday"], "opens": "20:00", "closes": "22:00", "time_zone": "UTC"})
FREEZE = Freeze.model_validate({"dates": ["2026-12-01"], "time_zone": "UTC", "reason": "the audit"})
OPENING = datetime(2026, 11, 24, 20, tzinfo=UTC)
CLOSED = OPENING - timedelta(hours=9)
NEXT = datetime(2026, 12, 8, 20, tzinfo=UTC)
"""The next Tuesday is frozen."""

PAGE = {"service": "payments", "region": NORTH, "slot": "production"}


class Clock:
    """What the gate reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = OPENING
        monkeypatch.setattr(window_gate, "_now", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def windowed(rehearse: Any) -> Any:
    """Make a release of payments with a window and a freeze; by default it stops where it does not fit."""

    def make(when_closed: str = "stop", **conf: Any) -> Rehearsal:
        keys = {"windows": (WINDOW,), "freezes": (FREEZE,), "when_closed": WhenClosed(when_closed)}
        release: Rehearsal = rehearse(keys, **conf)
        return release

    return make


def check(release: Rehearsal, region: str) -> Any:
    """The check as the DAG's step does it, once."""
    return release.operator(f"{region}.check").perform(release.run, patience=1.0)


def test_within_the_window_it_goes_as_ever(windowed: Any, clock: Clock, sandbox: SandboxClient) -> None:
    release = windowed()
    assert release.go()[0] is Outcome.RELEASED
    assert release.record.warnings == []


def test_it_ends_cleanly_between_regions(windowed: Any, clock: Clock, sandbox: SandboxClient) -> None:
    # Given a release whose policy takes everything back, and a window that closes behind its first region
    release = windowed(on_failure="roll_back_release")
    assert release.step_until(WEST, "verify")
    clock.now = OPENING + timedelta(hours=1, minutes=55)
    assert release.bake(WEST)
    assert (
        release.run.region(WEST)
        .events[-1]
        .text.startswith(f"accepted with {NEW}; {NORTH} may not start now: its expected 15 min do not fit")
    )
    # When the next one asks / Then the release ends there: nothing fails, nothing is locked or brought back
    assert not release.step("check", NORTH)
    assert isinstance(release.errors[f"{NORTH}.check"], WindowClosed)
    assert not release.back(NORTH) and not release.back(SOUTH)
    assert release.ledger.lock() is None
    outcome, sentence = release.outcome()
    assert outcome is Outcome.HALTED
    assert f"stopped between regions, before {NORTH}: its expected 15 min do not fit" in sentence
    assert "it can start next at 2026-12-08 20:00 UTC" in sentence
    assert f"{WEST} keeps {NEW}" in sentence
    assert f"{NORTH}, {SOUTH} keep {OLD}" in sentence
    assert [sandbox.status("payments", name)["build"] for name in (WEST, NORTH)] == [NEW, OLD]
    # When it is cleared at the next opening / Then it goes on to its end
    clock.now = NEXT
    assert release.lane(NORTH) and release.lane(SOUTH)
    assert release.outcome()[0] is Outcome.RELEASED


def test_it_waits_for_the_next_opening(windowed: Any, clock: Clock, sandbox: SandboxClient) -> None:
    # Given a spec that waits, and a start outside the window / When the preflight looks / Then it says so
    release = windowed("wait")
    clock.now = CLOSED
    assert release.step("preflight")
    assert release.record.warnings[-1].startswith(f"{WEST} waits for its window until 2026-11-24 20:00 UTC")
    # When the first region is checked / Then it comes back at the opening, and nobody looked at the cloud
    step = release.operator(f"{WEST}.check")
    step.places = pytest.fail  # type: ignore[attr-defined]
    assert step.perform(release.run, patience=1.0) == Later(9 * 3600.0)
    assert release.run.region(WEST).waits_until == OPENING.isoformat()
    # When it opens / Then it starts; and a region that no longer fits waits for the opening after the freeze
    clock.now = OPENING
    assert release.lane(WEST)
    clock.now = OPENING + timedelta(hours=2)
    assert check(release, NORTH) == Later((NEXT - clock.now).total_seconds())
    clock.now = NEXT
    assert release.lane(NORTH) and release.lane(SOUTH)
    assert release.outcome()[0] is Outcome.RELEASED


def test_a_region_that_has_begun_never_asks(windowed: Any, clock: Clock, sandbox: SandboxClient) -> None:
    # Given a region swapped within the window, which then closes
    release = windowed()
    assert release.step_until(WEST, "swap")
    clock.now = CLOSED
    # When its steps run on, and all are cleared afterwards / Then none is held up
    assert release.verify(WEST) and release.bake(WEST)
    assert release.lane(WEST)
    assert release.run.region(WEST).phase is Phase.ACCEPTED


def test_no_way_back_asks(windowed: Any, clock: Clock, sandbox: SandboxClient) -> None:
    # Given a second region that turns bad when the window has closed and a freeze has begun
    release = windowed(on_failure="roll_back_release")
    assert release.step_until(NORTH, "swap")
    sandbox.fault("status_dependency_down", where=PAGE)
    clock.now = datetime(2026, 12, 1, 12, tzinfo=UTC)
    assert not release.verify(NORTH)
    sandbox.clear_faults()
    # When the release is taken back / Then it is, everywhere
    assert release.back(NORTH) and release.step("roll_back_earlier")
    assert release.outcome()[0] is Outcome.ROLLED_BACK
    assert {sandbox.status("payments", name)["build"] for name in (WEST, NORTH, SOUTH)} == {OLD}


def test_an_override_opens_the_gate_and_is_told(windowed: Any, clock: Clock, sandbox: SandboxClient) -> None:
    clock.now = CLOSED
    release = windowed(window_override="the certificate ends at noon", regions=[WEST])
    assert release.go()[0] is Outcome.RELEASED
    said = [event.text for event in release.run.region(WEST).events]
    assert said[0].endswith("overridden: the certificate ends at noon")
