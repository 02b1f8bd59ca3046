"""A plan's hash is over what matters and nothing else; what differs between two plans is said in words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.plan_report import (
    Foreseen,
    Past,
    PlaceSeen,
    PlannedCall,
    PlanReport,
    WayBack,
    report,
)
from include.airlock.model.plan_words import differences, in_time, in_words
from include.airlock.model.service import OnFailure
from tests.unit.model.specs import SMALLEST, changed, service

PAYMENTS = service()
WISH = ChangeRequest("2026.11.2", ("westeurope", "northeurope"), OnFailure.ROLL_BACK_REGION)
NO_PAST = Past({})

names = st.sampled_from(["staging", "production", "i-1", "i-2"])
builds = st.none() | st.sampled_from(["2026.11.1", "2026.11.2", "2026.11.3"])
facts = st.dictionaries(st.sampled_from(["weights", "idle"]), st.sampled_from(["a", "b", "c"]))
bodies = st.none() | st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 2) | st.booleans())


@st.composite
def parts(draw: st.DrawFn, place: str) -> Foreseen:
    """What some place foresees."""
    asked = st.builds(
        PlannedCall,
        place=st.just(place),
        step=st.sampled_from(["roll", "switch"]),
        call=st.sampled_from(["POST slotsswap", "ssm:SendCommand"]),
        target=st.sampled_from(["a", "b"]),
        body=bodies,
        expected_s=st.floats(0, 900),
    )
    return Foreseen(
        seen=PlaceSeen(
            name=place,
            builds=draw(st.dictionaries(names, builds, max_size=3)),
            facts=draw(facts),
        ),
        calls=tuple(draw(st.lists(asked, max_size=4))),
        back=WayBack(place=place, text="back", calls=[]),
        looks={"verify": draw(st.floats(0, 60)), "bake": 5.0},
        later=tuple(c.model_copy(update={"step": "refresh"}) for c in draw(st.lists(asked, max_size=1))),
    )


worlds = st.tuples(parts("westeurope"), parts("northeurope"))
wishes = st.builds(
    replace,
    st.just(WISH),
    build=st.sampled_from(["2026.11.2", "2026.11.3"]),
    on_failure=st.sampled_from([OnFailure.HALT, OnFailure.ROLL_BACK_REGION]),
    refresh_build=st.sampled_from([None, "2026.11.2", "2026.11.9"]),
    window_override=st.sampled_from([None, "because"]),
    # These change nothing of what is done.
    reason=st.sampled_from([None, "a", "b"]),
    change_request=st.sampled_from([None, "CHG-1"]),
    requested_by=st.sampled_from([None, "ann"]),
)


def planned(world: tuple[Foreseen, ...], wish: ChangeRequest = WISH, **more: Any) -> PlanReport:
    """The plan of a world."""
    given_: dict[str, Any] = {"past": NO_PAST, "made_at": "t", "made_by": "r"} | more
    past = given_.pop("past")
    return report(PAYMENTS, wish, world, past, **given_)


def essence(world: tuple[Foreseen, ...], wish: ChangeRequest) -> Any:
    """All that matters, written down here independently of the code under test."""
    order: list[Any] = []
    for part in world:
        steps = list(dict.fromkeys(call.step for call in part.calls))
        order += [call for step in steps for call in part.calls if call.step == step]
    order += [call for part in world for call in part.later]
    called = [[c.place, c.step, c.call, c.target, json.dumps(c.body, sort_keys=True)] for c in order]
    seen = [[p.seen.name, p.seen.builds, p.seen.facts] for p in world]
    asked = [wish.build, wish.on_failure, wish.refresh_build or wish.build, bool(wish.window_override)]
    return [seen, called, asked]


@given(worlds, worlds, wishes, wishes)
def test_hashes_are_equal_exactly_when_all_that_matters_is(
    one: tuple[Foreseen, ...], other: tuple[Foreseen, ...], wish: ChangeRequest, another: ChangeRequest
) -> None:
    for first, second in (((one, wish), (other, another)), ((one, wish), (one, another))):
        a, b = planned(*first), planned(*second, made_at="later", made_by="r2", warnings=["closed"])
        same = essence(*first) == essence(*second)
        assert (a.hash == b.hash) is same
        assert (differences(a, b) == []) is same


@given(worlds, st.dictionaries(st.sampled_from(["roll", "bake"]), st.lists(st.floats(1, 999), max_size=3)))
def test_what_past_releases_took_does_not_change_the_hash(
    world: tuple[Foreseen, ...], seconds: dict[str, list[float]]
) -> None:
    past = Past({"westeurope": seconds})
    plan = planned(world, past=past)
    assert plan.hash == planned(world).hash
    assert plan.expected_s >= 0
    for stage in plan.stages:
        known = past.median(stage.place, stage.step)
        if known is not None:
            assert stage.expected_s == pytest.approx(known[0], abs=1.0)
            assert stage.source in ("last release", f"last {known[1]} releases")


@given(worlds)
def test_a_stored_plan_is_the_same_plan(world: tuple[Foreseen, ...]) -> None:
    plan = planned(world)
    stored = PlanReport.model_validate(json.loads(json.dumps(plan.model_dump(mode="json", by_alias=True))))
    assert stored == plan
    # And its parts put together again give it again
    again = [stored.part(place.name) for place in stored.places]
    assert planned(tuple(part for part in again if part)).hash == plan.hash
    assert [call.n for call in plan.calls] == list(range(1, len(plan.calls) + 1))
    assert in_words(stored)


def one(**builds: str | None) -> Foreseen:
    """A place with one call."""
    call = PlannedCall(place="westeurope", step="swap", call="POST slotsswap", target="app", expected_s=120)
    return Foreseen(
        seen=PlaceSeen(name="westeurope", builds=builds, facts={"staging's deployment": "d1"}),
        calls=(call,),
        back=WayBack(place="westeurope", text="the slots are swapped again", calls=[call]),
        looks={"verify": 1.5, "bake": 30.0},
    )


BEFORE = one(production="2026.11.1", staging="2026.11.2")


def words(now: Foreseen, wish: ChangeRequest = WISH) -> list[str]:
    """What is said to differ from the plan of BEFORE."""
    return [str(each) for each in differences(planned((BEFORE,)), planned((now,), wish))]


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (one(production="2026.11.1", staging="2026.11.3"), "staging held 2026.11.2, now holds 2026.11.3"),
        (one(production=None, staging="2026.11.2"), "production held 2026.11.1, now holds no readable build"),
        (one(production="2026.11.1"), "staging is there no more (it held 2026.11.2)"),
        (
            one(production="2026.11.1", staging="2026.11.2", **{"i-1": "2026.11.1"}),
            "i-1 joined (it holds 2026.11.1)",
        ),
    ],
)
def test_what_a_place_holds_now_is_said(now: Foreseen, text: str) -> None:
    assert words(now) == [f"westeurope: {text}"]


def test_content_that_was_deployed_anew_is_said() -> None:
    anew = replace(BEFORE, seen=BEFORE.seen.model_copy(update={"facts": {"staging's deployment": "d2"}}))
    assert words(anew) == ["westeurope: staging's deployment was d1, is now d2"]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"build": "2026.11.3"}, "the build was 2026.11.2 and is 2026.11.3"),
        ({"on_failure": OnFailure.HALT}, "the policy was roll_back_region and is halt"),
        ({"regions": ("westeurope",)}, "the regions were westeurope, northeurope and are westeurope"),
        ({"window_override": "now"}, "windows and freezes were to hold and are overridden"),
        (
            {"refresh_build": "2026.11.9"},
            "staging was to be refreshed with 2026.11.2 and is with 2026.11.9",
        ),
    ],
)
def test_another_wish_is_said(changed: dict[str, Any], text: str) -> None:
    assert f"the request: {text}" in words(BEFORE, replace(WISH, **changed))


def test_a_changed_spec_is_said_by_its_keys() -> None:
    plan = planned((BEFORE,))
    other = service(f"{SMALLEST}bake: 1m\ndescription: told only\n")
    now = report(other, WISH, (BEFORE,), NO_PAST, made_at="t", made_by="r")
    assert [str(each) for each in differences(plan, now)] == ["the spec: bake was 5m, is 1m"]
    told = service(changed("team-payments", "nobody") + "description: told only\ntags: [a]\n")
    assert report(told, WISH, (BEFORE,), NO_PAST, made_at="t", made_by="r").hash == plan.hash


def test_other_calls_in_the_same_world_are_said() -> None:
    other = replace(BEFORE, calls=(BEFORE.calls[0].model_copy(update={"target": "elsewhere"}),))
    assert words(other) == ["westeurope: the call was POST slotsswap on app, is POST slotsswap on elsewhere"]


def test_people_can_read_it() -> None:
    past = Past({"westeurope": {"swap": [40.0, 60.0, 50.0], "bake": [31.0]}})
    text = in_words(planned((BEFORE,), past=past, warnings=["it is closed"]))
    assert "payments 2026.11.2, about 82 s" in text
    assert "  westeurope: production 2026.11.1, staging 2026.11.2" in text
    assert "1  westeurope  swap    50 s (last 3 releases)  POST slotsswap  app" in text
    assert "westeurope  bake    31 s (last release)     (only looks)" in text
    assert "2 s (default)" in text
    assert "the way back (roll_back_region)" in text and "  it is closed" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (7200, "2 h"), (7800, "2 h 10 min")],
)
def test_times_are_in_words(seconds: float, text: str) -> None:
    assert in_time(seconds) == text
