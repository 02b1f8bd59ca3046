"""Releases on AWS whose policy is to ask: the choice is the same, the means are each strategy's own."""

from __future__ import annotations

from typing import Any

from include.airlock.model.decision import Choice
from include.airlock.model.record import Outcome
from tests.integration.aws.trace import Scene
from tests.integration.rehearsal import OLD, Rehearsal, answer

ORDERS = {"service": "orders"}


def test_a_machines_turn_is_retried_where_it_stopped(roll: Any, scene: Scene) -> None:
    # Given a deploy that fails once / When somebody would accept the half, then retries
    before = scene.standings()
    scene.sandbox.fault("deploy_fails", where=ORDERS, times=1)
    release: Rehearsal = roll(on_failure="ask")
    release.answers = [answer(Choice.ACCEPT, "ann", "looks good"), answer(Choice.RETRY, "ann")]
    outcome, sentence = release.go()
    # Then half a farm is not accepted, and the retry brings every machine to the build and back where it was
    assert outcome is Outcome.RELEASED, (sentence, release.errors)
    refused = release.record.decisions[0].refused or ""
    assert "eu-west-1.production can't be accepted: i-" in refused
    assert scene.standings() == before
    scene.assert_never_below(1)


def test_a_farm_is_halted_as_somebody_chose(roll: Any, scene: Scene) -> None:
    before = scene.standings()
    scene.sandbox.fault("deploy_fails", where=ORDERS)
    release: Rehearsal = roll(on_failure="ask")
    release.answers = [answer(Choice.HALT, "ann")]
    outcome, sentence = release.go()
    # Then the machine that was out is back with its old build, as the policy halt has it
    assert outcome is Outcome.HALTED
    assert "ann answered 'Halt'" in sentence
    assert scene.standings() == before
    assert scene.deployed() == []


def test_a_switch_is_taken_back_as_somebody_chose(shift: Any, pair: Scene) -> None:
    # Given a listener that was switched and then answers badly
    release: Rehearsal = shift(on_failure="ask")
    region = release.request.regions[0]
    assert release.step_until(region, "switch")
    for machine in pair.sandbox.aws_state("target_groups")["search-green"]["targets"]:
        pair.sandbox.fault("machine_sick", where={"machine": machine.partition(":")[0]})
    release.answers = [answer(Choice.ROLL_BACK_REGION, "ann")]
    assert not release.verify(region)
    assert release.back(region)
    outcome, sentence = release.outcome()
    assert outcome is Outcome.ROLLED_BACK
    assert "ann answered 'Roll this region back'" in sentence and f"{OLD} serves again" in sentence
