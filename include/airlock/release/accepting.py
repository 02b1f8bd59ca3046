"""A person accepts a region although it failed: only where the new build answers and nothing is half-done."""

from __future__ import annotations

import time

from include.airlock.errors import Refused
from include.airlock.model.machines import MachinePhase
from include.airlock.model.record import Decision, Phase, RegionRecord, SwapPhase
from include.airlock.release.asking import settle
from include.airlock.release.ledger import now
from include.airlock.release.place import OpenPlace, Place
from include.airlock.release.run import ReleaseRun

_LOOKS = 3
"""Answers in a row that must show the new build."""

_BETWEEN_LOOKS_S = 0.2


def accept(run: ReleaseRun, name: str, open_place: OpenPlace, decision: Decision) -> None:
    """Accept a region with its failure, after a look; the release goes on.

    Raises:
        Refused: says what is half-done, or what answers instead.
    """
    region = run.region(name)
    run.not_overtaken(name)
    halfway = half_done(region)
    if halfway is not None:
        raise Refused(f"{name} can't be accepted: {halfway}")
    with open_place(run.service, name) as place:
        _answers(place, region, run.request.build)
    # A run that Airflow lost may have come this far before.
    region.although, region.failure = region.failure or region.although or "it failed", None
    region.phase, region.ended_at, region.watch, region.stand = Phase.ACCEPTED, now(), None, None
    region.refresh = "was not refreshed yet" if run.service.refresh else None
    region.decision, region.obeyed = decision, True
    run.save(region)
    settle(run, decision)
    run.ledger.release_lock_of(run.release)


def half_done(region: RegionRecord) -> str | None:
    """What of a region's change is not at its end, as the record has it; None where nothing is."""
    if not region.touched:
        return "nothing was changed here"
    if region.swap is not None and region.swap.phase is not SwapPhase.DONE:
        return "the swap is not proved to have ended"
    shift = region.shift
    if shift is not None:
        whole = shift.weights is not None and not shift.weights.get(shift.live) and shift.stage >= 0
        return None if whole else "not all requests go to the new group"
    open_ones = [machine for machine in region.machines if machine.phase is not MachinePhase.DONE]
    if open_ones:
        return f"{open_ones[0].id} is {open_ones[0].phase}"
    held = region.suspensions
    return f"Auto Scaling group {held[0].group} is still suspended" if held else None


def _answers(place: Place, region: RegionRecord, build: str) -> None:
    """The new build answers, several times in a row. Any may where others answer beside it.

    Raises:
        Refused: something else answers, or nothing that can be read.
    """
    alone = place.alone(region, build)
    for look in range(_LOOKS):
        if look:
            time.sleep(_BETWEEN_LOOKS_S)  # between two looks
        seen = place.reading(build).build
        if seen is None or alone not in (None, seen):
            instead = seen or "nothing readable"
            raise Refused(f"{region.name} can't be accepted: {instead} answers, not {build}")
