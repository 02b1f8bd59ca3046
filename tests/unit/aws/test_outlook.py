"""What is said of a farm's and a listener's way back before it is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.airlock.aws.commands import Ping
from include.airlock.aws.farm_inspection import inspect
from include.airlock.aws.farm_view import FarmSeen
from include.airlock.aws.outlook import OldGroup, farm_outlook, router_outlook
from include.airlock.model.health import Reading
from include.airlock.model.machines import MachinePhase, MachineRecord, Shift
from include.airlock.model.record import Phase, RegionRecord
from include.airlock.model.rollback import Outlook, Way
from tests.unit.aws.machine_cloud import NEW, OLD
from tests.unit.aws.test_farm_inspection import FARM, PLACE, SERVICE, machine, seen

ONE, TWO, THREE = "i-1", "i-2", "i-3"


def answers(build: str | None) -> dict[str, Any]:
    return {"reading": Reading(build, True, "running")}


def farm(**builds: str | None) -> FarmSeen:
    """Three machines with the new build; ``builds`` says otherwise, by ``i_1``."""
    names = {name: builds.get(name.replace("-", "_"), NEW) for name in (ONE, TWO, THREE)}
    return seen(*(machine(name, **answers(build)) for name, build in names.items()))


def left(**more: Any) -> RegionRecord:
    """The farm as an accepted release left it."""
    machines = [
        MachineRecord(id=name, old_build=OLD, aim=NEW, phase=MachinePhase.DONE, begun=True)
        for name in (ONE, TWO, THREE)
    ]
    known = {"old_build": OLD, "new_build": NEW, "machines": machines} | more
    return RegionRecord(name=PLACE, phase=Phase.ACCEPTED, **known)


def judged(region: RegionRecord, now: FarmSeen) -> Outlook:
    return farm_outlook(region, now, inspect(PLACE, SERVICE, FARM, now, OLD))


def test_a_farm_is_deployed_to_machine_by_machine() -> None:
    found = judged(left(), farm())
    assert found == Outlook(
        Way.REDEPLOY, f"{OLD} is deployed again to 3 machines in turn, each guarded and proved"
    )


def test_a_sick_machine_is_no_reason_to_refuse_what_mends_it() -> None:
    found = judged(left(), farm(i_2=None))
    assert found.way is Way.REDEPLOY and "the guard may wait or stop, since i-2's own" in found.text


def test_a_farm_that_is_back_is_only_proved() -> None:
    assert judged(left(), farm(i_1=OLD, i_2=OLD, i_3=OLD)).way is Way.DONE


@pytest.mark.parametrize(
    ("region", "now", "words"),
    [
        (left(), farm(i_2="3.0"), "i-2 answers 3.0, which this release did not put there"),
        (left(machines=left().machines[:2]), farm(), "i-3 joined the farm after the release"),
        (left(), replace(farm(), machines=farm().machines[:2]), "i-3 has left the farm"),
        (
            left(machines=[*left().machines[:2], left().machines[2].model_copy(update={"already": True})]),
            farm(),
            f"i-3 had {NEW} before the release",
        ),
        (left(), seen(machine(ONE, ping=Ping.LOST, **answers(NEW))), "not reached by Systems Manager"),
        (left(), replace(farm(), document_faults=("it is not Active",)), "it is not Active"),
    ],
    ids=["another build", "joined", "left", "already", "unreachable", "document"],
)
def test_what_the_way_back_would_stop_at_is_refused(region: RegionRecord, now: FarmSeen, words: str) -> None:
    found = judged(region, now)
    assert (found.way, words in found.text) == (Way.NONE, True), found
    assert found.text.endswith(f"mend that first, or release {OLD} instead")


def test_a_machine_that_is_out_has_not_left() -> None:
    machines = left().machines
    machines[2].phase = MachinePhase.DEPLOYING
    found = judged(left(machines=machines), replace(farm(), machines=farm().machines[:2]))
    assert found.way is Way.REDEPLOY


SHIFT = Shift(listener="l", live="blue", idle="green", before={"blue": 100, "green": 0})
WARM = OldGroup("search-blue", {ONE: (True, OLD), TWO: (True, OLD)})
MOVED = {"blue": 0, "green": 100}


@pytest.mark.parametrize(
    ("weights", "old", "way", "words"),
    [
        (MOVED, WARM, Way.INSTANT, "2 of 2 machines of search-blue are healthy"),
        (
            MOVED,
            OldGroup("search-blue", {ONE: (True, OLD), TWO: (False, OLD)}),
            Way.INSTANT,
            "1 of 2 machines",
        ),
        ({"blue": 90, "green": 10}, WARM, Way.INSTANT, "in one call"),
        ({"blue": 100, "green": 0}, WARM, Way.DONE, "already"),
        ({"blue": 100}, WARM, Way.DONE, "already"),
        ({"red": 1, **MOVED}, WARM, Way.NONE, "somebody sends requests to red"),
        (MOVED, OldGroup("search-blue", {}), Way.NONE, "no machine is healthy in search-blue"),
        (MOVED, OldGroup("search-blue", {ONE: (False, OLD)}), Way.NONE, "no machine is healthy"),
        (
            MOVED,
            OldGroup("search-blue", {ONE: (True, OLD), TWO: (True, "3.0")}),
            Way.NONE,
            "holds 1.0 no more: i-2 answers 3.0",
        ),
        (MOVED, OldGroup("search-blue", {ONE: (True, None)}), Way.NONE, "i-1 answers nothing readable"),
    ],
)
def test_a_listener_goes_back_to_a_group_that_stands_by(
    weights: dict[str, int], old: OldGroup, way: Way, words: str
) -> None:
    found = router_outlook(left(), SHIFT, weights, old)
    assert (found.way, words.replace("1.0", OLD) in found.text) == (way, True), found
