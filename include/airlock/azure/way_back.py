"""The way back of a swap: the same swap in the other direction, once it is clear where the builds are."""

from __future__ import annotations

import time

from include.airlock.azure import refresh
from include.airlock.azure.look import RegionView, intent_of, sides
from include.airlock.azure.swap import Swap
from include.airlock.azure.swap_decision import Placement, Timing, World, placement
from include.airlock.errors import Drifted, Refused
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
        region.way_back = meant_back(forward, seen)
        run.save(region)

    save = run.sole_writer(region, "way_back")
    swap = Swap(view.site, view.world, save, timing, patience=patience)
    result = swap.carry_out(region.way_back)
    return Later(result) if isinstance(result, float) else None


def serves_old(view: RegionView, region: RegionRecord) -> bool:
    """Whether production holds the old build although the swap back can't be told by both slots.

    Asked only when no request can be on its way any more: see ``swap_decision.decide``.
    """
    world, intent = view.world(), region.way_back
    if intent is None or world.operation or world.production_build != region.old_build:
        return False
    meant, found = intent.staging.deployment_id, world.production.deployment_id
    return None in (meant, found) or meant == found


def deploy_old(view: RegionView, run: ReleaseRun, region: RegionRecord, patience: float) -> Later | None:
    """Where staging holds the old build no more: deploy it there, prove it, and mean the swap back.

    Only for a release that ended: its staging slots may have been refreshed since. Production is not
    touched here.

    Raises:
        Refused: the spec says no way to deploy to staging.
        Drifted: production changed meanwhile.
        NotHealthy, NotProven: staging does not answer with the old build.
        Denied, NotFound, Rejected: the deploy was not taken.
    """
    forward, old = region.swap, region.old_build
    if forward is None or old is None or (region.way_back and not _left_over(region.way_back, region)):
        return None
    if region.refreshing != old and _within_reach(forward, view.world(), old):
        return None
    later = refresh.put(view, run, region.name, old, patience)
    if later:
        return later
    world, region = view.world(), run.region(region.name)
    if world.staging_build != old or world.production_build not in (None, region.new_build):
        raise Drifted(
            f"staging answers {world.staging_build} and production {world.production_build}; "
            f"{old} and {region.new_build} were expected"
        )
    region.way_back, region.watch, region.refreshing = meant_back(forward, world), None, None
    region.refresh = None
    run.save(region, f"staging answers {old} again, deployed anew")
    return None


def _within_reach(forward: SwapIntent, world: World, old: str) -> bool:
    """Whether the way back needs no deploy: the old build is in production, or still in staging."""
    where = placement(forward, world)
    return world.production_build == old or where in (Placement.SWAPPED, Placement.SWAPPED_BACK)


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


def meant_back(forward: SwapIntent, world: World) -> SwapIntent:
    """The intent of the way back. Production may be unreadable: its build is known from the way there."""
    production, staging = sides(world)
    production.build = forward.staging.build
    staging.build = forward.production.build
    return intent_of("back", production, staging, world)
