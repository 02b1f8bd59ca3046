"""A region's lane: check, swap, verify, bake. Each starts by looking and may run again at any moment."""

from __future__ import annotations

import time
from datetime import datetime

from include.airlock.azure.inspection import compare
from include.airlock.azure.look import RegionView, sides
from include.airlock.azure.swap import Swap
from include.airlock.azure.swap_decision import Timing, World
from include.airlock.azure.watch import settle, watch
from include.airlock.errors import Drifted, Refused, SwapFailed
from include.airlock.model.record import Phase, RegionRecord, SwapIntent, SwapPhase
from include.airlock.release.ledger import now
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later

_SWAPPED = (Phase.SWAPPED, Phase.VERIFIED, Phase.ACCEPTED)


def begin(run: ReleaseRun, name: str) -> RegionRecord:
    """A region's record, ready for a step of its lane.

    A region that was rolled back may be released again only after the service was unlocked;
    then it starts afresh.

    Raises:
        Locked: the service is locked.
        Refused: an earlier region is not accepted, or the way back of this one is under way.
    """
    region = run.region(name)
    if region.phase is Phase.ACCEPTED:
        return region
    run.not_locked()
    run.earlier_are_accepted(name)
    if region.phase in (Phase.ROLLING_BACK, Phase.STUCK):
        raise Refused(f"{name} is on its way back ({region.phase}); let the step roll_back end first")
    if region.phase is Phase.ROLLED_BACK:
        region.phase, region.swap, region.way_back, region.failure = Phase.WAITING, None, None, None
        run.save(region, f"{name} was rolled back and the service unlocked since: released again")
    return region


def check(run: ReleaseRun, name: str) -> None:
    """Look again, right before the region is touched.

    Raises:
        Drifted: names all that is not as at the preflight.
    """
    region = begin(run, name)
    if region.swap is not None:
        return
    with RegionView.of(run.service, name) as view:
        _compare(view.world(), region, run)
    region.phase, region.failure = Phase.CHECKED, None
    region.started_at = region.started_at or now()
    run.save(region)


def _compare(world: World, region: RegionRecord, run: ReleaseRun) -> None:
    faults = compare(world, region, run.request.build)
    if faults:
        raise Drifted("; ".join(str(fault) for fault in faults) + "; nothing was touched here")


def timing_of(run: ReleaseRun) -> Timing:
    """How long a swap may take and when silence is proof, as the spec says, in seconds."""
    swap = run.service.swap
    return Timing(timeout=swap.timeout.total_seconds(), settle=swap.settle.total_seconds())


def swap(run: ReleaseRun, name: str, *, patience: float) -> Later | None:
    """Swap staging into production, as compare-and-swap: exactly once, or a loud stop.

    Raises:
        Drifted, SwapFailed, Denied, NotFound: see ``Swap.carry_out``.
    """
    region = begin(run, name)
    if region.phase in _SWAPPED:
        return None
    with RegionView.of(run.service, name) as view:
        if region.swap is None:
            region.swap = _meant(view.world(), region, run)
            region.started_at = region.started_at or now()
        region.phase = Phase.SWAPPING
        run.save(region)
        seen = _carry_out(view, run, region, region.swap, patience)
    if isinstance(seen, Later):
        return seen
    region.phase, region.failure = Phase.SWAPPED, None
    run.save(region, f"{name}: {region.new_build} answers in production (before: {region.old_build})")
    return None


def _meant(world: World, region: RegionRecord, run: ReleaseRun) -> SwapIntent:
    """The compare of compare-and-swap, and the intent that is stored before anything is sent."""
    _compare(world, region, run)
    production, staging = sides(world)
    region.production, region.staging = production, staging
    region.old_build, region.new_build = production.build, staging.build
    return SwapIntent(
        phase=SwapPhase.INTENT,
        direction="forward",
        production=production,
        staging=staging,
        expected=run.request.build,
        swapped_at=world.production.swapped_at,
        since=time.time(),
    )


def _carry_out(
    view: RegionView, run: ReleaseRun, region: RegionRecord, intent: SwapIntent, patience: float
) -> World | Later:
    def save(_: SwapIntent) -> None:
        run.save(region)

    try:
        seen = Swap(view.site, view.world, save, timing_of(run), patience=patience).carry_out(intent)
    except SwapFailed:
        region.swap = None  # proved that nothing was swapped: after a Clear it is meant anew
        run.save(region)
        raise
    return Later(seen) if isinstance(seen, float) else seen


def verify(run: ReleaseRun, name: str, *, patience: float) -> Later | None:
    """Production's status page, several times in a row, with the new build; then the old one in staging.

    Raises:
        NotHealthy, NotProven: with what was wrong.
    """
    region = begin(run, name)
    if region.phase is Phase.ACCEPTED:
        _prove_again(run, name)
        return None
    if region.phase not in (Phase.SWAPPED, Phase.VERIFIED):
        later = swap(run, name, patience=patience)
        if later:
            return later
        region = run.region(name)
    with RegionView.of(run.service, name) as view:
        world_url = view.url(view.site.production(), production=True)
        later = settle(view, world_url, run.request.build, patience=patience, record=region)
        if later:
            run.save(region)
            return later
        _old_build_in_staging(view, region)
    region.phase, region.verified_at, region.failure = Phase.VERIFIED, now(), None
    region.verifying_since = None
    run.save(region, f"{name}: {region.new_build} is verified; staging holds {region.old_build}")
    return None


def _prove_again(run: ReleaseRun, name: str) -> None:
    """A cleared step of an accepted region: look at production once more and change nothing."""
    with RegionView.of(run.service, name) as view:
        url = view.url(view.site.production(), production=True)
        watch(view, url, expected=run.request.build).or_raise(name)


def _old_build_in_staging(view: RegionView, region: RegionRecord) -> None:
    """The way back is open only while staging holds the old build."""
    if region.old_build is not None:
        url = view.url(view.site.staging(), production=False)
        watch(view, url, expected=region.old_build, build_only=True).or_raise(f"staging of {region.name}")


def bake(run: ReleaseRun, name: str, *, patience: float) -> Later | None:
    """Keep watching production until the bake time has passed, then accept the region.

    Raises:
        NotHealthy, NotProven: the region went bad while it baked.
    """
    region = begin(run, name)
    if region.phase is Phase.ACCEPTED:
        return None
    if region.phase is not Phase.VERIFIED or region.verified_at is None:
        raise Refused(f"{name} is not verified ({region.phase}); clear its step verify")
    until = datetime.fromisoformat(region.verified_at).timestamp() + run.service.bake.total_seconds()
    with RegionView.of(run.service, name) as view:
        url = view.url(view.site.production(), production=True)
        if until - time.time() > patience:
            return Later(0.0, watch_url=url, ca_file=view.access.ca_file, until=until)
        watch(view, url, expected=run.request.build, until=until).or_raise(f"{name} while it baked")
    region.phase, region.ended_at, region.failure = Phase.ACCEPTED, now(), None
    run.save(region, f"{name} is accepted with {region.new_build}")
    return None
