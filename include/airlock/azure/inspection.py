"""What must hold before a region is touched: pure judgement of what was read, every fault at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from include.airlock.azure.sites import SlotState
from include.airlock.azure.swap_decision import World
from include.airlock.model.health import Healthy, Verdict, in_words
from include.airlock.model.record import RegionRecord
from include.airlock.release.place import Fault

_PING_STATUSES = "WEBSITE_SWAP_WARMUP_PING_STATUSES"


@dataclass(frozen=True)
class Inspected:
    """Everything that the preflight reads of one region. ``settings`` is None where it may not be read."""

    region: str
    world: World
    staging_verdict: Verdict | None
    staging_config: dict[str, Any]
    production_config: dict[str, Any]
    staging_settings: dict[str, Any] | None
    production_settings: dict[str, Any] | None
    sticky_settings: frozenset[str]
    differences: list[dict[str, Any]]
    public_host: str | None


def inspect(seen: Inspected, build: str) -> list[Fault]:
    """Every fault and warning of a region that is to get ``build``."""
    world = seen.world
    found = [
        *_builds(world, build),
        *_slots(world),
        *_configs(seen),
        *_differences(seen.differences),
        *_public_host(seen.public_host, world.production),
        *_warm_up(seen),
    ]
    if not isinstance(seen.staging_verdict, Healthy) and world.staging_build == build:
        said = in_words(seen.staging_verdict) if seen.staging_verdict else "never read"
        found.append(("staging_status", f"staging's status page: {said}"))
    return [Fault(seen.region, code, text, warning=code.startswith("warn_")) for code, text in found]


def obstacles(seen: Inspected) -> list[str]:
    """What keeps these two slots from being swapped, whatever builds they hold."""
    return [text for _, text in (*_slots(seen.world), *_configs(seen), *_differences(seen.differences))]


def compare(world: World, record: RegionRecord, build: str) -> list[Fault]:
    """What has drifted since the preflight, right before a region is touched."""
    found = [*_builds(world, build), *_slots(world)]
    if record.old_build and world.production_build not in (None, record.old_build):
        found.append(
            ("drift", f"production answered {record.old_build} at preflight and {world.production_build} now")
        )
    pairs = (("production", record.production, world.production), ("staging", record.staging, world.staging))
    for name, before, now in pairs:
        if (
            before
            and before.deployment_id
            and now.deployment_id
            and before.deployment_id != now.deployment_id
        ):
            found.append(("drift", f"{name}'s content was changed since the preflight (deploymentId)"))
    return [Fault(record.name, code, text) for code, text in found]


def _builds(world: World, build: str) -> list[tuple[str, str]]:
    found = []
    if world.production_build == build:
        found.append(
            ("already", f"production already answers {build}; leave this region out (params.regions)")
        )
    elif world.production_build is None:
        found.append(("production_build", "production's build can't be read from its status page"))
    if world.staging_build is None:
        found.append(("staging_build", "staging's build can't be read from its status page"))
    elif build not in (world.staging_build, world.production_build):
        found.append(
            ("staging_build", f"staging answers {world.staging_build}, the change request says {build}")
        )
    return found


def _slots(world: World) -> list[tuple[str, str]]:
    found = []
    for name, slot in (("production", world.production), ("staging", world.staging)):
        if (slot.state or "").lower() != "running":
            found.append(("state", f"the {name} slot is {slot.state or 'in no known state'}, not Running"))
        if slot.operation:
            found.append(("operation", f"operation {slot.operation} is in progress on {name}"))
        if slot.preview:
            found.append(
                ("preview", f"{name} still carries a swap with preview (to {slot.preview}); cancel it")
            )
    return found


def _configs(seen: Inspected) -> list[tuple[str, str]]:
    found = []
    for name, config in (("production", seen.production_config), ("staging", seen.staging_config)):
        if config.get("autoSwapSlotName"):
            found.append(
                ("auto_swap", f"{name} swaps by itself (autoSwapSlotName is set); turn auto swap off")
            )
        rules = (config.get("experiments") or {}).get("rampUpRules") or []
        if any((rule or {}).get("reroutePercentage") or (rule or {}).get("changeStep") for rule in rules):
            found.append(
                ("traffic_rules", f"{name} still sends part of its traffic to another slot (rampUpRules)")
            )
    return found


def _differences(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """``slotsdiffs`` rows of level Error stop a swap; Warnings and Information do not."""
    return [
        ("difference", f"slot difference: {str(row.get('description') or row.get('settingName'))[:200]}")
        for row in rows
        if str(row.get("level", "")).lower() == "error"
    ]


def _public_host(host: str | None, production: SlotState) -> list[tuple[str, str]]:
    known = {name.lower() for name in production.hosts}
    if host is None or host.lower() in known:
        return []
    return [("public_host", f"public_host {host} is none of the app's own hosts: {', '.join(sorted(known))}")]


def _warm_up(seen: Inspected) -> list[tuple[str, str]]:
    """Any answer counts as warm unless the good codes are named (facts: what a swap does, 3)."""
    if seen.staging_settings is None or seen.production_settings is None:
        return [("warn_settings", "the app settings may not be read, so the warm-up ping was not checked")]
    sticky = _PING_STATUSES in seen.sticky_settings  # then production's value is applied before the warm-up
    named = (seen.production_settings if sticky else seen.staging_settings).get(_PING_STATUSES)
    if not named:
        return [("warn_ping", f"{_PING_STATUSES} is not set: any answer, even an error, counts as warm")]
    codes = [code.strip() for code in str(named).split(",")]
    if all(code.isdigit() and 200 <= int(code) < 300 for code in codes):
        return []
    return [("warn_ping", f"{_PING_STATUSES} accepts more than good codes: {str(named)[:60]}")]
