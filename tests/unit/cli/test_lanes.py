"""Where a lane stands, by the states of its steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.airlock.cli.ending import OUTCOMES
from include.airlock.cli.facts import Task
from include.airlock.cli.lanes import expected_seconds, lanes_of, remaining_seconds
from include.airlock.model.record import Outcome

BEGAN = datetime(2026, 11, 3, 20, 0, tzinfo=UTC)
VERBS = ("check", "swap", "verify", "bake", "roll_back")


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def tasks(place: str, *states: str | None, each: float = 10.0, start: float = 0.0) -> dict[str, Task]:
    found = {}
    for index, (verb, state) in enumerate(zip(VERBS, states, strict=True)):
        begun = state in ("running", "deferred", "success", "failed", "up_for_retry")
        begin = start + index * each
        name = f"{place}.{verb}"
        over = state in ("success", "failed")
        found[name] = Task(
            name, state, after(begin) if begun else None, after(begin + each) if over else None
        )
    return found


S = "success"


def test_every_outcome_has_its_exit_code() -> None:
    assert {each.value for each in Outcome if each is not Outcome.RUNNING} <= set(OUTCOMES)


@pytest.mark.parametrize(
    ("states", "phase", "over"),
    [
        ((None, None, None, None, None), "waiting", False),
        (("queued", None, None, None, None), "waiting", False),
        (("running", None, None, None, None), "check", False),
        ((S, None, None, None, None), "swap", False),
        ((S, "scheduled", None, None, None), "swap", False),
        ((S, "up_for_retry", None, None, None), "swap", False),
        ((S, S, S, "deferred", None), "bake", False),
        (("deferred", None, None, None, None), "waits for its window", False),
        ((S, S, "awaiting_input", None, None), "waits for an answer", False),
        ((S, S, S, S, "skipped"), "accepted", True),
        ((S, S, S, S, None), "accepted", True),
        ((S, "failed", "upstream_failed", "upstream_failed", None), "failed in swap", True),
        ((S, "failed", "upstream_failed", "upstream_failed", "running"), "going back", False),
        ((S, S, "failed", "upstream_failed", S), "brought back", True),
        ((S, S, "failed", "upstream_failed", "failed"), "could not be brought back", True),
        (("upstream_failed",) * 4 + ("skipped",), "not started", True),
        (("skipped",) * 5, "not started", True),
        # Its step only looks that there is nothing to be brought back.
        (("upstream_failed",) * 4 + ("running",), "not started", True),
    ],
)
def test_phase(states: tuple[str | None, ...], phase: str, over: bool) -> None:
    (lane,) = lanes_of(tasks("westeurope", *states))

    assert (lane.phase, lane.over) == (phase, over)
    assert (lane.share(after(1000), None) == 1.0) == (phase == "accepted")


def test_what_was_not_asked_for_is_said_to_be_so() -> None:
    both = tasks("a", *["skipped"] * 5) | tasks("b", S, S, S, S, "skipped")

    lanes = lanes_of(both, ("b", "a"), ("b",))

    assert [(lane.name, lane.phase) for lane in lanes] == [("b", "accepted"), ("a", "not asked")]


def test_farms_are_lanes_behind_their_regions() -> None:
    found = lanes_of(tasks("eu-west-1.staging", S, S, S, S, None) | {"preflight": Task("preflight", S)})

    assert [lane.name for lane in found] == ["eu-west-1.staging"]


def test_without_the_spec_lanes_stand_in_the_order_of_their_start() -> None:
    found = lanes_of(
        tasks("a", *[None] * 5) | tasks("c", S, S, S, S, None, start=50) | tasks("b", S, *[None] * 4)
    )

    assert [lane.name for lane in found] == ["b", "c", "a"]


def test_an_estimate_is_the_median_of_what_was_accepted() -> None:
    past = [tasks("a", S, S, S, S, "skipped", each=each) for each in (5.0, 10.0, 100.0)]
    past.append(tasks("a", S, S, "failed", None, S, each=1000.0))

    assert expected_seconds(past) == {"a": 30.0}


def test_what_waits_for_people_or_a_window_takes_no_time() -> None:
    """Given an approval of an hour and a check that waited a day for its window, then 30 s are 30 s."""
    steps = tasks("a", S, S, S, S, "skipped", start=90_000)
    gates = {
        "a.approve": Task("a.approve", S, after(0), after(3600)),
        "a.check": Task("a.check", S, after(3600), after(90_010)),
    }

    assert expected_seconds([steps | gates]) == {"a": 30.0}
    (asking,) = lanes_of(
        tasks("a", *[None] * 5) | {"a.approve": Task("a.approve", "awaiting_input", after(0))}
    )
    assert (asking.phase, asking.elapsed(after(600)), asking.over) == ("waits for an answer", 0.0, False)


def test_what_airflow_passed_over_took_no_time() -> None:
    passed = {name: Task(name, "upstream_failed", after(0), after(0)) for name in ("a.check", "a.swap")}

    (lane,) = lanes_of(passed)

    assert (lane.begun, lane.started, lane.elapsed(after(60))) == (None, None, 0.0)


def test_what_remains_counts_down_and_never_below_nothing() -> None:
    lanes = lanes_of(tasks("a", S, "running", None, None, None) | tasks("b", *[None] * 5), ("a", "b"))
    expected = {"a": 60.0, "b": 40.0}

    assert remaining_seconds(lanes, expected, after(30)) == 80.0
    assert remaining_seconds(lanes, expected, after(500)) == 40.0
    assert remaining_seconds(lanes, {"a": 60.0}, after(30)) is None


def test_a_bar_is_full_only_when_the_place_is_accepted() -> None:
    (lane,) = lanes_of(tasks("a", S, "running", None, None, None))

    assert lane.share(after(40), 60.0) == 0.5
    assert lane.share(after(9999), 60.0) == 0.95
    assert lane.share(after(30), None) == 0.25


def test_a_lane_of_a_rollback_is_its_way_back_alone() -> None:
    def of(state: str | None) -> str:
        (lane,) = lanes_of({"uksouth.roll_back": Task("uksouth.roll_back", state)})
        return lane.phase

    states = (None, "running", "success", "failed", "skipped")
    assert [of(state) for state in states] == [
        "waiting",
        "going back",
        "brought back",
        "could not be brought back",
        "not touched",
    ]
