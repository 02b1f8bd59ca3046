"""Whether a machine-by-machine release ended as it should: by the sandbox's journal and the clients alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from include.local.control import Farms
from include.local.demo_clients import failed_requests
from include.local.demo_scene import Evidence, Load
from include.local.machines import places_of
from include.local.turns import Turns


@dataclass(frozen=True)
class ExpectedRoll:
    """How a release of one farm has to end: the run's state and every machine's build; `hosts` are its
    load balancers (as people call them -> as the load report does), none of whose requests may fail."""

    run_state: str
    place: str
    build: str
    hosts: Mapping[str, str]


def faults(expected: ExpectedRoll, seen: Evidence[Farms]) -> list[str]:
    """Return every way in which it did not end as it should, as sentences; empty when it did."""
    found = []
    if seen.run_state != expected.run_state:
        found.append(f"the run is {seen.run_state}, not {expected.run_state}")
    found += _wrong_machines(expected, seen)
    found += _wrong_turns(expected, seen)
    found += failed_requests(expected.hosts, seen.load)
    return found + _no_long_request(expected.hosts, seen.load)


def _wrong_machines(expected: ExpectedRoll, seen: Evidence[Farms]) -> list[str]:
    found = []
    for place, machines in seen.after.items():
        for id_, machine in machines.items():
            build = expected.build if place == expected.place else seen.before[place][id_].build
            if machine.build != build:
                found.append(f"{id_} of {place} runs {machine.build}, not {build}")
            if machine.stage != "serving":
                found.append(f"{id_} of {place} does not serve: it is {machine.stage}")
    return found


def _wrong_turns(expected: ExpectedRoll, seen: Evidence[Farms]) -> list[str]:
    places = places_of(seen.before[expected.place])
    turns = Turns.read(seen.journal, places)
    found = []
    for place in places:
        counts = (turns.left[place], turns.returned[place], turns.asked[place])
        if counts != (1, 1, 1):
            machine, group = place
            found.append(
                f"{machine} left {group} {counts[0]} times and came back {counts[1]} times, "
                f"after {counts[2]} requests to leave; each has to be 1"
            )
    for machine in seen.before[expected.place]:
        if (builds := turns.deployed.get(machine, [])) != [expected.build]:
            found.append(f"{machine} got {builds or 'nothing'}, not {expected.build} once")
    if turns.most_out > 1:
        found.append(f"{turns.most_out} machines were out at once")
    found += [f"{machine} was deployed while still in {group}" for machine, group in turns.hasty]
    return found + ([f"{turns.cut} requests were cut by the cloud"] if turns.cut else [])


def _no_long_request(hosts: Mapping[str, str], load: Load) -> list[str]:
    """A release that no long request met proves little about draining."""
    seen = load["hosts"]
    return [
        f"no long request went to {name}"
        for name, key in hosts.items()
        if not seen.get(key, {}).get("slow_requests")
    ]
