"""The record of a release on slots: each request of the journal is in it, and what each one rested on."""

from __future__ import annotations

from typing import Any

from include.airlock.model.record import Outcome
from tests.integration.recorded import timeline, unrecorded
from tests.integration.rehearsal import Rehearsal
from tests.sandbox_client import SandboxClient

WEST, NORTH, UK = "westeurope", "northeurope", "uksouth"


def test_every_look_and_act_is_on_record_also_on_the_way_back(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a release whose second region has a dependency down, and that asks twice in the first
    sandbox.fault(
        name="connection_dropped", where={"service": "payments", "region": WEST, "operation": "swap"}, times=1
    )
    sandbox.fault(
        name="status_dependency_down", times=40, after=1,
        where={"service": "payments", "region": NORTH, "slot": "production"},
    )  # fmt: skip
    release: Rehearsal = rehearse()
    # When it ended
    outcome, sentence = release.go()
    assert outcome in (Outcome.ROLLED_BACK, Outcome.HALTED), sentence
    told = timeline(release)
    # Then the record has every request in its order: there, twice in one region, and back
    asked = sandbox.requests_of("swap")
    acts = [entry for entry in told if "asks to swap" in entry.what]
    assert [entry.place for entry in acts] == [entry["region"] for entry in asked]
    assert unrecorded(told, asked, {"swap": ("asks to swap",)}) == []
    assert any(", back (" in entry.what for entry in acts)
    # And before each region's first request what was seen there; and nothing of what was not touched but that
    for region in (WEST, NORTH):
        own = [entry for entry in told if entry.place == region]
        assert [entry.kind for entry in own[:3]] == ["look", "look", "act"]
    assert [entry.kind for entry in told if entry.place == UK] == ["look"]
