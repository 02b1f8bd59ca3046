"""A region's lane: check, swap, verify, bake. Each starts by looking and may run again at any moment."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from include.airlock.azure.inspection import compare
from include.airlock.azure.look import RegionView, intent_of, sides
from include.airlock.azure.swap import Swap
from include.airlock.azure.swap_decision import Timing, World
from include.airlock.azure.watch import watch
from include.airlock.errors import Denied, Drifted, NotFound, Refused, SwapFailed
from include.airlock.model.record import Phase, RegionRecord, SwapIntent, Watch
from include.airlock.model.streak import Wait
from include.airlock.release.ledger import now
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later

if TYPE_CHECKING:
    from include.airlock.status.triggers import StatusTrigger

_STAGING_BACK_S = 60.0
"""Seconds for the old app to answer in the staging slot, where it restarts after the swap."""

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
    run.not_overtaken(name)
    run.not_locked()
    run.earlier_are_accepted(name)
    if region.phase in (Phase.ROLLING_BACK, Phase.STUCK):
        raise Refused(f"{name} is on its way back ({region.phase}); let the step roll_back end first")
    if region.phase is Phase.ROLLED_BACK:
        region.phase, region.swap, region.way_back, region.failure = Phase.WAITING, None, None, None
        run.save(region, "released again: it was rolled back, and the service has been unlocked since")
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
    service = run.service
    return Timing(timeout=service.swap_timeout.total_seconds(), settle=service.swap_settle.total_seconds())


def swap(run: ReleaseRun, name: str, *, patience: float) -> Later | None:
    """Swap staging into production, as compare-and-swap: exactly once, or a loud stop.

    Raises:
        Drifted, SwapFailed, Denied, NotFound: see ``Swap.carry_out``.
    """
    region = begin(run, name)
    with RegionView.of(run.service, name) as view:
        if region.phase is Phase.ACCEPTED:
            _still_there(view, run, name)
            _sound_again(run, region, "swap")
            return None
        if region.swap is None:
            region.swap = _meant(view.world(), region, run)
            region.started_at = region.started_at or now()
        if region.phase not in _SWAPPED:
            region.phase = Phase.SWAPPING
            run.in_flight(name)
            run.save(region)
        seen = _carry_out(view, run, region, region.swap, patience)
    if isinstance(seen, Later):
        return seen
    if region.phase not in _SWAPPED:
        region.phase, region.failure = Phase.SWAPPED, None
        run.save(region, f"{region.new_build} answers in production (before: {region.old_build})")
    return None


def _still_there(view: RegionView, run: ReleaseRun, name: str) -> None:
    """A cleared step of an accepted region looks, and changes nothing whatever it sees."""
    seen = view.reading(view.url(view.site.production(), production=True)).build
    if seen != run.request.build:
        raise Drifted(
            f"{name} was accepted with {run.request.build}; now {seen or 'nothing readable'} answers"
        )


def _sound_again(run: ReleaseRun, region: RegionRecord, verb: str) -> None:
    """An accepted region that failed at this step when it was last cleared does so no more."""
    if (region.failure or "").startswith(f"{verb}: "):
        region.failure = None
        run.save(region, f"sound again at {verb}")


def _meant(world: World, region: RegionRecord, run: ReleaseRun) -> SwapIntent:
    """The compare of compare-and-swap, and the intent that is stored before anything is sent."""
    _compare(world, region, run)
    production, staging = sides(world)
    region.production, region.staging = production, staging
    region.old_build, region.new_build = production.build, staging.build
    return intent_of("forward", production, staging, world)


def _carry_out(
    view: RegionView, run: ReleaseRun, region: RegionRecord, intent: SwapIntent, patience: float
) -> World | Later:
    save = run.sole_writer(region, "swap")
    try:
        seen = Swap(view.site, view.world, save, timing_of(run), patience=patience).carry_out(intent)
    except (SwapFailed, Drifted, Denied, NotFound) as fault:
        if isinstance(fault, SwapFailed) or intent.posts == 0:
            region.swap = None  # proved, or never asked for, so after a Clear it is meant anew
            run.save(region)
            run.ledger.release_lock_of(run.release)
        raise
    return Later(seen) if isinstance(seen, float) else seen


def verify(run: ReleaseRun, name: str, *, patience: float) -> Later | None:
    """Production's status page, several times in a row, with the new build; then the old one in staging.

    Raises:
        NotHealthy, NotProven: with what was wrong.
    """
    region = begin(run, name)
    if region.phase not in _SWAPPED:  # cleared after a failure: first see where the builds are
        later = swap(run, name, patience=patience)
        if later:
            return later
        region = run.region(name)
    with RegionView.of(run.service, name) as view:
        if region.phase is Phase.ACCEPTED:
            url = view.url(view.site.production(), production=True)
            watch(view, url, run.request.build, switched=True).or_raise()
            _sound_again(run, region, "verify")
            return None
        later = prove(view, run, region, run.request.build, patience)
        if later:
            return later
        _old_build_in_staging(view, region)
    region.phase, region.verified_at, region.failure = Phase.VERIFIED, now(), None
    run.save(region, f"{region.new_build} is verified; staging holds {region.old_build}")
    return None


def prove(
    view: RegionView, run: ReleaseRun, region: RegionRecord, build: str, patience: float
) -> Later | None:
    """``build`` answers in production, Healthy, several times in a row; a proof under way goes on.

    Raises:
        NotHealthy, NotProven: with what was wrong.
    """
    url = view.url(view.site.production(), production=True)
    region.watch = region.watch or Watch(since=time.time())
    watched = watch(view, url, build, proof=region.watch, patience=patience, switched=True)
    if isinstance(watched.decision, Wait):
        run.save(region)
        return Later(watched.decision.seconds)
    region.watch = None
    watched.or_raise()
    return None


def _old_build_in_staging(view: RegionView, region: RegionRecord) -> None:
    """The way back is open only while staging holds the old build. How well it is there does not matter."""
    url = view.url(view.site.staging(), production=False)
    usual = view.service.status_page.policy()
    once = replace(usual, consecutive=1, deadline_s=min(usual.deadline_s, _STAGING_BACK_S))
    watch(view, url, region.old_build, policy=once, build_only=True).or_raise("staging: ")


def bake(run: ReleaseRun, name: str, *, patience: float) -> Later | None:
    """Keep watching production until the bake time has passed, then accept the region.

    A long bake is watched by a trigger, which fires when it is over or the page turned bad;
    either way this step looks for itself.

    Raises:
        NotHealthy, NotProven: the region went bad while it baked.
    """
    region = begin(run, name)
    if region.phase is Phase.ACCEPTED:
        run.ledger.release_lock_of(run.release)  # a worker may have died between accepting and unlocking
        return None
    if region.phase is not Phase.VERIFIED:  # cleared after a failure: prove it again first
        later = verify(run, name, patience=patience)
        if later:
            return later
        region = run.region(name)
    with RegionView.of(run.service, name) as view:
        later = _bake(view, run, region, patience)
    if later:
        if later.trigger is not None and not _soaked(run, region):
            region.watch = Watch(since=_verified(region))  # nobody counts answers until the soak is over
        run.save(region)
        return later
    region.watch = None
    region.phase, region.ended_at, region.failure = Phase.ACCEPTED, now(), None
    region.refresh = "was not refreshed yet" if run.service.refresh else None
    run.save(region, f"accepted with {region.new_build}")
    run.ledger.release_lock_of(run.release)
    return None


def _verified(region: RegionRecord) -> float:
    assert region.verified_at is not None
    return datetime.fromisoformat(region.verified_at).timestamp()


def _soaked(run: ReleaseRun, region: RegionRecord) -> bool:
    return time.time() >= _verified(region) + run.service.bake.total_seconds()


def _trigger(view: RegionView, url: str, build: str, since: float, soak: float) -> StatusTrigger:
    from include.airlock.status.triggers import StatusTrigger

    page = view.service.status_page.model_dump(mode="json")
    return StatusTrigger(url=url, ca_file=view.access.ca_file, build=build, since=since, soak=soak, page=page)


def _bake(view: RegionView, run: ReleaseRun, region: RegionRecord, patience: float) -> Later | None:
    since = _verified(region)
    soak = run.service.bake.total_seconds()
    url = view.url(view.site.production(), production=True)
    later = Later(0.0, trigger=_trigger(view, url, run.request.build, since, soak))
    if region.watch is None:
        region.watch = Watch(since=since)
        if since + soak - time.time() > patience:
            return later
    policy = run.service.status_page.policy().baking(soak)
    build = run.request.build
    watched = watch(view, url, build, policy=policy, proof=region.watch, patience=patience, switched=True)
    if isinstance(watched.decision, Wait):
        return later
    watched.or_raise()
    return None
