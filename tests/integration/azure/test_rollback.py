"""One release of payments undone in one act, against the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.errors import Locked, Refused
from include.airlock.model.record import Outcome, Phase
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.integration.undoing import WHY, Undoing
from tests.sandbox_client import SandboxClient

TWO = ["westeurope", "northeurope"]


@pytest.fixture
def released(rehearse: Any) -> Rehearsal:
    """Released in two regions, staging not refreshed."""
    release: Rehearsal = rehearse(regions=TWO)
    assert release.go()[0] is Outcome.RELEASED
    return release


def production(sandbox: SandboxClient) -> dict[str, str]:
    return {region: sandbox.build("payments", region) for region in TWO}


def swaps(sandbox: SandboxClient) -> list[str]:
    """The regions in which a swap was asked for, in order."""
    return [entry["region"] for entry in sandbox.requests_of("swap")]


def test_all_regions_are_back_last_first(released: Rehearsal, sandbox: SandboxClient) -> None:
    # Given a release that ended, with staging slots that still hold the old build
    undoing = Undoing.of(released)
    # When the button is pressed
    outcome, sentence = undoing.go()
    # Then it said beforehand that each is instant, brought both back in reverse order and proved them
    assert outcome is Outcome.ROLLED_BACK, (sentence, undoing.errors)
    assert undoing.entry.report is not None
    assert undoing.entry.report.count(f"at once: staging still holds {OLD}") == 2
    assert production(sandbox) == dict.fromkeys(TWO, OLD)
    assert swaps(sandbox) == [*TWO, *reversed(TWO)]
    assert f"{NEW} is rolled back by ann: {WHY}" in sentence and "payments is locked" in sentence
    # And the release's own record says who and why, and the service is locked with the reason
    record = undoing.record
    assert record.release == "CHG-1" and record.rollback is not None
    assert (record.rollback.by, record.rollback.reason) == ("ann", WHY)
    assert record.events[-1].text == f"ann rolls it back: {WHY}"
    lock = undoing.ledger.lock()
    assert lock is not None and (lock.kind, lock.release) == ("rolled_back", "CHG-1")
    assert WHY in lock.reason
    with pytest.raises(Locked):
        Rehearsal.of(released.service, ledger=released.ledger, release="CHG-2").run.not_locked()


def test_a_refreshed_staging_gets_the_old_build_first(released: Rehearsal, sandbox: SandboxClient) -> None:
    # Given staging slots that were refreshed after the release
    for region in TWO:
        assert released.step(f"refresh.{region}"), released.errors
    # When it is undone
    undoing = Undoing.of(released)
    outcome, sentence = undoing.go()
    # Then it said so beforehand, deployed the old build to staging, and swapped it in
    assert outcome is Outcome.ROLLED_BACK, (sentence, undoing.errors)
    assert undoing.entry.report is not None
    assert undoing.entry.report.count(f"by a deploy: staging answers {NEW} and not {OLD}") == 2
    assert production(sandbox) == dict.fromkeys(TWO, OLD)
    assert swaps(sandbox) == [*TWO, *reversed(TWO)]


def test_a_dry_look_touches_nothing(released: Rehearsal, sandbox: SandboxClient) -> None:
    before = len(sandbox.journal())
    entry = Undoing.of(released).look(dry=True)
    assert entry.dry and entry.report is not None and "at once" in entry.report
    assert len(sandbox.journal()) == before
    assert released.ledger.lock() is None and released.record.rollback is None


def test_any_step_may_run_again(released: Rehearsal, sandbox: SandboxClient) -> None:
    undoing = Undoing.of(released)
    undoing.look()
    undoing.look()
    assert undoing.place("northeurope"), undoing.errors
    undoing.look()
    assert undoing.place("northeurope") and undoing.place("westeurope"), undoing.errors
    assert undoing.place("westeurope")
    assert swaps(sandbox) == [*TWO, *reversed(TWO)]
    assert [event.text for event in undoing.record.events].count(f"ann rolls it back: {WHY}") == 1


def test_the_first_region_waits_for_the_last(released: Rehearsal) -> None:
    undoing = Undoing.of(released)
    undoing.look()
    assert not undoing.place("westeurope")
    assert "northeurope is not rolled back" in str(undoing.errors["westeurope"])


def test_a_running_release_is_not_undone(released: Rehearsal, sandbox: SandboxClient) -> None:
    undoing = Undoing.of(released, running="CHG-9")
    with pytest.raises(Refused, match="CHG-9 is running"):
        undoing.look()
    assert released.ledger.lock() is None
    assert production(sandbox) == dict.fromkeys(TWO, NEW)


def test_a_release_that_began_right_after_the_look_gets_its_way(released: Rehearsal) -> None:
    # Given a release that starts between the first question and the lock
    answers = iter([None, None, "CHG-9"])
    undoing = Undoing.of(released)
    from include.airlock.model.rollback import RollbackRequest
    from include.airlock.release.rollback import Act, look

    request = RollbackRequest.of(undoing.service, {"reason": WHY})
    # When the rollback looks / Then it steps back and leaves no lock
    with pytest.raises(Refused, match="CHG-9 is running"):
        look(undoing.service, undoing.ledger, request, Act("b"), undoing.places, lambda: next(answers))
    assert released.ledger.lock() is None and released.record.rollback is None


def test_somebody_elses_build_in_production_is_refused(released: Rehearsal, sandbox: SandboxClient) -> None:
    # Given another build in production of one region, by hand
    sandbox.stage("payments", "westeurope", "2026.12.1", slot="production")
    # When the button is pressed / Then nothing at all is touched, and it says what to do about which region
    with pytest.raises(Refused, match=r"westeurope: not possible: production answers 2026\.12\.1"):
        Undoing.of(released).look()
    assert released.ledger.lock() is None
    assert swaps(sandbox) == TWO
    # And the other region alone can be undone
    outcome, sentence = (undoing := Undoing.of(released, run="back-2")).go(regions=["northeurope"])
    assert outcome is Outcome.ROLLED_BACK, (sentence, undoing.errors)
    assert "westeurope keeps 2026.11.2" in sentence


def test_what_is_rolled_back_is_not_undone_twice(released: Rehearsal) -> None:
    assert Undoing.of(released).go()[0] is Outcome.ROLLED_BACK
    with pytest.raises(Refused, match="CHG-1 is rolled back already"):
        Undoing.of(released, run="back-2").look()


def test_what_was_swapped_back_by_hand_is_proved_and_the_rest_undone(
    released: Rehearsal, sandbox: SandboxClient
) -> None:
    # Given an Airflow that was away, and a person who swapped one region back meanwhile
    assert sandbox.swap("payments", "northeurope").ok
    # When the release is undone / Then that region is only proved, and the other one brought back
    undoing = Undoing.of(released)
    outcome, sentence = undoing.go()
    assert outcome is Outcome.ROLLED_BACK, (sentence, undoing.errors)
    assert undoing.entry.report is not None
    assert f"northeurope: is back: production answers {OLD}" in undoing.entry.report
    assert production(sandbox) == dict.fromkeys(TWO, OLD)
    assert swaps(sandbox) == [*TWO, "northeurope", "westeurope"]


def test_an_old_build_that_is_broken_now_gets_stuck(released: Rehearsal, sandbox: SandboxClient) -> None:
    # Given that the swap back in the last region leads to a page that is not well
    undoing = Undoing.of(released)
    undoing.look()
    sandbox.fault("status_dependency_down", where={"region": "northeurope", "slot": "production"})
    assert not undoing.place("northeurope")
    region = undoing.undone.region("northeurope")
    assert region.phase is Phase.STUCK
    # Then the region before it is not touched
    assert not undoing.place("westeurope")
    assert production(sandbox)["westeurope"] == NEW
    # When it is well again and the step is cleared / Then it goes on to the end
    sandbox.clear_faults()
    assert undoing.place("northeurope") and undoing.place("westeurope"), undoing.errors
    assert swaps(sandbox) == [*TWO, *reversed(TWO)]
