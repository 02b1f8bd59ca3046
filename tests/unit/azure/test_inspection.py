"""What must hold before a region is touched: each fault by itself, and all of them at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.airlock.azure.inspection import Inspected, compare, inspect
from include.airlock.azure.sites import SlotState
from include.airlock.azure.swap_decision import World
from include.airlock.model.health import Healthy, Unhealthy
from include.airlock.model.record import RegionRecord, Side

OLD, NEW = "1.0", "2.0"
SLOT = SlotState("Running", "app.example.com", ("app.example.com",), "id", None, None, None)
GOOD = Inspected(
    region="westeurope",
    world=World(SLOT, replace(SLOT, deployment_id="id2"), OLD, NEW),
    staging_verdict=Healthy(NEW),
    staging_config={"experiments": {"rampUpRules": []}, "autoSwapSlotName": None},
    production_config={"experiments": {"rampUpRules": []}},
    staging_settings={},
    production_settings={"WEBSITE_SWAP_WARMUP_PING_STATUSES": "200,204"},
    sticky_settings=frozenset({"WEBSITE_SWAP_WARMUP_PING_STATUSES"}),
    differences=[{"level": "Warning", "description": "a setting will change"}],
    public_host=None,
)


def test_a_sound_region_has_no_fault() -> None:
    assert inspect(GOOD, NEW) == []


def seen(**more: Any) -> Inspected:
    return replace(GOOD, **more)


def world(**more: Any) -> Inspected:
    return replace(GOOD, world=replace(GOOD.world, **more))


@pytest.mark.parametrize(
    ("region", "code"),
    [
        (world(staging_build=OLD), "staging_build"),
        (world(staging_build=None), "staging_build"),
        (world(production_build=None), "production_build"),
        (world(production_build=NEW), "already"),
        (world(production=replace(SLOT, state="Stopped")), "state"),
        (world(staging=replace(SLOT, state=None)), "state"),
        (world(staging=replace(SLOT, operation="op-1")), "operation"),
        (world(staging=replace(SLOT, preview="production")), "preview"),
        (seen(staging_verdict=Unhealthy(("not connected: queue",))), "staging_status"),
        (seen(staging_verdict=None), "staging_status"),
        (seen(staging_config={"autoSwapSlotName": "production"}), "auto_swap"),
        (
            seen(production_config={"experiments": {"rampUpRules": [{"reroutePercentage": 10.0}]}}),
            "traffic_rules",
        ),
        (seen(differences=[{"level": "Error", "description": "VNet differs"}]), "difference"),
        (seen(public_host="pay.example.com"), "public_host"),
        (seen(production_settings={}), "warn_ping"),
        (seen(production_settings={"WEBSITE_SWAP_WARMUP_PING_STATUSES": "200,503"}), "warn_ping"),
        (seen(sticky_settings=frozenset()), "warn_ping"),
        (seen(production_settings=None), "warn_settings"),
    ],
)
def test_each_fault_is_found_and_named(region: Inspected, code: str) -> None:
    # Given a region with one thing wrong / When it is inspected / Then that, and only that, is named
    faults = inspect(region, NEW)
    assert [fault.code for fault in faults] == [code]
    assert faults[0].warning == code.startswith("warn_")
    assert str(faults[0]).startswith("westeurope: ")


def test_all_faults_are_named_not_just_the_first() -> None:
    # Given a region with several things wrong
    region = seen(
        world=replace(GOOD.world, staging_build=OLD, staging=replace(SLOT, state="Stopped", operation="op")),
        differences=[{"level": "Error", "settingName": "VNET"}],
    )
    # Then each is named
    assert {fault.code for fault in inspect(region, NEW)} == {
        "staging_build",
        "state",
        "operation",
        "difference",
    }


def test_drift_since_the_preflight() -> None:
    # Given a region whose preflight saw OLD and two contents
    record = RegionRecord(
        name="westeurope",
        old_build=OLD,
        production=Side(build=OLD, deployment_id="id"),
        staging=Side(build=NEW, deployment_id="id2"),
    )
    # Then an unchanged world is fine, and a new deployment or another build in production is drift
    assert compare(GOOD.world, record, NEW) == []
    redeployed = replace(GOOD.world, staging=replace(SLOT, deployment_id="id3"))
    assert [fault.code for fault in compare(redeployed, record, NEW)] == ["drift"]
    hotfix = replace(GOOD.world, production_build="1.1")
    assert "answered 1.0 at preflight and 1.1 now" in str(compare(hotfix, record, NEW)[0])


def test_a_ping_setting_that_travels_counts_from_staging() -> None:
    # Given good codes that are not slot settings: the warm-up sees staging's own value
    region = seen(
        sticky_settings=frozenset(), staging_settings=GOOD.production_settings, production_settings={}
    )
    assert inspect(region, NEW) == []
