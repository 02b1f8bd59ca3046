"""The plan of a rollback: places in reverse order, one after the other, and nothing acts without the look."""

from __future__ import annotations

import itertools

import pytest

from include.airlock.dag import operator_of
from include.airlock.model.loading import load_service
from include.airlock.model.plan import Plan, When
from include.airlock.strategies.rollback import compile_rollback
from tests.unit.strategies.test_plan import SPECS, before


@pytest.fixture(params=SPECS, ids=lambda path: path.stem)
def plan(request: pytest.FixtureRequest) -> Plan:
    return compile_rollback(load_service(request.param))


def test_places_are_undone_in_reverse_order_one_after_the_other(plan: Plan) -> None:
    undoing = [step for step in plan if step.verb == "undo"]
    assert [step.region for step in undoing] == list(reversed(plan.service.places))
    assert undoing[0].after == ("look",)
    for earlier, later in itertools.pairwise(undoing):
        assert later.after == (earlier.id,)
    assert {step.when for step in undoing} == {When.NONE_FAILED}


def test_nothing_waits_for_a_tell_and_every_verb_has_an_operator(plan: Plan) -> None:
    tells = {step.id for step in plan if step.room == "announce"}
    for step in plan:
        assert operator_of(step)
        assert step.id in tells or not before(plan, step.id) & tells


def test_the_leaves_are_the_verdict_and_the_last_tell(plan: Plan) -> None:
    waited_for = {other for step in plan for other in step.after}
    leaves = {step.id: step.when for step in plan if step.id not in waited_for}
    assert leaves == {"verdict": When.ALL_DONE, "tell.end": When.ALL_DONE}
