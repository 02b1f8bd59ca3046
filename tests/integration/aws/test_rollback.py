"""Releases on AWS undone in one act: machine by machine, or by the weights alone."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.errors import Refused
from include.airlock.model.record import Outcome
from tests.integration.aws.test_blue_green import green, set_weights, switches, weights
from tests.integration.aws.trace import Scene
from tests.integration.aws.world import PRODUCTION, STAGING
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.integration.undoing import Undoing
from tests.sandbox_client import SandboxClient


def test_both_farms_are_back_machine_by_machine(roll: Any, sandbox: SandboxClient) -> None:
    # Given a release of two farms that ended well
    first, last = Scene(sandbox, "checkout", "staging"), Scene(sandbox, "checkout")
    before = first.standings() | last.standings()
    release: Rehearsal = roll("checkout", regions=[STAGING, PRODUCTION])
    assert release.go()[0] is Outcome.RELEASED, release.errors
    # When it is undone
    undoing = Undoing.of(release)
    outcome, sentence = undoing.go()
    # Then it said that both are redeployed, and did that in reverse order, never below the floor
    assert outcome is Outcome.ROLLED_BACK, (sentence, undoing.errors)
    assert undoing.entry.report is not None
    assert undoing.entry.report.count(f"by a deploy: {OLD} is deployed again to 2 machines in turn") == 2
    assert first.builds() == last.builds() == [OLD, OLD]
    assert first.standings() | last.standings() == before
    for farm in (first, last):
        one, two = farm.machines
        assert farm.deployed() == [(one, NEW), (two, NEW), (two, OLD), (one, OLD)]
        farm.assert_never_below(1)
        farm.assert_one_deploy_at_a_time()
    texts = [event.text for region in undoing.record.regions for event in region.events]
    assert texts.count(f"{OLD} serves again, proved") == 2


def test_a_halted_release_is_undone_with_what_it_left(roll: Any, scene: Scene) -> None:
    # Given a release that halted at its second machine, which is in doubt
    before, second = scene.standings(), scene.machines[1]
    scene.sandbox.fault("deploy_fails", where={"machine": second}, times=1, when="after_stop")
    release: Rehearsal = roll(on_failure="halt")
    assert release.go()[0] is Outcome.HALTED
    # When it is undone
    undoing = Undoing.of(release)
    outcome, sentence = undoing.go()
    # Then both machines have the old build and stand where they stood
    assert outcome is Outcome.ROLLED_BACK, (sentence, undoing.errors)
    assert scene.builds() == [OLD, OLD] and scene.standings() == before
    scene.assert_never_below(1)


def test_another_build_on_a_machine_is_refused(roll: Any, scene: Scene) -> None:
    release: Rehearsal = roll()
    assert release.go()[0] is Outcome.RELEASED, release.errors
    scene.sandbox.stage_machine(scene.machines[0], "2026.12.1")
    with pytest.raises(Refused, match=rf"{scene.machines[0]} answers 2026.12.1, which this release did not"):
        Undoing.of(release).look()
    assert release.ledger.lock() is None


def test_weights_go_back_in_one_call(shift: Any, pair: Scene) -> None:
    # Given a release from one group to the other
    release: Rehearsal = shift()
    assert release.go()[0] is Outcome.RELEASED, release.errors
    sent, deployed = len(switches(pair)), len(pair.deployed())
    # When it is undone
    undoing = Undoing.of(release)
    outcome, sentence = undoing.go()
    # Then one call did it, and nothing was deployed
    assert outcome is Outcome.ROLLED_BACK, (sentence, undoing.errors)
    assert undoing.entry.report is not None
    assert f"at once: 2 of 2 machines of search-blue are healthy with {OLD}" in undoing.entry.report
    assert weights(pair) == {"search-blue": 100, "search-green": 0}
    assert (len(switches(pair)) - sent, len(pair.deployed()) - deployed) == (1, 0)


def test_an_old_group_that_holds_something_else_is_refused(shift: Any, pair: Scene) -> None:
    # Given that one machine of the old group got another build since
    release: Rehearsal = shift()
    assert release.go()[0] is Outcome.RELEASED, release.errors
    blue = next(machine for machine in pair.machines if machine not in green(pair))
    pair.sandbox.stage_machine(blue, "2026.12.1")
    # When it is to be undone / Then it is refused, with what to do instead
    with pytest.raises(Refused, match=rf"search-blue holds {OLD} no more: {blue} answers 2026.12.1; release"):
        Undoing.of(release).look()
    assert weights(pair) == {"search-blue": 0, "search-green": 100}
    # And weights that somebody set back by hand are only proved
    pair.sandbox.stage_machine(blue, OLD)
    set_weights(pair, blue=100, green=0)
    undoing = Undoing.of(release, run="back-2")
    outcome, sentence = undoing.go()
    assert outcome is Outcome.ROLLED_BACK, (sentence, undoing.errors)
    assert undoing.entry.report is not None
    assert "is back: all requests go to search-blue" in undoing.entry.report
