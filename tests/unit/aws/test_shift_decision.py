"""What to do next about a listener's weights, by table; and what answers are taken for a share."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.airlock.aws.shift_decision import (
    SAMPLE,
    SURE,
    Cause,
    Move,
    decide,
    shows,
    sides_of,
    weights_at,
)
from include.airlock.model.machines import Shift

BLUE, GREEN, THIRD = (f"arn:aws:tg:x:targetgroup/{name}/1" for name in ("blue", "green", "third"))
PAIR = (BLUE, GREEN)
STEPS = (10, 50, 100)
START = 1_000.0


@pytest.mark.parametrize(
    ("weights", "live", "words"),
    [
        ({BLUE: 1}, BLUE, ""),
        ({BLUE: 0, GREEN: 7}, GREEN, ""),
        ({BLUE: 100, THIRD: 0}, BLUE, ""),
        ({BLUE: 1, GREEN: 1}, "", "both groups receive requests"),
        ({BLUE: 1, THIRD: 1}, "", "also sends requests to third"),
        ({THIRD: 1}, "", "also sends requests to third"),
        ({BLUE: 0, GREEN: 0}, "", "neither"),
        ({}, "", "neither"),
    ],
)
def test_which_group_is_live(weights: dict[str, int], live: str, words: str) -> None:
    sides = sides_of(weights, PAIR)
    assert sides.live == live
    assert words in (sides.fault or "")
    assert (sides.fault is None) is bool(live)
    assert not live or {sides.live, sides.idle} == set(PAIR)


def shift(**more: Any) -> Shift:
    base = Shift(listener="l", live=BLUE, idle=GREEN, before={BLUE: 1}, since=START)
    return base.model_copy(update=more)


def at(percent: int) -> dict[str, int]:
    return {BLUE: 100 - percent, GREEN: percent}


JOINED = {"weights": {BLUE: 1, GREEN: 0}}
ASKED_10 = {"weights": at(10), "healthy": 3}
PROVED_10 = {"weights": at(10), "healthy": 3, "stage": 0, "staged_at": START}
ASKED_50 = {**PROVED_10, "weights": at(50), "baked": 0}


@pytest.mark.parametrize(
    ("known", "weights", "after", "move"),
    [
        ({}, {BLUE: 1}, 0, Move.SET),
        ({}, {BLUE: 1, GREEN: 0}, 0, Move.WAIT),
        (JOINED, {BLUE: 1}, 0, Move.SET),
        ({**JOINED, "healthy": 2}, {BLUE: 1, GREEN: 0}, 300, Move.WAIT),
        (JOINED, {BLUE: 1, GREEN: 0}, 301, Move.STOP),
        ({**JOINED, "healthy": 1}, {BLUE: 1, GREEN: 0}, 301, Move.WAIT),
        ({**JOINED, "healthy": 3}, {BLUE: 1, GREEN: 0}, 301, Move.SET),
        (ASKED_10, {BLUE: 1, GREEN: 0}, 1, Move.SET),
        (ASKED_10, at(10), 1, Move.PROVE),
        ({**ASKED_10, "healthy": 0}, at(10), 1, Move.PROVE),
        (ASKED_10, at(20), 1, Move.STOP),
        (ASKED_10, {BLUE: 1, THIRD: 1}, 1, Move.STOP),
        (PROVED_10, at(10), 29, Move.BAKE),
        (PROVED_10, at(10), 9_999, Move.BAKE),
        ({**PROVED_10, "baked": 0}, at(10), 31, Move.SET),
        ({**PROVED_10, "baked": 0, "healthy": 0}, at(10), 31, Move.WAIT),
        ({**PROVED_10, "baked": 0, "healthy": 0}, at(10), 331, Move.STOP),
        (PROVED_10, {BLUE: 1}, 31, Move.STOP),
        (PROVED_10, at(11), 31, Move.STOP),
        (ASKED_50, at(10), 31, Move.SET),
        (ASKED_50, at(50), 31, Move.PROVE),
        (ASKED_50, {BLUE: 1, GREEN: 0}, 31, Move.STOP),
        ({**PROVED_10, "stage": 2, "weights": at(100)}, at(100), 1, Move.DONE),
        ({**PROVED_10, "stage": 2, "weights": at(100)}, at(50), 1, Move.STOP),
        ({**PROVED_10, "stage": 2, "weights": at(100)}, {GREEN: 1}, 1, Move.DONE),
    ],
)
def test_the_next_move(known: dict[str, Any], weights: dict[str, int], after: float, move: Move) -> None:
    # Given what was asked and proved, and the weights that are there / Then this follows
    decision = decide(
        shift(**known), weights, STEPS, soak=3, healthy_timeout=300, step_bake=30, now=START + after
    )
    assert decision.move is move, decision.why
    assert (decision.weights is None) is (move is not Move.SET)
    assert (decision.cause is None) is (move is not Move.STOP)


def test_no_bake_is_asked_for_where_the_spec_says_none() -> None:
    decision = decide(shift(**PROVED_10), at(10), STEPS, soak=3, healthy_timeout=300, step_bake=0, now=START)
    assert (decision.move, decision.weights) == (Move.SET, at(50))


@given(
    st.integers(-1, 2), st.integers(-1, 2), st.integers(0, 4), st.sampled_from([None, 0, 10, 50, 100]),
    st.one_of(st.integers(0, 100).map(at), st.just({BLUE: 1}), st.just({BLUE: 1, THIRD: 1})),
    st.floats(0, 1_000),
)  # fmt: skip
def test_nothing_of_others_is_overwritten_and_nothing_ill_gets_more(
    stage: int, baked: int, healthy: int, asked: int | None, weights: dict[str, int], after: float
) -> None:
    # Given any record of a shift and any weights / When weights are to be set
    known = shift(
        stage=stage, baked=baked, healthy=healthy, staged_at=START if stage >= 0 else None,
        weights=None if asked is None else at(asked),
    )  # fmt: skip
    decision = decide(known, weights, STEPS, soak=3, healthy_timeout=300, step_bake=30, now=START + after)
    if decision.move is Move.SET:
        # Then those that are there are the ones that were asked for or proved, or that were found
        ours = [at(asked)] if asked is not None else []
        ours.append(weights_at(known, STEPS[stage]) if stage >= 0 else known.before)
        shares = [{arn: w / sum(one.values()) for arn, w in one.items() if w} for one in (weights, *ours)]
        assert shares[0] in shares[1:]
        # And more is given one step at a time, to a group that is healthy, after the step before was watched
        given_now = (decision.weights or {})[GREEN]
        assert given_now in (0, STEPS[min(stage + 1, 2)])
        if given_now:
            assert healthy >= (3 if stage < 0 else 1)
            assert stage < 0 or baked >= stage
    if decision.move is Move.STOP:
        assert decision.cause in (Cause.FOREIGN, Cause.STALLED)


@pytest.mark.parametrize(("percent", "answer"), [(0, False), (100, True)])
def test_all_or_nothing_needs_a_row_without_an_exception(percent: int, answer: bool) -> None:
    assert not shows([answer] * (SURE - 1), percent)
    assert shows([answer] * SURE, percent)
    assert shows([not answer] * 5 + [answer] * SURE, percent)
    assert not shows([answer] * 40 + [not answer] + [answer] * (SURE - 1), percent)
    assert not shows([not answer] * 80, percent)
    assert not shows([], percent)


@pytest.mark.parametrize(
    ("new", "of", "percent", "shown"),
    [
        (0, 100, 10, False), (10, 100, 10, True), (25, 100, 10, False), (50, 100, 10, False),
        (50, 100, 50, True), (10, 100, 50, False), (100, 100, 10, False), (49, 99, 50, False),
        (0, 100, 1, False), (1, 100, 1, True), (100, 100, 99, False), (50, 101, 50, False),
    ],
)  # fmt: skip
def test_a_share_is_believed_unless_it_is_far_off(new: int, of: int, percent: int, shown: bool) -> None:
    answers = [True] * new + [False] * (of - new)
    random.Random(1).shuffle(answers)
    assert shows(answers, percent) is shown


def test_answers_from_before_the_change_are_left_behind() -> None:
    recent = [True, False] * (SAMPLE // 2)
    assert shows([False] * 5 * SAMPLE + recent, 50)


@settings(deadline=None)
@given(st.integers(2, 98), st.integers(0, 2**32))
def test_the_share_that_is_there_is_seen_sooner_or_later(percent: int, seed: int) -> None:
    # Given a load balancer that does as it was told / When asked long enough / Then it shows
    chance = random.Random(seed)
    answers: list[bool] = []
    for _ in range(1_500):
        answers.append(chance.random() < percent / 100)
        if shows(answers, percent):
            return
    raise AssertionError(f"{sum(answers)} of {len(answers)} do not show {percent} %")


def test_a_neighbouring_share_is_seldom_taken_for_it_however_long_it_is_asked() -> None:
    # Given load balancers that send 25 % where 10 % were asked for / When asked for five samples each
    chance = random.Random(7)
    believed = 0
    for _ in range(100):
        answers: list[bool] = []
        for _ in range(5 * SAMPLE):
            answers.append(chance.random() < 0.25)
            if shows(answers, 10):
                believed += 1
                break
    # Then few are believed
    assert believed <= 40


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([10, 20, 80, 90]), st.integers(0, 2**32))
def test_a_share_on_the_other_side_is_not_believed(percent: int, seed: int) -> None:
    # Given answers of quite another share, as many as are asked for at most in a deadline's first minute
    chance = random.Random(seed)
    other = 100 - percent
    answers = [chance.random() < other / 100 for _ in range(SAMPLE)]
    assert not shows(answers, percent)
