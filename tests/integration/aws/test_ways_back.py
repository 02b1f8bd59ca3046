"""Releases that stop half-way: the policies, and what a Clear makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.model.record import Outcome
from tests.integration.aws.moments import Moments
from tests.integration.aws.trace import DETACH, Scene
from tests.integration.aws.world import PRODUCTION, STAGING
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.sandbox_client import SandboxClient


def test_roll_back_region_brings_every_machine_back(roll: Any, scene: Scene) -> None:
    # Given a deploy that fails on the second machine
    before = scene.standings()
    first, second = scene.machines
    scene.sandbox.fault("deploy_fails", where={"machine": second}, times=1, when="after_stop")
    # When the farm is released with the policy to bring back the farm
    release: Rehearsal = roll(on_failure="roll_back_region")
    outcome, sentence = release.go()
    # Then both have their old build, were out one after the other, and the service is locked
    assert outcome is Outcome.ROLLED_BACK, (sentence, release.errors)
    assert f"{PRODUCTION} was brought back and {OLD} serves again" in sentence
    assert scene.builds() == [OLD, OLD] and scene.standings() == before
    assert scene.deployed() == [(first, NEW), (second, OLD), (first, OLD)]
    scene.assert_never_below(1)
    scene.assert_one_deploy_at_a_time()
    lock = release.ledger.lock()
    assert lock is not None and lock.kind == "rolled_back"
    # And only an unlock lets the cleared steps run, which then release it
    assert not release.step("roll", PRODUCTION)
    assert "locked" in str(release.errors[f"{PRODUCTION}.roll"])
    assert scene.builds() == [OLD, OLD]
    release.ledger.unlock(by="ann", reason="the disk is bigger", run="unlock-1")
    assert release.lane(PRODUCTION), release.errors
    assert release.outcome()[0] is Outcome.RELEASED
    assert scene.builds() == [NEW, NEW] and scene.standings() == before
    scene.assert_never_below(1)


def test_roll_back_release_brings_the_first_farm_back_too(roll: Any, sandbox: SandboxClient) -> None:
    # Given a deploy that fails in the second farm, and the policy to bring everything back
    first, last = Scene(sandbox, "checkout", "staging"), Scene(sandbox, "checkout")
    before = first.standings() | last.standings()
    sandbox.fault("deploy_fails", where={"machine": last.machines[0]}, times=1)
    release: Rehearsal = roll("checkout", regions=[STAGING, PRODUCTION], on_failure="roll_back_release")
    # When both are released
    outcome, sentence = release.go()
    # Then both are back, the last one first
    assert outcome is Outcome.ROLLED_BACK, (sentence, release.errors)
    assert first.builds() == last.builds() == [OLD, OLD]
    assert first.standings() | last.standings() == before
    one, two = first.machines
    assert first.deployed() == [(one, NEW), (two, NEW), (two, OLD), (one, OLD)]
    assert last.deployed() == [] or last.deployed() == [(last.machines[0], OLD)]
    for farm in (first, last):
        farm.assert_never_below(1)
        farm.assert_one_deploy_at_a_time()


def test_a_clear_after_a_halt_goes_on(roll: Any, scene: Scene) -> None:
    # Given a release that halted at its second machine
    first, second = scene.machines
    scene.sandbox.fault("deploy_fails", where={"machine": second}, times=1)
    release: Rehearsal = roll(on_failure="halt")
    assert release.go()[0] is Outcome.HALTED
    # Then other releases are kept out
    other = Rehearsal.of(release.service, ledger=release.ledger, release="CHG-2")
    with pytest.raises(Exception, match="locked"):
        other.run.not_locked()
    # When the failed step is cleared / Then it goes on there, and the first machine is left alone
    assert release.lane(PRODUCTION), release.errors
    assert release.outcome()[0] is Outcome.RELEASED
    assert scene.deployed() == [(first, NEW), (second, NEW)]
    assert scene.turns(*DETACH) == [first, second]
    assert release.ledger.lock() is None
    scene.assert_never_below(1)


def test_a_build_that_does_not_start(roll: Any, scene: Scene) -> None:
    # Given a build whose process ends at once / When it is released
    before = scene.standings()
    release: Rehearsal = roll(build="2026.12.1-broken", on_failure="roll_back_machine")
    outcome, sentence = release.go()
    # Then one machine at most had it, and that one has its old build again
    assert outcome is Outcome.HALTED, sentence
    first = scene.machines[0]
    assert [machine for machine, _ in scene.deployed()] == [first, first]
    assert scene.builds() == [OLD, OLD] and scene.standings() == before
    scene.assert_never_below(1)


class Ended(BaseException):
    """A person ended the step."""


def test_a_step_that_a_person_ends(roll: Any, scene: Scene, moments: Moments) -> None:
    # Given a release that is ended while a deploy command runs on its first machine
    def end() -> None:
        ssm = scene.sandbox.aws("ssm")
        scene.sandbox.wait_until(lambda: "InProgress" in str(ssm.list_commands()["Commands"]))
        raise Ended

    first, second = scene.machines
    scene.sandbox.fault("command_never_ends", where={"machine": first}, times=1)
    moments.once(lambda region: any(m.command and m.command.id for m in region.machines), end)
    release: Rehearsal = roll(on_failure="halt")
    assert release.step_until(PRODUCTION, "check")
    operator = release.operator(f"{PRODUCTION}.roll")
    with pytest.raises(Ended):
        operator.perform(release.run, patience=30.0)
    # When Airflow tells the step / Then the command is cancelled
    operator.on_kill()
    assert scene.turns("SendCommand") == [first]
    assert len(scene.sandbox.requests_of("ssm:CancelCommand")) == 1
    # And the cleared step sends it again, and ends
    assert release.lane(PRODUCTION), release.errors
    assert release.outcome()[0] is Outcome.RELEASED
    assert scene.deployed() == [(first, NEW), (second, NEW)]
    scene.assert_one_deploy_at_a_time()
    scene.assert_never_below(1)
