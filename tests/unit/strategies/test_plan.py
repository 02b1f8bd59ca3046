"""A plan: lanes one after the other, the way back beside each, and two leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.airlock.dag import OPERATORS
from include.airlock.model.loading import load_service
from include.airlock.model.plan import Plan, When
from include.airlock.strategies import compile_plan

LANES = {
    "slot_swap": ["check", "swap", "verify", "bake"],
    "rolling": ["check", "roll", "verify", "bake"],
    "blue_green": ["check", "deploy", "switch", "verify", "bake"],
}
SPECS = sorted((Path(__file__).resolve().parents[3] / "dags/services").glob("*.yaml"))


@pytest.fixture(params=SPECS, ids=lambda path: path.stem)
def plan(request: pytest.FixtureRequest) -> Plan:
    return compile_plan(load_service(request.param))


def before(plan: Plan, step: str) -> set[str]:
    """Every step that must be done before ``step``, however far up."""
    steps = {each.id: each for each in plan}
    found: set[str] = set()
    left = [step]
    while left:
        for other in steps[left.pop()].after:
            if other not in found:
                found.add(other)
                left.append(other)
    return found


def test_steps_come_after_known_steps_only(plan: Plan) -> None:
    seen: set[str] = set()
    for step in plan:
        assert set(step.after) <= seen, step.id
        seen.add(step.id)
    assert len(seen) == len(plan.steps)


def test_a_lane_does_what_its_strategy_says_and_has_its_way_back(plan: Plan) -> None:
    # Given the places in order / Then each has the strategy's steps, and only those
    for name in plan.service.places:
        assert [step.verb for step in plan if step.id == f"{name}.{step.verb}"] == [
            *LANES[plan.service.strategy],
            "roll_back",
        ]
    lanes = {step.region for step in plan if step.id == f"{step.region}.{step.verb}"}
    assert lanes == set(plan.service.places)


def test_every_step_has_an_operator(plan: Plan) -> None:
    # Given what is done in which room / Then the DAG knows who does it
    assert {(step.room, step.verb) for step in plan} <= set(OPERATORS)


def test_one_region_in_flight(plan: Plan) -> None:
    # Given the places in order / Then no step of one starts before every earlier one baked
    names = plan.service.places
    for index, name in enumerate(names):
        for verb in LANES[plan.service.strategy]:
            assert {f"{earlier}.bake" for earlier in names[:index]} <= before(plan, f"{name}.{verb}")
        assert "preflight" in before(plan, f"{name}.check")


def test_the_way_back_stays_open_until_all_regions_baked(plan: Plan) -> None:
    for step in plan:
        if step.verb == "refresh":
            assert {f"{name}.bake" for name in plan.service.places} <= before(plan, step.id)


def test_ways_back_are_for_failures_only(plan: Plan) -> None:
    for step in plan:
        if step.verb == "roll_back":
            assert step.when is When.ONE_FAILED


def test_only_the_verdict_and_the_last_tell_are_leaves(plan: Plan) -> None:
    inner = {other for step in plan for other in step.after}
    assert {step.id for step in plan if step.id not in inner} == {"verdict", "tell.end"}


def test_no_changing_step_waits_for_telling(plan: Plan) -> None:
    for step in plan:
        if step.verb not in ("tell", "tell_end"):
            assert not {other for other in before(plan, step.id) if other.startswith("tell.")}
