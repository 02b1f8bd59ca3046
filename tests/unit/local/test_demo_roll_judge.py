"""The demo's judge of machine-by-machine releases: what it lets pass, and every way in which it must not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.local.control import Farms
from include.local.demo_roll_judge import ExpectedRoll, faults
from include.local.demo_scene import Evidence
from include.local.machines import Machine
from tests.unit.local.rolls import ALB, GROUPS, deploying, leaving, moved, returning, turn

FARM, OTHER = "one.production", "one.staging"
EXPECTED = ExpectedRoll("success", FARM, "2", {"web-alb": "shop/one/production/web-alb"})


def world(build: str, *, second: str | None = None, other: str = "1", **odd: str) -> Farms:
    """Both farms with these builds; `odd` are standings of the second machine that differ."""
    return {
        FARM: {
            "i-1": Machine(build, "running", GROUPS),
            "i-2": Machine(second or build, "running", GROUPS | odd),
        },
        OTHER: {"i-8": Machine(other, "running", {"staging": "InService"})},
    }


def clients(**odd: Any) -> dict[str, Any]:
    """A load report in which all is well but for what is given."""
    host = {"requests": 100, "failed": 0, "failures": [], "abandoned": 0, "slow_requests": 4}
    return {"hosts": {"shop/one/production/web-alb": host | odd}}


GOOD = Evidence("success", world("1"), world("2"), [*turn("i-1"), *turn("i-2")], clients())


def test_a_release_that_went_well_has_no_faults() -> None:
    assert faults(EXPECTED, GOOD) == []


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        (replace(GOOD, run_state="failed"), "the run is failed, not success"),
        (replace(GOOD, after=world("2", second="1")), "i-2 of one.production runs 1, not 2"),
        (replace(GOOD, after=world("2", other="2")), "i-8 of one.staging runs 2, not 1"),
        (
            replace(GOOD, after=world("2", web="out")),
            "i-2 of one.production does not serve: it is returning",
        ),
        (
            replace(GOOD, journal=turn("i-1")),
            "i-2 left web 0 times and came back 0 times, after 0 requests to leave; each has to be 1",
        ),
        (
            replace(GOOD, journal=[*GOOD.journal, moved("i-1", ALB, "healthy", "unhealthy")]),
            "i-1 left web 2 times and came back 1 times, after 1 requests to leave; each has to be 1",
        ),
        (
            replace(GOOD, journal=[leaving("i-1")[0], *GOOD.journal]),
            "i-1 left web 1 times and came back 1 times, after 2 requests to leave; each has to be 1",
        ),
        (
            replace(GOOD, journal=[*GOOD.journal, *deploying("i-2")]),
            "i-2 got ['2', '2'], not 2 once",
        ),
        (
            replace(GOOD, journal=[*turn("i-1"), *leaving("i-2"), *returning("i-2")]),
            "i-2 got nothing, not 2 once",
        ),
        (
            replace(GOOD, journal=[*leaving("i-1"), *turn("i-2"), *deploying("i-1"), *returning("i-1")]),
            "2 machines were out at once",
        ),
        (
            replace(GOOD, journal=[*deploying("i-1"), *leaving("i-1"), *returning("i-1"), *turn("i-2")]),
            "i-1 was deployed while still in web",
        ),
        (
            replace(
                GOOD,
                journal=[*GOOD.journal, {"event": "killed_connection", "machine": "i-1", "requests": 2}],
            ),
            "2 requests were cut by the cloud",
        ),
        (replace(GOOD, load={"hosts": {}}), "no client called web-alb"),
        (replace(GOOD, load=clients(slow_requests=0)), "no long request went to web-alb"),
        (
            replace(GOOD, load=clients(failed=1, failures=[{"kind": "5xx"}])),
            "1 of 100 requests to web-alb failed, first: {'kind': '5xx'}",
        ),
    ],
)
def test_each_deviation_is_named(seen: Evidence[Farms], sentence: str) -> None:
    assert sentence in faults(EXPECTED, seen)
