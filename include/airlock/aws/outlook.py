"""How a farm or a listener would get the old build back, judged by what was read of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.airlock.aws.farm_view import FarmSeen
from include.airlock.model.machines import UNDER_WAY, Shift
from include.airlock.model.record import RegionRecord
from include.airlock.model.rollback import Outlook, Way
from include.airlock.release.place import Fault

_HARD = ("document", "state", "not_managed", "no_address", "no_listener", "scaling_group", "scaling_min")
"""Faults of a farm that its way back would surely stop at; others may be what it is to mend."""


def farm_outlook(region: RegionRecord, seen: FarmSeen, faults: Sequence[Fault]) -> Outlook:
    """What can be done for a farm as a release left it; ``faults``: what a release of the old build has."""
    old = region.old_build
    mine = [machine for machine in region.machines if machine.touched]
    wrong = [*_strangers(region, seen), *(f.text for f in faults if f.code in _HARD and not f.warning)]
    if wrong:
        return Outlook(Way.NONE, f"{'; '.join(wrong)}; mend that first, or release {old} instead")
    now = {each.machine.id: each.reading.build for each in seen.machines}
    if all(now.get(machine.id) == machine.old_build and machine.phase not in UNDER_WAY for machine in mine):
        return Outlook(Way.DONE, f"every machine answers {old}")
    unwell = [f.text for f in faults if f.code in ("capacity", "not_healthy", "page")]
    notes = f"; the guard may wait or stop, since {'; '.join(unwell)}" if unwell else ""
    count = f"{len(mine)} machine{'s' if len(mine) > 1 else ''}"
    return Outlook(
        Way.REDEPLOY, f"{old} is deployed again to {count} in turn, each guarded and proved{notes}"
    )


def _strangers(region: RegionRecord, seen: FarmSeen) -> list[str]:
    """Machines that the release did not change, or that it changed and that are not there any more."""
    known = {machine.id: machine for machine in region.machines}
    now = {each.machine.id: each.reading.build for each in seen.machines}
    found = [f"{name} joined the farm after the release" for name in sorted(now) if name not in known]
    for machine in region.machines:
        build = now.get(machine.id)
        if machine.id not in now and machine.phase not in UNDER_WAY:
            found.append(f"{machine.id} has left the farm since the release")
        elif machine.already:
            found.append(
                f"{machine.id} had {region.new_build} before the release, so nothing older is known of it"
            )
        elif build not in (None, machine.old_build, region.new_build):
            found.append(f"{machine.id} answers {build}, which this release did not put there")
    return found


@dataclass(frozen=True)
class OldGroup:
    """The group that was live before: its name, and each of its machines with health and build."""

    name: str
    machines: Mapping[str, tuple[bool, str | None]]


def router_outlook(region: RegionRecord, shift: Shift, weights: Mapping[str, int], old: OldGroup) -> Outlook:
    """What can be done for a listener as a release left it."""
    build = region.old_build
    foreign = sorted(arn for arn, weight in weights.items() if weight and arn not in (shift.live, shift.idle))
    if foreign:
        return Outlook(
            Way.NONE, f"somebody sends requests to {', '.join(foreign)}; set the weights right first"
        )
    if not weights.get(shift.idle):
        return Outlook(Way.DONE, f"all requests go to {old.name} already")
    instead = f"release {build} instead: it is deployed to the other group first"
    healthy = [name for name, (well, _) in old.machines.items() if well]
    if not healthy:
        return Outlook(Way.NONE, f"no machine is healthy in {old.name}, which held {build}; {instead}")
    wrong = [
        f"{name} answers {got or 'nothing readable'}"
        for name, (_, got) in old.machines.items()
        if got != build
    ]
    if wrong:
        return Outlook(Way.NONE, f"{old.name} holds {build} no more: {', '.join(sorted(wrong))}; {instead}")
    return Outlook(
        Way.INSTANT,
        f"{len(healthy)} of {len(old.machines)} machines of {old.name} are healthy with {build}; "
        "all requests go back to it in one call",
    )
