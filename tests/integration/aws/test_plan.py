"""Plans of releases on AWS: what they say is what the journal then shows, there and back."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.model.record import Outcome
from include.airlock.release.planning import PlanDrifted
from tests.integration.aws.test_blue_green import green, set_weights
from tests.integration.aws.trace import Scene
from tests.integration.planned import asked, last, plan_of, planned
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.integration.undoing import Undoing
from tests.sandbox_client import SandboxClient

OTHER = "2026.11.3"
GROUP = {"autoscaling_group": "scaled-production"}


@pytest.mark.parametrize(("service", "farm"), [("orders", None), ("scaled", GROUP)])
def test_a_farm_is_rolled_as_planned(
    roll: Any, sandbox: SandboxClient, service: str, farm: dict[str, Any] | None
) -> None:
    # Given a release that made its plan / When it runs / Then each call is the planned one, in order
    release: Rehearsal = roll(service, farm)
    assert release.go()[0] is Outcome.RELEASED, release.errors
    plan = plan_of(release)
    assert asked(sandbox) == planned(plan.calls)
    if farm:
        return
    # And so is its way back
    since = last(sandbox)
    undoing = Undoing.of(release)
    assert undoing.go()[0] is Outcome.ROLLED_BACK, undoing.errors
    assert asked(sandbox, since=since) == planned(call for way in plan.way_back for call in way.calls)


def test_machines_that_have_the_build_are_left_out(roll: Any, scene: Scene) -> None:
    # Given a farm of which one machine already runs the build
    first, second = scene.machines
    scene.sandbox.stage_machine(first, NEW)
    scene.sandbox.wait_until(lambda: scene.builds() == [NEW, OLD])
    release: Rehearsal = roll()
    assert release.go()[0] is Outcome.RELEASED, release.errors
    calls = plan_of(release).calls
    assert asked(scene.sandbox) == planned(calls)
    assert [call.target for call in calls if call.call == "ssm:SendCommand"] == [second]


def test_weights_move_as_planned(shift: Any, sandbox: SandboxClient) -> None:
    release: Rehearsal = shift()
    assert release.go()[0] is Outcome.RELEASED, release.errors
    plan = plan_of(release)
    assert asked(sandbox) == planned(plan.calls)
    assert set(release.run.region("eu-west-1").laps) == {"deploy", "switch", "verify", "bake"}
    since = last(sandbox)
    undoing = Undoing.of(release)
    assert undoing.go()[0] is Outcome.ROLLED_BACK, undoing.errors
    assert asked(sandbox, since=since) == planned(call for way in plan.way_back for call in way.calls)
    # And a group that is in the listener already need not join it first
    again: Rehearsal = shift(release="CHG-2", plan_only=True)
    assert not again.step("preflight"), "it was rolled back, so the service is locked"
    again.ledger.unlock(by="ann", reason="mended", run="u")
    assert again.step("preflight"), again.errors
    assert [call.step for call in plan_of(again).calls] == ["deploy"] * 2 + ["switch"] * 3


def drift(make: Any, release: Rehearsal) -> list[str]:
    """What a release says that is bound to this one's plan."""
    other: Rehearsal = make(release="CHG-2", plan=plan_of(release).hash)
    assert not other.step("preflight")
    fault = other.errors["preflight"]
    assert isinstance(fault, PlanDrifted), fault
    return [str(each) for each in fault.faults]


def test_another_build_on_a_machine_is_drift(roll: Any, scene: Scene) -> None:
    release: Rehearsal = roll(plan_only=True)
    assert release.step("preflight"), release.errors
    scene.sandbox.stage_machine(scene.machines[1], OTHER)
    since = last(scene.sandbox)
    lines = drift(roll, release)
    assert lines[0] == f"eu-west-1.production: {scene.machines[1]} held {OLD}, now holds {OTHER}"
    assert asked(scene.sandbox, since=since) == []


def test_other_weights_are_drift(shift: Any, pair: Scene) -> None:
    # Given a plan, and somebody who sent all requests to the other group since
    release: Rehearsal = shift(plan_only=True)
    assert release.step("preflight"), release.errors
    idle = green(pair)
    set_weights(pair, blue=0, green=100)
    lines = drift(shift, release)
    assert f"eu-west-1: {idle[0]} is there no more (it held {OLD})" in lines
    assert "eu-west-1: the live group was search-blue, is now search-green" in lines
