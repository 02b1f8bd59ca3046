"""The demo's judge of slot swaps: what it lets pass, and every way in which it must not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.local.control import Builds
from include.local.demo_scene import Evidence
from include.local.demo_swap_judge import Expected, faults, overlaps

REGIONS = ("one", "two")
EXPECTED = Expected(
    run_state="success",
    production=dict.fromkeys(REGIONS, "2"),
    staging=dict.fromkeys(REGIONS, "1"),
    swaps=dict.fromkeys(REGIONS, 1),
    no_failed_request=True,
)


def swap(region: str) -> list[dict[str, Any]]:
    """What the sandbox's journal says of one good swap."""
    where = {"service": "payments", "region": region}
    request = {"operation": "swap", "method": "POST", "status": 202, **where}
    return [
        request,
        *({"event": name, **where} for name in ("swap_started", "routing_switched", "swap_ended")),
    ]


def clients(**odd: Any) -> dict[str, Any]:
    """A load report in which all is well but for what is given."""
    host = {"requests": 100, "failed": 0, "failures": [], "abandoned": 0}
    return {"hosts": {"payments/one": host, "payments/two": host | odd}}


GOOD = Evidence(
    run_state="success",
    before={region: {"production": "1", "staging": "2"} for region in REGIONS},
    after={region: {"production": "2", "staging": "1"} for region in REGIONS},
    journal=[*swap("one"), *swap("two")],
    load=clients(),
)


def test_a_release_that_went_well_has_no_faults() -> None:
    assert faults("payments", EXPECTED, GOOD) == []


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        (replace(GOOD, run_state="failed"), "the run is failed, not success"),
        (
            replace(GOOD, after=GOOD.after | {"two": {"production": "1", "staging": "1"}}),
            "two's production runs 1, not 2",
        ),
        (
            replace(GOOD, after=GOOD.after | {"two": {"production": "2", "staging": "2"}}),
            "two's staging runs 2, not 1",
        ),
        (replace(GOOD, journal=swap("one")), "two's traffic was switched 0 times, not 1"),
        (replace(GOOD, journal=[]), "one's swap was asked for 0 times, not 1"),
        (
            replace(GOOD, journal=[*swap("one"), *swap("two"), *swap("two")]),
            "two's traffic was switched 2 times, not 1",
        ),
        (
            replace(GOOD, journal=[swap("one")[0], *GOOD.journal]),
            "one's swap was asked for 2 times, not 1",
        ),
        (replace(GOOD, journal=[*swap("two"), *swap("one")]), "one was swapped after two"),
        (replace(GOOD, load={"hosts": {}}), "no client called one"),
        (replace(GOOD, load=clients(requests=0)), "no client called two"),
        (replace(GOOD, load=clients(abandoned=3)), "3 requests to two got no answer"),
        (
            replace(GOOD, load=clients(failed=1, failures=[{"kind": "reset"}])),
            "1 of 100 requests to two failed, first: {'kind': 'reset'}",
        ),
    ],
)
def test_each_deviation_is_named(seen: Evidence[Builds], sentence: str) -> None:
    assert sentence in faults("payments", EXPECTED, seen)


def test_failed_requests_count_only_where_none_may_fail() -> None:
    lenient = replace(EXPECTED, no_failed_request=False)
    assert faults("payments", lenient, replace(GOOD, load=clients(failed=5))) == []


def test_two_regions_in_flight_are_seen() -> None:
    # Given a journal in which the second region's swap starts before the first one's has ended
    one, two = swap("one"), swap("two")
    journal = [*one[:-1], *two, one[-1]]
    # Then it is named, although every region ended as it should
    assert overlaps("payments", REGIONS, journal) == ["two's swap started while one's was under way"]


def test_swapping_a_region_back_is_no_overlap() -> None:
    assert overlaps("payments", REGIONS, [*swap("one"), *swap("two"), *swap("two")]) == []


def test_other_services_are_nobodys_concern() -> None:
    other = [entry | {"service": "catalog"} for entry in swap("one")]
    assert faults("payments", EXPECTED, replace(GOOD, journal=[*GOOD.journal, *other])) == []
