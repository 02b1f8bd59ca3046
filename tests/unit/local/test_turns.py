"""Machines' turns, read of the sandbox's journal."""

from __future__ import annotations

from include.local.turns import Turns
from tests.unit.local.rolls import ALB, CLASSIC, PLACES, deploying, leaving, moved, request, returning, turn

ONCE = dict.fromkeys(PLACES, 1)


def test_a_good_release_is_one_turn_after_the_other() -> None:
    turns = Turns.read([*turn("i-1"), *turn("i-2")], PLACES)
    assert (turns.left, turns.returned, turns.asked) == (ONCE, ONCE, ONCE)
    assert turns.deployed == {"i-1": ["2"], "i-2": ["2"]}
    assert (turns.most_out, turns.hasty, turns.cut) == (1, [], 0)


def test_a_machine_is_out_until_it_is_healthy_in_its_last_group() -> None:
    # Given a second machine that leaves when the first is back in one of its two groups only
    back = returning("i-1")
    journal = [*leaving("i-1"), *deploying("i-1"), *back[:2], *leaving("i-2")]
    # Then two are out at once
    assert Turns.read(journal, PLACES).most_out == 2


def test_a_deployment_to_a_machine_that_drains_is_hasty() -> None:
    # Given a command that is sent before the target group has drained
    journal = [*leaving("i-1")[:-2], moved("i-1", CLASSIC, "draining", "unused"), *deploying("i-1")]
    assert Turns.read(journal, PLACES).hasty == [("i-1", ALB)]


def test_a_machine_that_falls_sick_has_left_without_being_asked() -> None:
    turns = Turns.read([moved("i-1", ALB, "healthy", "unhealthy")], PLACES)
    assert turns.left[("i-1", ALB)] == 1
    assert turns.asked[("i-1", ALB)] == 0


def test_a_refused_request_changes_nothing() -> None:
    refused = request("elasticloadbalancing:DeregisterTargets", "i-1", [ALB], status=400)
    assert Turns.read([refused], PLACES).asked == {}


def test_cut_requests_are_counted() -> None:
    journal = [{"event": "killed_connection", "machine": "i-1", "requests": 3, "why": "deploy"}]
    assert Turns.read(journal, PLACES).cut == 3


def test_other_machines_are_nobodys_concern() -> None:
    other = [*turn("i-9"), {"event": "killed_connection", "machine": "i-9", "requests": 3}]
    turns = Turns.read(other, PLACES)
    assert (turns.left, turns.deployed, turns.most_out, turns.cut) == ({}, {}, 0, 0)
