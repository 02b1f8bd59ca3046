"""Waits that outlast a step's patience: proofs go on, and a bad bake fails long before its end."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from include.airlock.azure.operators import slots
from include.airlock.errors import NotHealthy
from include.airlock.model.record import Phase
from include.airlock.release.lane import bake, verify
from include.airlock.release.step import Later
from include.airlock.status.triggers import StatusTrigger
from tests.integration.rehearsal import Rehearsal, quick
from tests.sandbox_client import SandboxClient

WEST = "westeurope"
PAGE = {"service": "payments", "region": WEST, "slot": "production"}


def test_a_proof_longer_than_the_patience_is_completed(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a proof of ten answers and a step that never stays for more than three
    release: Rehearsal = rehearse()
    page = release.service.status_page.model_copy(update={"consecutive": 10})
    release.service = quick(release.service).model_copy(update={"status_page": page})
    assert release.step_until(WEST, "swap")
    # When it comes back again and again / Then the answers add up, and the region is verified
    returns = 0
    while isinstance(verify(release.run, WEST, slots, patience=0.25), Later):
        returns += 1
        assert returns < 10
    assert returns >= 2
    assert release.run.region(WEST).phase is Phase.VERIFIED


def test_a_region_that_turns_bad_while_it_bakes(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a long bake that was left to the triggerer, and a dependency that goes away
    release: Rehearsal = rehearse()
    release.service = release.service.model_copy(update={"bake": timedelta(minutes=10)})
    assert release.step_until(WEST, "swap") and release.verify(WEST)
    later = bake(release.run, WEST, slots, patience=1.0)
    assert isinstance(later, Later) and isinstance(later.trigger, StatusTrigger)
    sandbox.fault("status_dependency_down", where=PAGE)
    # When the trigger fires and the step resumes / Then it looks, and fails long before the bake is over
    began = time.monotonic()
    with pytest.raises(NotHealthy, match="not connected"):
        while isinstance(bake(release.run, WEST, slots, patience=1.0), Later):
            assert time.monotonic() - began < 30
