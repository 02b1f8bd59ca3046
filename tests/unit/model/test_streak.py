"""How many answers make a proof: tables and properties."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.airlock.model.streak import Accept, Decision, Fail, Policy, Streak, Wait, decide
from include.airlock.model.verdict import Healthy, Inconclusive, Unhealthy, Verdict

GOOD = Healthy("2")
BAD = Unhealthy(("not connected: 'queue'",), "2")
OLD = Unhealthy(("build 1 answers, not 2",), "1", wrong_build=True)
OLD_AND_BAD = Unhealthy(("build 1 answers, not 2", "its health is 'down'"), "1", wrong_build=True)
NONE = Inconclusive(("the status page answered 503, not 200",))
WORDS: dict[str, Verdict] = {"g": GOOD, "b": BAD, "o": OLD, "O": OLD_AND_BAD, "n": NONE}
POLICY = Policy(consecutive=3, unhealthy_after=5, interval_s=2.0, deadline_s=60.0)


def watch(
    row: str, policy: Policy = POLICY, *, switched: bool = False, begin: float = 0.0
) -> tuple[Decision, int]:
    """Look as a step does, one answer a letter; give the decision and how many answers it took."""
    streak, now = Streak(started=0.0, switched=switched), begin
    for taken, letter in enumerate(row):
        decision = decide(streak, policy, now)
        if not isinstance(decision, Wait):
            return decision, taken
        now += decision.seconds
        streak = streak.after(WORDS[letter], now)
    return decide(streak, policy, now), len(row)


@pytest.mark.parametrize(
    ("row", "taken"),
    [
        ("ggg", 3),
        ("nggg", 4),
        ("ggbggg", 6),
        ("gngnggg", 7),
        ("oooooooooggg", 12),
        ("OOOOOOggg", 9),
        ("bbbbggg", 7),
        ("nnnnnnnnnnggg", 13),
    ],
)
def test_so_many_good_answers_in_a_row_are_accepted(row: str, taken: int) -> None:
    assert watch(row) == (Accept("healthy 3 times in a row"), taken)


@pytest.mark.parametrize(
    ("row", "taken", "why"),
    [
        ("bbbbb", 5, "unhealthy 5 times in a row: not connected: 'queue'"),
        ("ggbbbbb", 7, "unhealthy 5 times in a row: not connected: 'queue'"),
        ("bbbbnbbbbb", 10, "unhealthy 5 times in a row: not connected: 'queue'"),
        ("gooooo", 6, "unhealthy 5 times in a row: build 1 answers, not 2"),
    ],
)
def test_clearly_bad_answers_in_a_row_fail_before_the_deadline(row: str, taken: int, why: str) -> None:
    assert watch(row) == (Fail(True, why), taken)


def test_the_old_build_is_waited_out_until_the_new_one_was_seen() -> None:
    """Given a swap whose routing lags, then the old build fails only at the deadline; once switched, soon."""
    assert isinstance(watch("o" * 20)[0], Wait)
    assert watch("o" * 20, switched=True) == (
        Fail(True, "unhealthy 5 times in a row: build 1 answers, not 2"),
        5,
    )


@pytest.mark.parametrize(
    ("row", "definite", "why"),
    [
        (
            "n" * 40,
            False,
            "not proved after 60 s and 31 times of asking: the status page answered 503, not 200",
        ),
        ("o" * 40, True, "unhealthy after 60 s and 31 times of asking: build 1 answers, not 2"),
        ("gb" * 40, False, "not healthy 3 times in a row within 60 s: once at the end"),
        ("ggb" * 40, False, "not healthy 3 times in a row within 60 s: once at the end"),
        ("ggn" * 40, False, "not healthy 3 times in a row within 60 s: once at the end"),
    ],
)
def test_the_deadline_fails_what_is_not_proved(row: str, definite: bool, why: str) -> None:
    assert watch(row) == (Fail(definite, why), 31)


def test_the_warm_up_after_a_swap_does_not_fail_it() -> None:
    """Given 20 s of 503 after a swap that went well, then it is accepted as soon as it answers."""
    assert watch("n" * 10 + "ggg") == (Accept("healthy 3 times in a row"), 13)


def test_the_first_look_is_at_once_and_then_one_pause_apart() -> None:
    assert decide(Streak(0.0), POLICY, 0.0) == Wait(0.0, "not looked yet")
    assert decide(Streak(0.0).after(GOOD, 0.5), POLICY, 0.5) == Wait(2.0, "healthy once of 3")
    assert decide(Streak(0.0).after(BAD, 0.5), POLICY, 0.5) == Wait(2.0, "not connected: 'queue'")


def test_a_pause_ends_with_the_deadline() -> None:
    assert decide(Streak(0.0).after(NONE, 59.0), POLICY, 59.0) == Wait(
        1.0, "the status page answered 503, not 200"
    )


def test_a_bake_is_accepted_when_it_is_over_and_not_before() -> None:
    """Given a bake of 20 s, then good answers are accepted at its end, and a blip in it delays nothing."""
    bake = POLICY.baking(20.0)
    assert watch("g" * 11, bake) == (Accept("healthy 11 times in a row"), 11)
    assert isinstance(watch("g" * 10, bake)[0], Wait)
    assert watch("gggng" + "g" * 10, bake)[1] == 11


def test_a_blip_at_the_end_of_a_bake_must_be_made_good() -> None:
    assert watch("g" * 10 + "bggg", POLICY.baking(20.0)) == (Accept("healthy 3 times in a row"), 14)


def test_a_bake_fails_soon_when_it_turns_bad() -> None:
    assert watch("ggg" + "b" * 9, POLICY.baking(3600.0), switched=True) == (
        Fail(True, "unhealthy 5 times in a row: not connected: 'queue'"),
        8,
    )


def test_a_pause_ends_with_the_bake() -> None:
    assert decide(Streak(0.0).after(GOOD, 19.5), POLICY.baking(20.0), 19.5) == Wait(0.5, "healthy once of 3")


@pytest.mark.parametrize(
    ("row", "decision"),
    [
        ("ggg", Accept("healthy 3 times in a row")),
        ("gg", Wait(2.0, "healthy 2 times of 3")),
        ("n", Fail(False, "not proved after 60 s and once of asking: the status page answered 503, not 200")),
        (
            "ggn",
            Fail(False, "not proved after 60 s and 3 times of asking: the status page answered 503, not 200"),
        ),
        ("b", Fail(True, "unhealthy after 60 s and once of asking: not connected: 'queue'")),
    ],
)
def test_a_watch_taken_up_after_the_deadline_still_looks(row: str, decision: Decision) -> None:
    """Given a worker lost for hours, then its successor still looks, and accepts a good slot only."""
    assert watch(row, begin=9999.0)[0] == decision


_ROWS = st.text(alphabet="gbonO", max_size=60)
_POLICIES = st.builds(
    Policy,
    consecutive=st.integers(1, 6),
    unhealthy_after=st.integers(1, 6),
    interval_s=st.sampled_from([0.5, 2.0, 7.0]),
    deadline_s=st.sampled_from([5.0, 30.0, 90.0]),
    soak_s=st.sampled_from([0.0, 10.0]),
)


def test_a_row_that_ends_after_the_deadline_is_too_late() -> None:
    """Given a slow last answer, then the row is not accepted, since it began badly and ended too late."""
    streak = Streak(0.0).after(NONE, 50.0).after(GOOD, 57.0).after(GOOD, 59.0).after(GOOD, 65.0)
    assert decide(streak, POLICY, 65.0) == Fail(
        False, "not healthy 3 times in a row within 60 s: 3 times at the end"
    )


@settings(max_examples=500, deadline=None)
@given(_ROWS, _POLICIES, st.booleans(), st.sampled_from([0.0, 3.0, 500.0]))
def test_it_is_never_accepted_with_fewer_than_asked_for_in_a_row(
    row: str, policy: Policy, switched: bool, begin: float
) -> None:
    decision, taken = watch(row, policy, switched=switched, begin=begin)
    if isinstance(decision, Accept):
        assert row[:taken].endswith("g" * policy.consecutive)
    if isinstance(decision, Fail) and begin == 0.0 and decision.why.endswith("in a row: " + BAD.reasons[0]):
        assert set(row[taken - policy.unhealthy_after : taken]) <= set("boO")


@settings(max_examples=300, deadline=None)
@given(_ROWS, _POLICIES)
def test_every_watch_ends(row: str, policy: Policy) -> None:
    """Given answers without end, then it is decided by the end of soak and deadline, one row more at most."""
    assert not isinstance(watch(row + "n" * 500, policy)[0], Wait)
    assert isinstance(watch("g" * 500, policy)[0], Accept)


@given(st.lists(st.sampled_from("gbon"), max_size=30))
def test_only_answers_in_a_row_count(letters: list[str]) -> None:
    streaks = [Streak(0.0)]
    for at, letter in enumerate(letters):
        streaks.append(streaks[-1].after(WORDS[letter], float(at)))
    for (before, after), letter in zip(pairwise(streaks), letters, strict=False):
        assert after.good == (before.good + 1 if letter == "g" else 0)
        assert after.readings == before.readings + 1
        assert not (after.good and after.bad)


def test_a_policy_for_a_bake_differs_only_in_its_soak() -> None:
    assert replace(POLICY.baking(7.0), soak_s=0.0) == POLICY
