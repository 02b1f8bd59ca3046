"""Steps that are killed or meet a lost answer at an odd moment, against the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.model.record import Outcome
from include.airlock.release.ledger import Ledger
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.sandbox_client import SandboxClient

WEST = "westeurope"
ONLY = [WEST]


class Killed(BaseException):
    """The worker's process is gone."""


def test_a_bake_killed_before_it_unlocks(
    rehearse: Any, sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a bake whose worker is killed between accepting the region and unlocking the service
    release: Rehearsal = rehearse(regions=ONLY)
    assert release.step_until(WEST, "swap") and release.verify(WEST)

    def killed(self: Ledger, release: str) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "release_lock_of", killed)
        with pytest.raises(Killed):
            release.bake(WEST)
    # When it is tried again / Then the release is done and the service is free
    assert release.bake(WEST)
    assert release.outcome()[0] is Outcome.RELEASED
    assert release.ledger.lock() is None


def test_one_lost_look_before_the_request_stops_nothing(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a status page that fails once between the compare and the look before the request
    release: Rehearsal = rehearse(regions=ONLY)
    assert release.step_until(WEST, "check")
    page = {"service": "payments", "region": WEST, "slot": "staging"}
    sandbox.fault("status_error", where=page, times=1, after=1)
    # When the region is swapped / Then it looks again, and swaps once
    assert release.step("swap", WEST), release.errors
    assert len(sandbox.requests_of("swap", region=WEST)) == 1


def test_an_accepted_region_that_lost_its_build_is_not_called_released(
    rehearse: Any, sandbox: SandboxClient
) -> None:
    # Given a finished release, and a person who put the old build back later
    release: Rehearsal = rehearse(regions=ONLY)
    assert release.go()[0] is Outcome.RELEASED
    sandbox.stage("payments", WEST, OLD, slot="production")
    # When its swap is cleared / Then the step fails, and the verdict does not say released
    assert not release.step("swap", WEST)
    outcome, sentence = release.outcome()
    assert outcome is Outcome.HALTED
    assert f"now {OLD} answers" in sentence and "keeps" not in sentence
    # And with the build back, clearing the step mends the verdict
    sandbox.stage("payments", WEST, NEW, slot="production")
    assert release.step("swap", WEST)
    assert release.outcome()[0] is Outcome.RELEASED


def test_the_way_back_waits_for_staging_to_restart(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a bad new build, and the old app that still restarts in the staging slot after the swap
    release: Rehearsal = rehearse(regions=ONLY)
    assert release.step_until(WEST, "swap")
    page = {"service": "payments", "region": WEST}
    sandbox.fault("status_dependency_down", where={**page, "slot": "production"}, times=4)
    assert not release.verify(WEST)
    sandbox.clear_faults()
    sandbox.fault("status_error", where={**page, "slot": "staging"}, times=3)
    # When the region is brought back / Then the way back waits until staging says its build
    assert release.back(WEST), release.errors
    assert sandbox.build("payments", WEST) == OLD
