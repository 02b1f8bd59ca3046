"""Two processes of one step, or two releases of one region: the one that is late stops before it acts."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.errors import Drifted, Refused
from include.airlock.model.record import Outcome, Phase
from tests.integration.rehearsal import Rehearsal
from tests.sandbox_client import SandboxClient

WEST = "westeurope"


def test_a_process_that_was_held_for_lost_stops_before_it_sends(
    rehearse: Any, sandbox: SandboxClient
) -> None:
    # Given a process that read the region's record, and a second one that has finished the swap since
    release: Rehearsal = rehearse()
    assert release.step_until(WEST, "check")
    region = release.run.region(WEST)
    save = release.run.sole_writer(region, "swap")
    assert release.step("swap", WEST)
    before = release.run.region(WEST)
    # When the first one comes to store its intent / Then it stops, and the record is as the second left it
    with pytest.raises(Drifted, match="another process of this release"):
        save(before.swap)
    assert release.run.region(WEST) == before
    assert len(sandbox.requests_of("swap")) == 1


def test_an_old_release_has_no_say_after_a_newer_one(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a release that was rolled back, and a newer one that went through
    old: Rehearsal = rehearse(regions=[WEST])
    assert old.step_until(WEST, "swap")
    sandbox.fault(
        "status_dependency_down", where={"service": "payments", "region": WEST, "slot": "production"}
    )
    assert not old.verify(WEST)
    sandbox.clear_faults()
    assert old.back(WEST)
    old.ledger.unlock(by="ann", reason="mended", run="unlock-1")
    new: Rehearsal = rehearse(ledger=old.ledger, release="CHG-2", regions=[WEST])
    assert new.go()[0] is Outcome.RELEASED
    sent = len(sandbox.requests_of("swap"))
    # When the old one's steps are cleared / Then they refuse, and nothing is sent
    region = old.run.region(WEST)
    region.phase = Phase.FAILED
    old.run.save(region)
    for step in (old.verify, old.back):
        assert not step(WEST)
    assert isinstance(old.errors[f"{WEST}.verify"], Refused)
    assert "CHG-2 has changed westeurope since" in str(old.errors[f"{WEST}.roll_back"])
    assert len(sandbox.requests_of("swap")) == sent
