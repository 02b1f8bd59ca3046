"""What must hold before the idle target group is touched: each fault by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.airlock.aws.commands import Ping
from include.airlock.aws.group import Member
from include.airlock.aws.listeners import Forward, Route
from include.airlock.aws.machine_view import MachineSeen
from include.airlock.aws.machines import Machine
from include.airlock.aws.router_inspection import inspect
from include.airlock.aws.router_view import RouterSeen
from include.airlock.aws.shift_decision import Sides
from include.airlock.aws.standing import Standing
from include.airlock.model.health import Reading
from tests.unit.aws.machine_cloud import NEW, OLD, Pool
from tests.unit.aws.machine_wires import group_of

BLUE, GREEN = "arn:blue", "arn:green"


def machine(**more: Any) -> MachineSeen:
    box = Machine("i-3", "running", "i-3.m", None, None, None, "eu-west-1a", None, None)
    reading = Reading(OLD, True, "running")
    return replace(MachineSeen(box, (), None, "http://i-3.m/status", reading, Ping.ONLINE), **more)


def members(*states: Standing) -> list[Member]:
    return [Member(f"i-{n}", 80, None, state, "") for n, state in enumerate(states, start=1)]


def seen(**more: Any) -> RouterSeen:
    base = RouterSeen(
        route=Route("listener", "l", "l", Forward({BLUE: 1, GREEN: 0}, None), ()),
        sides=Sides(BLUE, GREEN),
        groups={key: group_of(Pool(key)) for key in (BLUE, GREEN)},
        members={BLUE: members(Standing.IN_SERVICE), GREEN: [Member("i-3", 80, None, Standing.UNKNOWN, "")]},
        machines=(machine(),),
        elsewhere={},
        document_faults=(),
        public=Reading(OLD, True, "running"),
    )
    return replace(base, **more)


def with_live(*states: Standing) -> RouterSeen:
    return seen(members={**seen().members, BLUE: members(*states)})


def test_a_sound_listener_has_no_fault() -> None:
    assert inspect("eu-west-1", seen(), NEW) == []
    # And what runs in the idle group, or whether it runs, does not matter: it is replaced
    idle = machine(reading=Reading(faults=("no connection",)))
    assert inspect("eu-west-1", seen(machines=(idle,)), NEW) == []


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (seen(document_faults=("it has no parameter Build",)), "document"),
        (seen(public=Reading(NEW, True, "running")), "already"),
        (seen(public=Reading(OLD, False, "stopped")), "page"),
        (seen(public=Reading(faults=("502",))), "page"),
        (seen(machines=(machine(machine=replace(machine().machine, state="stopping")),)), "state"),
        (seen(machines=(machine(ping=Ping.LOST),)), "not_managed"),
        (seen(machines=(machine(ping=Ping.UNMANAGED),)), "not_managed"),
        (seen(machines=(machine(page=None),)), "no_address"),
        (seen(machines=(machine(scaling_group="asg"),)), "warn_scaling_group"),
        (seen(elsewhere={"other": ("i-3",)}), "elsewhere"),
        (with_live(Standing.UNHEALTHY), "live_group"),
        (with_live(), "live_group"),
        (with_live(Standing.IN_SERVICE, Standing.IN_SERVICE), "warn_smaller"),
        (seen(route=Route("listener", "l", "l", Forward({BLUE: 1}, 3600), ())), "warn_sticky"),
    ],
)
def test_each_fault_is_found_and_named(found: RouterSeen, code: str) -> None:
    # Given a listener with one thing wrong / Then that, and only that, is named
    faults = inspect("eu-west-1", found, NEW)
    assert [fault.code for fault in faults] == [code]
    assert faults[0].warning == code.startswith("warn_")
    assert str(faults[0]).startswith("eu-west-1: ")


def test_all_faults_are_named_not_just_the_first() -> None:
    found = seen(
        document_faults=("a",), machines=(machine(ping=Ping.LOST, page=None),), elsewhere={"other": ("i-3",)}
    )
    faults = inspect("eu-west-1", found, NEW)
    assert [fault.code for fault in faults] == ["document", "not_managed", "no_address", "elsewhere"]
