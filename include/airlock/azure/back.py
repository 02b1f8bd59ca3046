"""The way back: the same swap in the other direction, and proof that the old build serves."""

from __future__ import annotations

import time

from include.airlock.azure.forward import prove, timing_of
from include.airlock.azure.look import RegionView, intent_of, sides
from include.airlock.azure.swap import Swap
from include.airlock.azure.swap_decision import Placement, World, placement
from include.airlock.errors import AirlockError, NotProvenBack, Refused, SwapFailed, Transient
from include.airlock.model.record import Phase, RegionRecord, SwapIntent
from include.airlock.release.ledger import now
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later

_MAY_BE_BROUGHT_BACK = (Phase.ACCEPTED, Phase.VERIFIED, Phase.SWAPPED, Phase.ROLLING_BACK, Phase.STUCK)


def roll_back(run: ReleaseRun, name: str, *, patience: float) -> Later | None:
    """Bring one region back to the build it had before this release, and prove that it serves.

    Windows, freezes and locks never block it. The service is locked before anything is changed.

    Raises:
        NotProvenBack: it could not be brought back or proved; a person is needed.
    """
    region = run.region(name)
    if region.phase is Phase.ROLLED_BACK:
        return None
    if region.swap is None:
        run.save(region, "nothing was changed here, so nothing is swapped back")
        return None
    run.not_overtaken(name)
    run.lock("rolled_back", _reason(run, region))
    if region.phase is not Phase.ROLLING_BACK:
        region.phase, region.watch, region.back_since = Phase.ROLLING_BACK, None, time.time()
        run.save(region, f"swapping back to {region.old_build}")
    try:
        with RegionView.of(run.service, name) as view:
            later = _swap_back(view, run, region, patience)
            if later is None:
                later = prove(view, run, region, region.old_build or "", patience)
    except Transient:
        raise
    except AirlockError as fault:
        raise _stuck(run, region, fault) from fault
    if later:
        return later
    region.phase, region.ended_at = Phase.ROLLED_BACK, now()
    run.save(region, f"{region.old_build} serves again, proved")
    return None


def _reason(run: ReleaseRun, region: RegionRecord) -> str:
    why = region.failure or "a later region failed"
    return f"{run.request.build} was rolled back in {region.name}: {why}"[:500]


def _swap_back(view: RegionView, run: ReleaseRun, region: RegionRecord, patience: float) -> Later | None:
    """Swap the two slots again, unless the old build is in production already."""
    if region.way_back is None:
        forward = region.swap
        assert forward is not None
        seen = _await_clear_signs(view, run, region, patience)
        if isinstance(seen, Later):
            return seen
        where = placement(forward, seen)
        if where in (Placement.UNTOUCHED, Placement.SWAPPED_BACK):
            return None
        if where is not Placement.SWAPPED:
            raise Refused(f"the slots can't be told apart ({where}), so nothing was swapped back")
        region.way_back = _meant_back(forward, seen)
        run.save(region)

    save = run.sole_writer(region, "way_back")
    swap = Swap(view.site, view.world, save, timing_of(run), patience=patience)
    result = swap.carry_out(region.way_back)
    return Later(result) if isinstance(result, float) else None


def _await_clear_signs(
    view: RegionView, run: ReleaseRun, region: RegionRecord, patience: float
) -> World | Later:
    """Look until no operation runs and the builds can be placed; a swap under way is waited out.

    That nothing was swapped is believed only after ``swap_settle``: a request may still be on its way.
    """
    forward, began = region.swap, time.time()
    assert forward is not None
    since = region.back_since or began
    while True:
        seen = view.world()
        last = max(forward.posted_at or since, forward.heard_at or 0.0)
        settled = time.time() - last > timing_of(run).settle
        where = placement(forward, seen)
        if not seen.operation and (
            where is Placement.SWAPPED or (settled and where is not Placement.UNCLEAR)
        ):
            return seen
        if time.time() - since > 2 * timing_of(run).timeout:
            raise Refused(f"an operation still runs or the signs stay unclear ({where})")
        if where is Placement.UNCLEAR and not seen.operation and time.time() - began > patience:
            raise Refused("it can't be told which build is in production")
        if time.time() - began > patience:
            return Later(15.0)
        time.sleep(1.0)  # the pause between two looks; the state is read each time


def _meant_back(forward: SwapIntent, world: World) -> SwapIntent:
    """The intent of the way back. Production may be unreadable: its build is known from the way there."""
    production, staging = sides(world)
    production.build = forward.staging.build
    staging.build = forward.production.build
    return intent_of("back", production, staging, world)


def _stuck(run: ReleaseRun, region: RegionRecord, fault: AirlockError) -> NotProvenBack:
    region.phase, region.watch = Phase.STUCK, None  # a Clear begins the proof anew
    sent = region.way_back is not None and region.way_back.posts > 0
    if isinstance(fault, SwapFailed) or not sent:
        region.way_back = None  # proved, or never asked for, so after a Clear it is meant anew
    text = f"could not be proved to be back on {region.old_build}: {fault}"
    region.failure = f"{region.failure}; {text}" if region.failure else text
    run.save(region, text)
    return NotProvenBack(text)


def roll_back_earlier(run: ReleaseRun, *, patience: float) -> Later | None:
    """Bring back every region that this release had accepted, last one first, each proved before the next.

    Raises:
        NotProvenBack: one could not be brought back; those before it were not touched.
    """
    regions = run.record().regions
    if all(region.phase in (Phase.ACCEPTED, Phase.NOT_ASKED) for region in regions):
        return None  # it went on to its end since; what is accepted stays
    for region in reversed(regions):
        if region.phase in _MAY_BE_BROUGHT_BACK:
            later = roll_back(run, region.name, patience=patience)
            if later:
                return later
    return None


def reached(run: ReleaseRun, name: str) -> bool:
    """Whether ``name`` is the first asked region that is not accepted, after a preflight that passed."""
    for region in run.record().regions:
        if region.phase in (Phase.ACCEPTED, Phase.NOT_ASKED):
            continue
        return region.name == name and region.new_build is not None
    return False
