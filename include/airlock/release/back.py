"""The way back: the strategy's own means in the other direction, and proof that the old build serves."""

from __future__ import annotations

import time

from include.airlock.errors import AirlockError, NotProvenBack, Overtaken, Transient
from include.airlock.model.record import Phase, RegionRecord
from include.airlock.release.lane import prove
from include.airlock.release.ledger import now
from include.airlock.release.place import OpenPlace
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later

_MAY_BE_BROUGHT_BACK = (Phase.ACCEPTED, Phase.VERIFIED, Phase.CHANGED, Phase.ROLLING_BACK, Phase.STUCK)


def roll_back(
    run: ReleaseRun, name: str, open_place: OpenPlace, *, patience: float, why: str | None = None
) -> Later | None:
    """Bring one region back to the build it had before this release, and prove that it serves.

    ``why`` is said where the region itself did not fail. Windows, freezes and locks never block it. The
    service is locked before anything is changed.

    Raises:
        NotProvenBack: it could not be brought back or proved; a person is needed.
    """
    region = run.region(name)
    if region.phase is Phase.ROLLED_BACK:
        return None
    if not region.touched:
        run.save(region, "nothing was changed here, so nothing is brought back")
        return None
    run.not_overtaken(name)
    run.lock("rolled_back", _reason(run, region, why))
    set_out(run, region)
    try:
        with open_place(run.service, name) as place:
            later = place.bring_back(run, region, patience=patience)
            if later is None:
                later = prove(place, run, region, place.alone(region, region.old_build or ""), patience)
    except (Transient, Overtaken):
        raise
    except AirlockError as fault:
        raise stuck(run, region, fault) from fault
    if later:
        return later
    region.phase, region.ended_at = Phase.ROLLED_BACK, now()
    run.save(region, f"{region.old_build} serves again, proved")
    return None


def _reason(run: ReleaseRun, region: RegionRecord, because: str | None) -> str:
    why = region.failure or because or "a later region failed"
    return f"{run.request.build} was rolled back in {region.name}: {why}"[:500]


def set_out(run: ReleaseRun, region: RegionRecord) -> None:
    """The way back of a region begins; one that is under way goes on."""
    if region.phase is not Phase.ROLLING_BACK:
        region.phase, region.watch, region.back_since = Phase.ROLLING_BACK, None, time.time()
        run.save(region, f"bringing {region.old_build} back")


def stuck(run: ReleaseRun, region: RegionRecord, fault: AirlockError) -> NotProvenBack:
    """Store that a region's way back came to no proved end; answers the error that says so."""
    region.phase, region.watch = Phase.STUCK, None  # a Clear begins the proof anew
    text = f"could not be proved to be back on {region.old_build}: {fault}"
    region.failure = f"{region.failure}; {text}" if region.failure else text
    run.save(region, text)
    return NotProvenBack(text)


def halt(run: ReleaseRun, name: str, open_place: OpenPlace, *, patience: float) -> Later | None:
    """The release stops here and stays; what can be ended without a way back is ended, and others kept out.

    Raises:
        NotProvenBack: something is left half-done; a person is needed.
    """
    region = run.region(name)
    if not region.touched:
        return None
    run.not_overtaken(name)
    run.lock("in_flight", f"{name} is in doubt: {region.failure}"[:500])
    try:
        with open_place(run.service, name) as place:
            return place.make_safe(run, region, patience=patience)
    except (Transient, Overtaken):
        raise
    except AirlockError as fault:
        text = f"something is left half-done: {fault}"
        region.failure = f"{region.failure}; {text}" if region.failure else text
        run.save(region, text)
        raise NotProvenBack(text) from fault


def roll_back_earlier(run: ReleaseRun, open_place: OpenPlace, *, patience: float) -> Later | None:
    """Bring back every region that this release had accepted, last one first, each proved before the next.

    Raises:
        NotProvenBack: one could not be brought back; those before it were not touched.
    """
    regions = run.record().regions
    if all(region.phase in (Phase.ACCEPTED, Phase.NOT_ASKED) for region in regions):
        return None  # it went on to its end since; what is accepted stays
    for region in reversed(regions):
        if region.phase in _MAY_BE_BROUGHT_BACK:
            later = roll_back(run, region.name, open_place, patience=patience)
            if later:
                return later
    return None


def reached(run: ReleaseRun, name: str) -> bool:
    """Whether ``name`` is the first asked region that is not accepted, after a preflight that passed.

    One that no window or no approval let start was not reached, so that an end between regions brings
    nothing back.
    """
    record = run.record()
    if record.refusal is not None and not any(region.touched for region in record.regions):
        return False
    for region in record.regions:
        if region.phase in (Phase.ACCEPTED, Phase.NOT_ASKED):
            continue
        return region.name == name and region.new_build is not None and region.closed is None
    return False
