"""What is said of a region's way back before it is taken, by what both slots show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from include.airlock.azure.inspection import Inspected
from include.airlock.azure.outlook import outlook
from include.airlock.model.record import Phase, RegionRecord, Side, SwapIntent, SwapPhase
from include.airlock.model.rollback import Way
from tests.unit.azure.test_inspection import GOOD, NEW, OLD, SLOT

THERE = SwapIntent(
    phase=SwapPhase.DONE,
    direction="forward",
    production=Side(build=OLD, deployment_id="id-old"),
    staging=Side(build=NEW, deployment_id="id-new"),
    expected=NEW,
    since=0.0,
)
REGION = RegionRecord(name="westeurope", phase=Phase.ACCEPTED, old_build=OLD, new_build=NEW, swap=THERE)


def after(production: str | None = NEW, staging: str | None = OLD, ids: str = "new old") -> Inspected:
    """Both slots after the release; ``ids`` are the last parts of production's and staging's deploymentId."""
    first, last = ids.split()
    world = replace(
        GOOD.world,
        production=replace(SLOT, deployment_id=f"id-{first}"),
        staging=replace(SLOT, deployment_id=f"id-{last}"),
        production_build=production,
        staging_build=staging,
    )
    return replace(GOOD, world=world)


@pytest.mark.parametrize(
    ("seen", "way", "words"),
    [
        (after(), Way.INSTANT, "staging still holds 1.0"),
        (after(ids="new other"), Way.INSTANT, "deployed anew since the release"),
        (after(production=None), Way.INSTANT, "still holds"),
        (after(production=None, ids="other old"), Way.NONE, "nor is it known by its deploymentId"),
        (after(production=OLD, staging=NEW), Way.DONE, "production answers 1.0"),
        (after(production="3.0"), Way.NONE, "production answers 3.0, which this release did not put there"),
        (after(staging=NEW), Way.REDEPLOY, "staging answers 2.0 and not 1.0; 1.0 is deployed to it first"),
        (after(staging="3.0"), Way.REDEPLOY, "staging answers 3.0"),
        (after(staging=None), Way.REDEPLOY, "staging can't be read"),
    ],
)
def test_what_both_slots_show_says_the_way(seen: Inspected, way: Way, words: str) -> None:
    found = outlook(REGION, seen, can_deploy=True)
    assert (found.way, words in found.text) == (way, True), found


def test_without_a_way_to_deploy_it_says_what_to_do() -> None:
    found = outlook(REGION, after(staging=NEW), can_deploy=False)
    assert found.way is Way.NONE
    assert "deploy 1.0 to staging yourself, then start the rollback again" in found.text


@pytest.mark.parametrize(
    "seen",
    [
        replace(after(), staging_config={"autoSwapSlotName": "production"}),
        replace(after(), world=replace(after().world, staging=replace(SLOT, operation="op-1"))),
        replace(after(), world=replace(after().world, production=replace(SLOT, state="Stopped"))),
        replace(after(), differences=[{"level": "Error", "description": "no"}]),
    ],
    ids=["auto swap", "an operation", "stopped", "a difference"],
)
def test_what_keeps_slots_from_being_swapped_is_said_first(seen: Inspected) -> None:
    found = outlook(REGION, seen, can_deploy=True)
    assert found.way is Way.NONE and found.text.endswith("mend that first")
