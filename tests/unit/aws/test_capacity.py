"""Whether a machine may leave: by group, by zone, by port, and never on what was not read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.aws.capacity import barred, floor_of
from include.airlock.aws.group import Group, Member
from include.airlock.aws.standing import Standing
from include.airlock.model.machines import GroupFloor, MachineRecord, Membership
from tests.unit.aws.farms import Shape
from tests.unit.aws.machine_cloud import Pool
from tests.unit.aws.machine_wires import group_of

A, B = "eu-west-1a", "eu-west-1b"
IN, OUT, DRAINING = Standing.IN_SERVICE, Standing.OUT, Standing.DRAINING
SERVICE = Shape(size=4).service()


def place(key: str, port: int = 80) -> Membership:
    return Membership(kind="target_group", key=key, name=key, target="i-1", port=port)


def floor(key: str = "g", least: int = 1, zone: int | None = None) -> GroupFloor:
    return GroupFloor(kind="target_group", key=key, name=key, floor=least, zone_floor=zone)


def member(name: str, standing: Standing = IN, zone: str | None = A, port: int = 80) -> Member:
    return Member(name, port, zone, standing, "")


ONE = MachineRecord(id="i-1", memberships=[place("g")])


@pytest.mark.parametrize(
    ("others", "least", "words"),
    [
        ([member("i-2")], 1, None),
        ([member("i-2")], 2, "g would keep 1 healthy of the 2"),
        ([], 1, "g would keep 0 healthy of the 1"),
        ([], 0, None),
        ([member("i-2", Standing.UNHEALTHY)], 1, "g would keep 0"),
        ([member("i-2", Standing.REGISTERING)], 1, "g would keep 0"),
        ([member("i-2", Standing.UNKNOWN)], 1, "g would keep 0"),
        ([member("i-2", DRAINING)], 1, "g would keep 0"),
        ([member("i-2", OUT)], 1, "g would keep 0"),
        ([member("i-2"), member("i-2", Standing.UNHEALTHY, port=81)], 1, "g would keep 0"),
        ([member("i-2"), member("i-2", port=81)], 2, "g would keep 1"),
        ([member("i-2"), member("i-2", OUT, port=81)], 1, None),
    ],
)
def test_only_healthy_others_count(others: list[Member], least: int, words: str | None) -> None:
    # Given a group with these others / Then it may leave only if enough of them are healthy on every port
    why = barred(ONE, [floor(least=least)], {"g": [member("i-1"), *others]})
    assert (why is None) is (words is None)
    assert words is None or words in (why or "")


def test_machines_that_this_release_took_out_do_not_count_though_aws_still_says_healthy() -> None:
    members = {"g": [member("i-1"), member("i-2"), member("i-3")]}
    assert barred(ONE, [floor()], members, {"i-2"}) is None
    assert barred(ONE, [floor()], members, {"i-2", "i-3"}) is not None
    assert barred(ONE, [floor()], members, {"i-1"}) is None  # itself is never one of the others


def test_a_group_that_was_not_read_bars() -> None:
    two = MachineRecord(id="i-1", memberships=[place("g"), place("h")])
    floors = [floor(), floor("h")]
    assert "h was not read" in (barred(two, floors, {"g": [member("i-1"), member("i-2")]}) or "")
    # And a group that it is in none of does not matter
    assert barred(ONE, floors, {"g": [member("i-1"), member("i-2")]}) is None


@pytest.mark.parametrize(
    ("own", "others", "needed", "may"),
    [
        (A, [member("i-2", zone=A)], 1, True),
        (A, [member("i-2", zone=B)], 1, False),
        (A, [member("i-2", zone=A), member("i-3", zone=B)], 2, False),
        (A, [member("i-2", zone=B)], 0, True),
        (A, [member("i-2", zone=B)], None, True),
        (A, [member("i-2", zone=None)], 1, False),
        (None, [member("i-2", zone=None)], 1, False),
        (None, [member("i-2", zone=A)], None, True),
    ],
)
def test_each_zone_has_its_own_floor(
    own: str | None, others: list[Member], needed: int | None, may: bool
) -> None:
    # Given a group that does not reach across zones / Then others in another or an unknown zone do not help
    why = barred(ONE, [floor(zone=needed)], {"g": [member("i-1", zone=own), *others]})
    assert (why is None) is may


@pytest.mark.parametrize("left", [OUT, DRAINING])
def test_a_group_that_it_has_left_already_does_not_keep_it_in_the_others(left: Standing) -> None:
    assert barred(ONE, [floor(least=5)], {"g": [member("i-1", left)]}) is None
    half = [member("i-1", left), member("i-1", port=81)]
    assert barred(ONE, [floor(least=5)], {"g": half}) is not None


@pytest.mark.parametrize(
    ("own", "others", "may"),
    [
        ([member("i-1", Standing.UNHEALTHY)], [member("i-2", Standing.UNHEALTHY)], True),
        ([member("i-1", Standing.UNHEALTHY)], [member("i-2", Standing.REGISTERING)], True),
        ([member("i-1")], [member("i-2", Standing.UNHEALTHY)], False),
        ([member("i-1", Standing.UNHEALTHY), member("i-1", port=81)], [member("i-2", DRAINING)], False),
        ([member("i-1", Standing.UNHEALTHY)], [member("i-2", DRAINING)], False),
        ([member("i-1", Standing.UNHEALTHY)], [], False),
    ],
)
def test_on_the_way_back_one_that_serves_nobody_may_leave(
    own: list[Member], others: list[Member], may: bool
) -> None:
    # Given a machine that is to get its old build again, in a group below its floor
    back = ONE.model_copy(update={"aim": "1", "old_build": "1"})
    members = {"g": [*own, *others]}
    # Then it may leave only where it is healthy on no port and somebody else is still registered
    assert (barred(back, [floor()], members) is None) is may
    # And on the way forward it may not
    assert barred(back.model_copy(update={"aim": "2"}), [floor()], members) is not None


GROUP: Group = group_of(Pool("g", delay_s=30.0, slow_start_s=45.0))


def test_a_floor_comes_from_the_size_and_the_group() -> None:
    # Given four machines, one of them on two ports, one draining, one an address
    members = [
        member("i-1"), member("i-1", port=81), member("i-2", Standing.UNHEALTHY),
        member("10.0.0.9", Standing.REGISTERING), member("i-3", DRAINING), member("i-4", OUT),
    ]  # fmt: skip
    found = floor_of(GROUP, members, SERVICE)
    assert (found.floor, found.zone_floor, found.delay_s, found.slow_start_s) == (2, None, 30.0, 45.0)
    # And where it does not reach across zones there is one for each; draining that is off takes no time
    alone = floor_of(replace(GROUP, cross_zone=False, draining=False), members[:1], SERVICE)
    assert (alone.floor, alone.zone_floor, alone.delay_s) == (1, 1, 0.0)


standings = st.sampled_from(list(Standing))
zones = st.sampled_from([A, B, None])


@given(st.lists(st.tuples(standings, zones), max_size=5), st.integers(0, 3), st.integers(0, 2), st.booleans())
def test_who_may_leave_leaves_enough(
    others: list[tuple[Standing, str | None]], least: int, needed: int, some_out: bool
) -> None:
    # Given any others / When one may leave / Then as many as needed are healthy, in all and in its zone
    named = [member(f"i-{n}", standing, zone) for n, (standing, zone) in enumerate(others, start=2)]
    out = {"i-2"} if some_out else set()
    if barred(ONE, [floor(least=least, zone=needed)], {"g": [member("i-1"), *named]}, out) is None:
        well = [each for each in named if each.standing is IN and each.machine not in out]
        assert len(well) >= least
        assert sum(each.zone == A for each in well) >= needed
