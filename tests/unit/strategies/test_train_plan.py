"""The plan of a train, whatever its services: region by region, ways back after all lanes, tells beside."""

from __future__ import annotations

import itertools
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.airlock.dag import operator_of
from include.airlock.model.loading import load_service
from include.airlock.model.plan import Step, When
from include.airlock.model.service import Service
from include.airlock.model.train import Train, TrainSpec, merged, region_of, regions_of
from include.airlock.strategies.train import TrainPlan, compile_train, compile_train_rollback, gate_id
from tests.unit.strategies.test_plan import SPECS


@cache
def services() -> dict[str, Service]:
    return {path.stem: load_service(path) for path in SPECS}


def train_of(names: list[str], parallel: bool | int = True) -> Train:
    aboard = tuple(services()[name] for name in names)
    spec = TrainSpec(train="evening", owner="a", services=tuple(names), parallel=parallel)
    return Train(spec, aboard, merged(regions_of(each) for each in aboard))


aboard = st.lists(st.sampled_from(sorted(path.stem for path in SPECS)), min_size=1, unique=True)
trains = st.builds(train_of, aboard, st.one_of(st.booleans(), st.integers(1, 4)))


def above(plan: TrainPlan, name: str) -> set[str]:
    """Every step that must be done before, however far up."""
    steps = {each.id: each for each in plan}
    found, left = set[str](), [name]
    while left:
        for other in steps[left.pop()].after:
            if other not in found:
                found.add(other)
                left.append(other)
    return found


def lanes(plan: TrainPlan) -> list[Step]:
    """The steps that look at or change one place."""
    kinds = ("check", "swap", "roll", "deploy", "switch", "verify", "bake")
    return [step for step in plan if step.verb in kinds]


@settings(max_examples=60, deadline=None)
@given(trains)
def test_every_region_is_done_by_all_before_the_next_begins(train: Train) -> None:
    plan = compile_train(train)
    for step in lanes(plan):
        here = train.regions.index(region_of(step.region or ""))
        earlier = {other.id for other in lanes(plan) if region_of(other.region or "") in train.regions[:here]}
        before = above(plan, step.id)
        assert earlier <= before
        assert {gate_id(region) for region in train.regions[:here]} <= before
        assert {"turn", *(f"preflight.{each.service}" for each in train.services)} <= before


@settings(max_examples=60, deadline=None)
@given(trains)
def test_no_more_lanes_at_once_than_the_spec_says(train: Train) -> None:
    plan = compile_train(train)
    for region in train.regions:
        checks = [s for s in lanes(plan) if s.verb == "check" and region_of(s.region or "") == region]
        firsts = list({step.service: step.id for step in reversed(checks)}.values())
        for together in itertools.combinations(firsts, train.at_once + 1):
            assert any(one in above(plan, other) for one in together for other in together)


@settings(max_examples=60, deadline=None)
@given(trains)
def test_ways_back_and_refreshes_come_after_all_lanes(train: Train) -> None:
    plan = compile_train(train)
    for step in plan:
        if step.verb == "train_back":
            there = {each.id for each in lanes(plan) if region_of(each.region or "") == step.region}
            assert there <= above(plan, step.id)
        if step.verb == "refresh":
            assert {each.id for each in lanes(plan)} <= above(plan, step.id)


@settings(max_examples=60, deadline=None)
@given(trains, st.booleans())
def test_a_plan_is_in_order_has_operators_and_ends_in_its_verdict(train: Train, back: bool) -> None:
    plan = compile_train_rollback(train) if back else compile_train(train)
    seen: set[str] = set()
    for step in plan:
        assert step.id not in seen and set(step.after) <= seen
        assert operator_of(step)
        tells = {each for each in above(plan, step.id) if each.startswith("tell.")}
        assert not tells or step.id.startswith("tell.")
        seen.add(step.id)
    waited = {other for step in plan for other in step.after}
    leaves = {step.id: step.when for step in plan if step.id not in waited}
    ends = {"verdict", *(f"tell.{each.service}.end" for each in train.services)}
    assert leaves == dict.fromkeys(ends, When.ALL_DONE)


@settings(max_examples=60, deadline=None)
@given(trains)
def test_a_rollback_goes_region_by_region_the_other_way_round(train: Train) -> None:
    plan = compile_train_rollback(train)
    undoing = [step for step in plan if step.verb == "train_undo"]
    wanted = {(service.service, place) for service in train.services for place in train.places(service)}
    assert {(str(step.service), str(step.region)) for step in undoing} == wanted
    for step in undoing:
        here = train.regions.index(region_of(step.region or ""))
        later = {o.id for o in undoing if region_of(o.region or "") in train.regions[here + 1 :]}
        assert later <= above(plan, step.id) and "look" in above(plan, step.id)


@pytest.mark.parametrize("place", ["eu-west-1.checkout.staging.roll", "eu-west-1.checkout.production.bake"])
def test_farms_follow_one_another_within_their_service(place: str) -> None:
    plan = compile_train(train_of(["search", "checkout"]))
    assert place in {step.id for step in plan}
    assert "eu-west-1.checkout.staging.bake" in above(plan, "eu-west-1.checkout.production.check")
