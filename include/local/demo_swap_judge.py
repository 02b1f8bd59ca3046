"""Whether a release by slot swaps ended as it should: pure functions over what the sandbox and Airflow say.

The product's own word - its record, its verdict, its messages - is not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.local.control import Builds
from include.local.demo_clients import failed_requests
from include.local.demo_scene import Entry, Evidence


@dataclass(frozen=True)
class Expected:
    """How a release has to end: the run's state, each region's builds and number of swaps."""

    run_state: str
    production: Mapping[str, str]
    staging: Mapping[str, str]
    swaps: Mapping[str, int]
    no_failed_request: bool


def faults(service: str, expected: Expected, seen: Evidence[Builds]) -> list[str]:
    """Return every way in which a release did not end as it should, as sentences; empty when it did."""
    found = []
    if seen.run_state != expected.run_state:
        found.append(f"the run is {seen.run_state}, not {expected.run_state}")
    found += _wrong_builds("production", expected.production, seen.after)
    found += _wrong_builds("staging", expected.staging, seen.after)
    found += _wrong_swaps(service, expected.swaps, seen.journal)
    found += overlaps(service, list(expected.swaps), seen.journal)
    if expected.no_failed_request:
        hosts = {region: f"{service}/{region}" for region in expected.swaps}
        found += failed_requests(hosts, seen.load)
    return found


def switches(service: str, journal: Sequence[Entry]) -> Counter[str]:
    """Return region -> how often its traffic was switched."""
    return Counter(entry["region"] for entry in _events("routing_switched", service, journal))


def overlaps(service: str, order: Sequence[str], journal: Sequence[Entry]) -> list[str]:
    """Return where a region was swapped while another was, or before one that comes earlier."""
    found = []
    under_way: str | None = None
    furthest = 0
    for entry in journal:
        if entry.get("service") != service or entry.get("event") not in _SWAP_EVENTS:
            continue
        region = entry["region"]
        if entry["event"] != "swap_started":
            under_way = None
            continue
        if under_way is not None:
            found.append(f"{region}'s swap started while {under_way}'s was under way")
        if order.index(region) < furthest:
            found.append(f"{region} was swapped after {order[furthest]}")
        under_way, furthest = region, max(furthest, order.index(region))
    return found


_SWAP_EVENTS = ("swap_started", "swap_ended", "swap_reverted")


def _events(name: str, service: str, journal: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in journal if entry.get("event") == name and entry.get("service") == service]


def _wrong_builds(slot: str, expected: Mapping[str, str], after: Builds) -> list[str]:
    return [
        f"{region}'s {slot} runs {after[region][slot]}, not {build}"
        for region, build in expected.items()
        if after[region][slot] != build
    ]


def _wrong_swaps(service: str, expected: Mapping[str, int], journal: Sequence[Entry]) -> list[str]:
    asked = Counter(
        entry["region"]
        for entry in journal
        if entry.get("operation") == "swap" and "method" in entry and entry.get("service") == service
    )
    done = switches(service, journal)
    found = []
    for region, number in expected.items():
        if done[region] != number:
            found.append(f"{region}'s traffic was switched {done[region]} times, not {number}")
        if asked[region] != number:
            found.append(f"{region}'s swap was asked for {asked[region]} times, not {number}")
    return found
