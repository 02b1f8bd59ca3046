"""Releases that ask people: whatever they answer and whoever dies, each ends in a state that is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.airlock.errors import Denied, Drifted, Locked, Overtaken, Refused, TooFewServe, Unreachable
from include.airlock.model.approvals import Ask, SafeChoice
from include.airlock.model.decision import APPROVE, POLICIES, REJECT, Choice
from include.airlock.model.record import Outcome, Phase
from include.airlock.release import accepting
from include.airlock.release.accepting import accept
from include.airlock.release.approve import ApproveOperator
from include.airlock.release.asking import asks_about, policy_of, policy_of_release
from include.airlock.release.rollback import undone
from include.airlock.release.rollback_steps import UndoOperator
from include.airlock.release.steps import (
    BakeOperator,
    ChangeOperator,
    RollBackEarlierOperator,
    RollBackOperator,
    VerifyOperator,
)
from include.airlock.release.verdict import outcome_of
from tests.unit.release.asked_world import APPROVALS, NEW, OLD, REGIONS, Place, Release, World, answered

WEST, NORTH, SOUTH = REGIONS
CHOICES = st.sampled_from([*Choice, APPROVE, REJECT, "Perhaps"])
ANSWERS = st.one_of(
    st.builds(answered, CHOICES, st.sampled_from(["", "no", "as agreed", "x" * 501]), st.sampled_from("ab")),
    st.builds(answered, CHOICES, st.just("as agreed"), st.sampled_from(["ann", "ben", "eve"])),
    st.just({"timedout": True}),
    st.just({}),
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "_BETWEEN_LOOKS_S", 0.0)


def bad(looks: int) -> list[bool]:
    return [True] * looks


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sick=st.lists(st.booleans(), max_size=12),
    answers=st.lists(ANSWERS, max_size=8),
    kill_at=st.one_of(st.none(), st.integers(1, 60)),
    approved=st.booleans(),
    otherwise=st.sampled_from(SafeChoice),
)
@example([True], [answered(Choice.ROLL_BACK_RELEASE)], 9, False, SafeChoice.HALT)
def test_every_sequence_ends_in_a_state_that_is_named(
    sick: list[bool],
    answers: list[dict[str, Any]],
    kill_at: int | None,
    approved: bool,
    otherwise: SafeChoice,
) -> None:
    world = World(sick=sick, answers=answers, kill_at=kill_at)
    # When it runs (the world sees to it that never two regions are in flight)
    more: dict[str, Any] = {"approvals": APPROVALS} if approved else {}
    release = Release(world, ask=Ask(otherwise=otherwise), **more)
    release.go()
    # Then the verdict says what is so
    record = release.record
    outcome, sentence = outcome_of(record)
    serve = {name: world.builds[name] for name in REGIONS}
    assert (outcome is Outcome.RELEASED) == all(r.phase is Phase.ACCEPTED for r in record.regions)
    for region in record.regions:
        if region.phase is Phase.ACCEPTED:
            assert serve[region.name] == NEW
        if region.phase in (Phase.ROLLED_BACK, Phase.WAITING):
            assert serve[region.name] == OLD
        if region.although is not None:
            assert f"{region.name} was accepted by" in sentence or outcome is not Outcome.RELEASED
            assert region.decision in record.decisions
            assert region.although != "it failed", "why it failed is known, and not forgotten"
    if outcome is Outcome.REFUSED:
        assert set(serve.values()) == {OLD}
    # And every place left with the new build and not accepted keeps others out
    if any(serve[r.name] == NEW and r.phase is not Phase.ACCEPTED for r in record.regions):
        assert release.ledger.lock() is not None
    # And nothing waits, and every answer is on record, once
    assert record.question is None
    assert len(record.decisions) == world.given


@pytest.mark.parametrize("kill_at", range(1, 40))
@pytest.mark.parametrize("choice", list(POLICIES))
def test_a_decision_that_was_stored_is_done_whoever_dies(choice: Choice, kill_at: int) -> None:
    # Given a second region that stays bad, people who would choose once, and a worker that dies somewhere
    world = World(always_sick=(NORTH,), kill_at=kill_at)
    world.answers = [answered(choice, "once"), answered(choice, "twice"), answered(choice, "thrice")]
    release = Release(world)
    release.go()
    # Then what they chose is what was done, and nobody answers twice
    expected = {
        Choice.HALT: [NEW, NEW, OLD],
        Choice.ROLL_BACK_REGION: [NEW, OLD, OLD],
        Choice.ROLL_BACK_RELEASE: [OLD, OLD, OLD],
    }
    assert [world.builds[name] for name in REGIONS] == expected[choice]
    assert world.given == 1
    assert f"ann answered '{choice}'" in outcome_of(release.record)[1]


@pytest.mark.parametrize("kill_at", range(1, 40))
def test_an_approval_that_was_stored_is_not_asked_for_again(kill_at: int) -> None:
    world = World(kill_at=kill_at, answers=[answered(APPROVE) for _ in range(5)])
    release = Release(world, approvals=APPROVALS)
    release.go()
    assert outcome_of(release.record)[0] is Outcome.RELEASED
    assert world.given == len(release.record.decisions) == 4


def test_the_effective_policy() -> None:
    # Given a release that asks / Then until somebody decides it is the safe choice, and then the decision
    release = Release(World(sick=bad(9), answers=[answered(Choice.HALT, "wait")]), ask=Ask())
    assert policy_of(release.run, WEST) == policy_of_release(release.run) == "roll_back_region"
    assert not release.lane(WEST)
    assert policy_of(release.run, WEST) == policy_of_release(release.run) == "halt"
    assert policy_of(release.run, NORTH) == "roll_back_region"


def test_a_way_back_of_all_goes_on_where_it_was_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given the last of three regions failed, and the cloud is away once while an earlier one is brought back
    world = World(always_sick=(SOUTH,), answers=[answered(Choice.ROLL_BACK_RELEASE, "all of it")])
    release, away = Release(world), [NORTH]
    bring_back = Place.bring_back

    def at_times(self: Place, *args: Any, **more: Any) -> None:
        if self.name in away:
            away.remove(self.name)
            raise Unreachable("no answer")
        bring_back(self, *args, **more)

    monkeypatch.setattr(Place, "bring_back", at_times)
    release.go()
    # When Airflow tries the step again / Then the decision still holds
    assert release.step("roll_back_earlier", RollBackEarlierOperator, None)
    assert set(world.builds.values()) == {OLD} and away == []


@pytest.mark.parametrize("about", [None, WEST])
def test_a_step_marked_as_done_is_no_approval(about: str | None) -> None:
    # Given a release of which one approval was given, and the other's step marked as done by hand
    world = World(answers=[answered(APPROVE, by="ben")])
    release = Release(world, approvals=APPROVALS)
    assert release.step(f"{about}.approve" if about else "approve", ApproveOperator, about)
    # When each step of the lane is forced / Then nothing is touched
    missing = WEST if about is None else "the release as it is planned now"
    assert not release.lane(WEST)
    for verb, operator in (("swap", ChangeOperator), ("verify", VerifyOperator)):
        assert not release.step(f"{WEST}.{verb}", operator, WEST)
    assert set(world.builds.values()) == {OLD} and len(world.asked) == 1
    region = release.record.regions[0]
    assert f"nobody has approved {missing}" in str(region.closed)
    # And nothing counts as failed, so that nothing done before is brought back
    assert region.failure is None and not release.step(f"{WEST}.roll_back", RollBackOperator, WEST)


def test_an_approval_holds_for_the_plan_that_was_shown() -> None:
    # Given a release that was approved, and a preflight that was cleared since and saw another world
    world = World(answers=[answered(APPROVE, by="ben"), answered(APPROVE, by="ann")])
    release = Release(world, approvals=APPROVALS.model_copy(update={"before": ("release",)}))
    assert release.step("approve", ApproveOperator, None)
    record = release.record
    record.plan = "3f2a9c01d4e5b687"
    release.ledger.save_header(record)
    # Then it does not start, and asks again
    assert not release.lane(WEST)
    assert release.step("approve", ApproveOperator, None) and len(world.asked) == 2
    assert release.lane(WEST)


def test_nothing_to_release_is_nothing_to_approve() -> None:
    release = Release(World(), approvals=APPROVALS)
    release.request = replace(release.request, regions=())
    assert release.step("approve", ApproveOperator, None)
    assert release.world.asked == []


def test_a_clear_elsewhere_leaves_a_question_that_waits() -> None:
    # Given a second region that failed and asks, while somebody clears a step of the first
    world = World(always_sick=(NORTH,), answers=[answered(Choice.HALT, "wait")])
    release = Release(world)

    def clear() -> None:
        world.before_answer = lambda: None
        assert release.step(f"{WEST}.bake", BakeOperator, WEST)
        assert release.record.question is not None

    world.before_answer = clear
    release.go()
    # Then the answer is taken
    assert "ann answered 'Halt'" in outcome_of(release.record)[1]


def test_what_was_decided_does_not_hold_up_a_rollback_afterwards() -> None:
    # Given a region that failed, and a run that was marked failed before the way back did what was chosen
    release = Release(World(always_sick=(WEST,), answers=[answered(Choice.ROLL_BACK_REGION)]))
    assert not release.lane(WEST)
    # When the release is undone by rollback_payments
    run = undone(release.service, release.ledger, release.record, [WEST])
    step = UndoOperator(
        task_id=f"{WEST}.roll_back", service=release.service, region=WEST, places=release._place
    )
    # Then its step does its work, and asks nobody
    assert step.worked(run, lambda: "undone", last_try=False) == "undone"
    assert not asks_about(run, WEST, Unreachable("no answer"), last_try=True)


def test_an_obeyed_decision_is_not_held_against_a_clear() -> None:
    # Given a region that was halted as somebody chose, and mended since / When its lane is cleared
    world = World(sick=bad(1), answers=[answered(Choice.HALT, "wait")])
    release = Release(world)
    release.go()
    assert outcome_of(release.record)[0] is Outcome.HALTED
    release.go()
    # Then it goes on and nobody is asked again
    assert outcome_of(release.record)[0] is Outcome.RELEASED
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    ("fault", "last_try", "asks"),
    [
        (Drifted("d"), False, True),
        (Denied("d"), False, True),
        (TooFewServe("t"), False, True),
        (Unreachable("u"), False, False),
        (Unreachable("u"), True, True),
        (Overtaken("o"), True, False),
        (Locked("l"), False, False),
        (Refused("r"), False, False),
    ],
)
def test_what_is_asked_about(fault: Any, last_try: bool, asks: bool) -> None:
    release = Release(World())
    assert asks_about(release.run, WEST, fault, last_try=last_try) is asks


@pytest.mark.parametrize("phase", [Phase.ACCEPTED, Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.STUCK])
def test_a_region_on_its_way_back_asks_nobody(phase: Phase) -> None:
    release = Release(World())
    region = release.run.region(WEST)
    region.phase = phase
    release.run.save(region)
    assert not asks_about(release.run, WEST, Drifted("d"), last_try=False)


def test_what_was_approved_is_not_asked_for_again() -> None:
    # Given an approved release of which nothing has begun / When its step is cleared / Then it goes on
    world = World(answers=[answered(APPROVE, "ready")])
    release = Release(world, approvals=APPROVALS)
    assert release.step("approve", ApproveOperator, None)
    assert release.step("approve", ApproveOperator, None)
    assert len(world.asked) == 1
    # When it is refused and cleared / Then it is asked again
    world.answers = [answered(REJECT, "not yet"), answered(APPROVE)]
    assert not release.step(f"{WEST}.approve", ApproveOperator, WEST)
    assert release.run.region(WEST).closed == "it was not approved by ann: not yet"
    assert release.step(f"{WEST}.approve", ApproveOperator, WEST)
    assert release.run.region(WEST).closed is None


def test_only_what_answers_is_accepted() -> None:
    # Given a region that was changed, and somebody who put the old build back by hand
    world = World(always_sick=(WEST,), answers=[answered(Choice.ACCEPT, "looks good")])
    release = Release(world)
    assert release.step(f"{WEST}.swap", ChangeOperator, WEST)
    world.before_answer = lambda: world.builds.update({WEST: OLD})
    # When somebody accepts it / Then that is not taken, and the time decides
    assert not release.step(f"{WEST}.verify", VerifyOperator, WEST)
    assert release.record.decisions[0].refused == f"{WEST} can't be accepted: {OLD} answers, not {NEW}"
    assert release.run.region(WEST).phase is Phase.FAILED


def test_a_region_accepted_twice_keeps_why_it_failed() -> None:
    # Given a region that failed and was accepted by a run that Airflow lost right after
    world = World(always_sick=(WEST,), answers=[answered(Choice.ACCEPT, "looks good")])
    release = Release(world)
    assert release.step(f"{WEST}.swap", ChangeOperator, WEST)
    assert release.step(f"{WEST}.verify", VerifyOperator, WEST)
    region = release.run.region(WEST)
    failed = region.although
    assert failed is not None and failed.startswith("verify: ") and region.decision is not None
    # When the same answer is taken once more
    accept(release.run, WEST, release._place, region.decision)
    # Then the sentence can still say in spite of what
    assert release.run.region(WEST).although == failed
