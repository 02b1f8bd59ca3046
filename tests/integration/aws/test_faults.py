"""Each fault that AWS can have while machines take turns, and what must hold afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.airlock.model.machines import MachinePhase
from include.airlock.model.record import Outcome
from tests.integration.aws.moments import Moments, machine_is
from tests.integration.aws.trace import ATTACH, DETACH, Scene
from tests.integration.aws.world import PRODUCTION, SPEED
from tests.integration.rehearsal import NEW, OLD, Rehearsal

ORDERS = {"service": "orders"}
IMPATIENT: dict[str, Any] = {"healthy_timeout": timedelta(seconds=3), "drain_timeout": timedelta(seconds=2)}


def at(operation: str) -> dict[str, str]:
    return {**ORDERS, "operation": operation}


def untouched(scene: Scene, machine: str) -> bool:
    return not [
        entry for entry in scene.asked(*DETACH, *ATTACH, "SendCommand") if machine in entry["machines"]
    ]


CHANGES = (
    "DeregisterTargets",
    "DeregisterInstancesFromLoadBalancer",
    "SendCommand",
    "RegisterTargets",
    "RegisterInstancesWithLoadBalancer",
)
READS = ("DescribeTargetHealth", "DescribeInstanceHealth", "GetCommandInvocation")
PASSING: dict[str, list[dict[str, Any]]] = {
    "lost_reply": [{"name": "lost_reply", "where": at(each), "times": 1} for each in CHANGES],
    "connection_dropped": [{"name": "connection_dropped", "where": at(each), "times": 1} for each in CHANGES],
    "throttled": [
        {"name": "throttled", "where": at(each), "times": 2, "after": 1} for each in (*CHANGES, *READS)
    ],
    "server_error": [{"name": "server_error", "where": at(each), "times": 2, "after": 5} for each in READS],
    "slow": [
        {"name": "invocations_empty", "where": ORDERS, "times": 8},
        {"name": "slow_warm_up", "where": ORDERS, "times": 1, "seconds": 3 * SPEED},
        {"name": "slow_answer", "where": at("SendCommand"), "times": 1, "delay": 1.0},
    ],
}


@pytest.mark.parametrize("faults", PASSING)
def test_mended_by_patience_or_proof(roll: Any, scene: Scene, faults: str) -> None:
    # Given faults that pass, at every kind of call / When the farm is released
    before = scene.standings()
    for fault in PASSING[faults]:
        scene.sandbox.fault(**fault)
    release: Rehearsal = roll()
    outcome, sentence = release.go()
    # Then every machine has the build, was deployed once, and is back where it was
    assert outcome is Outcome.RELEASED, (sentence, release.errors)
    assert all(fault["played"] for fault in scene.sandbox.faults()), scene.sandbox.faults()
    assert scene.deployed() == [(machine, NEW) for machine in scene.machines]
    assert scene.standings() == before
    scene.assert_never_below(1)
    scene.assert_one_deploy_at_a_time()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"name": "deploy_fails"}, "exit code 1"),
        ({"name": "command_never_ends"}, "did not end within"),
        ({"name": "drains_for_ever", "where": {"group": "orders-production"}}, "not drained after"),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_halt_puts_back_a_machine_whose_old_build_is_proved(
    roll: Any, scene: Scene, fault: dict[str, Any], says: str
) -> None:
    # Given a deploy or a drain that comes to nothing on the first machine, and the policy to halt
    before = scene.standings()
    scene.sandbox.fault(**fault)
    release: Rehearsal = roll(more=IMPATIENT | _deploy_within(2), on_failure="halt")
    # When the farm is released
    outcome, sentence = release.go()
    # Then it stops, the machine serves its old build again, and the other one was not touched
    assert outcome is Outcome.HALTED
    assert f"stopped in {PRODUCTION}" in sentence and says in sentence
    assert f"0 of 2 machines serve {NEW}" in sentence and "is out of" not in sentence
    assert scene.builds() == [OLD, OLD] and scene.standings() == before
    assert untouched(scene, scene.machines[1])
    scene.assert_never_below(1)
    # And others are kept out
    lock = release.ledger.lock()
    assert lock is not None and lock.kind == "in_flight"


def _deploy_within(seconds: float) -> dict[str, Any]:
    from tests.integration.aws.world import rolling

    deploy = rolling().deploy.model_copy(update={"timeout": timedelta(seconds=seconds)})
    return {"deploy": deploy}


def test_halt_leaves_out_a_machine_on_which_nothing_runs(roll: Any, scene: Scene) -> None:
    # Given a deploy that leaves nothing running, and the policy to halt / When the farm is released
    first, second = scene.machines
    scene.sandbox.fault("deploy_fails", where={"machine": first}, when="after_stop")
    release: Rehearsal = roll(on_failure="halt")
    outcome, sentence = release.go()
    # Then the machine stays out, and the sentence says so; the other one serves
    assert outcome is Outcome.HALTED
    assert f"{first} is out of orders-production" in sentence
    assert not [
        state for group in scene.standings().values() for target, state in group.items() if first in target
    ]
    assert untouched(scene, second)
    scene.assert_never_below(1)


def test_roll_back_machine_gives_it_its_old_build(roll: Any, scene: Scene) -> None:
    # Given a deploy that leaves nothing running on the second machine
    before = scene.standings()
    first, second = scene.machines
    scene.sandbox.fault("deploy_fails", where={"machine": second}, times=1, when="after_stop")
    # When the farm is released with the policy to bring back that machine
    release: Rehearsal = roll(on_failure="roll_back_machine")
    outcome, sentence = release.go()
    # Then it serves its old build again, and the first one keeps the new build
    assert outcome is Outcome.HALTED
    assert f"1 of 2 machines serve {NEW}" in sentence
    assert scene.builds() == [NEW, OLD] and scene.standings() == before
    assert scene.deployed() == [(first, NEW), (second, OLD)]
    scene.assert_never_below(1)
    scene.assert_one_deploy_at_a_time()


@pytest.mark.parametrize("name", ["target_never_healthy", "target_flapping"])
def test_a_target_that_does_not_stay_healthy(roll: Any, scene: Scene, moments: Moments, name: str) -> None:
    # Given a machine that its target group finds amiss once it has the new build
    first, second = scene.machines
    before = scene.standings()
    amiss = {"group": "orders-production", "machine": first}
    moments.once(machine_is(first, MachinePhase.DEPLOYING), lambda: scene.sandbox.fault(name, where=amiss))
    # When the farm is released / Then it stops there, and the other machine serves
    release: Rehearsal = roll(more=IMPATIENT | {"soak": 12}, on_failure="roll_back_region")
    assert not release.step_until(PRODUCTION, "roll")
    assert "not healthy after" in str(release.errors[f"{PRODUCTION}.roll"])
    assert untouched(scene, second)
    # And with the fault mended it is brought back
    scene.sandbox.clear_faults()
    assert release.back(PRODUCTION), release.errors
    assert release.outcome()[0] is Outcome.ROLLED_BACK
    assert scene.builds() == [OLD, OLD] and scene.standings() == before
    scene.assert_one_deploy_at_a_time()


def test_a_machine_that_dies_while_it_is_out(roll: Any, scene: Scene) -> None:
    # Given a machine that is lost as soon as it is detached / When the farm is released
    first, second = scene.machines
    scene.sandbox.fault("machine_dies", where={"machine": first}, when="detached")
    release: Rehearsal = roll(more=_deploy_within(2), on_failure="roll_back_machine")
    outcome, sentence = release.go()
    # Then it stops loudly, the lost one is named, and the other one serves on
    assert outcome is Outcome.HALTED
    assert f"{first} is out of" in sentence and "left half-done" in sentence
    assert untouched(scene, second)
    assert "healthy" in str(scene.standings()["orders-production"])
    scene.assert_never_below(1)


def test_the_other_machine_falls_sick_before_its_turn(roll: Any, scene: Scene, moments: Moments) -> None:
    # Given a first machine that falls sick right after its turn
    first, second = scene.machines

    def fall_sick() -> None:
        scene.sandbox.fault("machine_sick", where={"machine": first})
        scene.sandbox.wait_until(lambda: "healthy" not in _states(scene, first))

    moments.once(machine_is(first, MachinePhase.DONE), fall_sick)
    # When the second one's turn comes / Then it may not leave, and keeps serving
    release: Rehearsal = roll(more=IMPATIENT, on_failure="halt")
    outcome, sentence = release.go()
    assert outcome is Outcome.HALTED
    assert f"{second}: it may not leave: orders-production" in sentence
    assert "would keep 0 healthy of the 1 that it needs" in sentence
    assert untouched(scene, second)
    assert scene.builds() == [NEW, OLD]


def _states(scene: Scene, machine: str) -> list[str]:
    found = scene.standings()
    return [state for group in found.values() for target, state in group.items() if machine in target]


def test_the_other_machine_falls_sick_while_one_is_out(roll: Any, scene: Scene, moments: Moments) -> None:
    # Given a second machine that falls sick while the first one is out
    first, second = scene.machines
    sick = {"machine": second}
    moments.once(
        machine_is(first, MachinePhase.DEPLOYING), lambda: scene.sandbox.fault("machine_sick", where=sick)
    )
    # When the farm is released / Then the first one comes back all the same, before the sick one's turn
    release: Rehearsal = roll(more=IMPATIENT, on_failure="halt")
    outcome, sentence = release.go()
    assert outcome is Outcome.HALTED, sentence
    assert _states(scene, first) == ["healthy", "InService"]
    assert f"1 of 2 machines serve {NEW}; {second} is out of" in sentence
    back, left = scene.asked(*ATTACH)[-1], next(e for e in scene.asked(*DETACH) if second in e["machines"])
    assert back["at"] < left["at"]


def test_a_warm_up_that_takes_too_long(roll: Any, scene: Scene) -> None:
    # Given an application that is not warm within the page's deadline / When the farm is released
    first, second = scene.machines
    scene.sandbox.fault("slow_warm_up", where={"machine": first}, times=1, seconds=20 * SPEED)
    release: Rehearsal = roll(on_failure="roll_back_machine")
    outcome, sentence = release.go()
    # Then it never went back with the new build, and serves the old one again
    assert outcome is Outcome.HALTED
    assert "its own status page" in sentence
    assert scene.deployed() == [(first, NEW), (first, OLD)]
    assert _states(scene, first) == ["healthy", "InService"] and untouched(scene, second)
    scene.assert_never_below(1)


def test_missing_permissions_are_named(roll: Any, scene: Scene) -> None:
    # Given credentials without rights that only show when they are used
    before = scene.standings()
    release: Rehearsal = roll(on_failure="halt")
    assert release.step_until(PRODUCTION, "check"), release.errors
    for operation in CHANGES[:-1]:
        # When the farm is released / Then it stops, and names the right that it lacks
        scene.sandbox.fault("access_denied", where=at(operation))
        service = "ssm" if operation == "SendCommand" else "elasticloadbalancing"
        assert not release.step("roll", PRODUCTION)
        assert f"{service}:{operation}" in str(release.errors[f"{PRODUCTION}.roll"])
        assert release.outcome()[0] is Outcome.HALTED
        assert untouched(scene, scene.machines[1])
        scene.sandbox.clear_faults()
    # And with all of them given, clearing the failed step ends the release
    assert release.lane(PRODUCTION), release.errors
    assert release.outcome()[0] is Outcome.RELEASED
    assert scene.deployed() == [(machine, NEW) for machine in scene.machines]
    assert scene.standings() == before
    scene.assert_never_below(1)
