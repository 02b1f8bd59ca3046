"""The way back of a swap: the same swap in the other direction, once it is clear where the builds are."""

from __future__ import annotations

import time

from include.airlock.azure.look import RegionView, intent_of, sides
from include.airlock.azure.swap import Swap
from include.airlock.azure.swap_decision import Placement, Timing, World, placement
from include.airlock.errors import Refused
from include.airlock.model.record import RegionRecord, SwapIntent
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later


def swap_back(
    view: RegionView, run: ReleaseRun, region: RegionRecord, timing: Timing, patience: float
) -> Later | None:
    """Swap the two slots again, unless the old build is in production already.

    Raises:
        Refused: it can't be told where the builds are.
        Drifted, SwapFailed, Denied, NotFound: see ``Swap.carry_out``.
    """
    if region.way_back is None or _left_over(region.way_back, region):
        forward = region.swap
        assert forward is not None
        seen = _await_clear_signs(view, region, timing, patience)
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
    swap = Swap(view.site, view.world, save, timing, patience=patience)
    result = swap.carry_out(region.way_back)
    return Later(result) if isinstance(result, float) else None


def _left_over(intent: SwapIntent, region: RegionRecord) -> bool:
    """An intent of an earlier way back that was never asked for: the next one does not inherit its age."""
    return intent.posts == 0 and intent.since < (region.back_since or 0.0)


def _await_clear_signs(
    view: RegionView, region: RegionRecord, timing: Timing, patience: float
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
        settled = time.time() - last > timing.settle
        where = placement(forward, seen)
        if not seen.operation and (
            where is Placement.SWAPPED or (settled and where is not Placement.UNCLEAR)
        ):
            return seen
        if time.time() - since > 2 * timing.timeout:
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
