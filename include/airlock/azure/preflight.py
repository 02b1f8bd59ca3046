"""The preflight: every asked region looked at, all at once, nothing touched."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from include.airlock.azure.inspection import Fault, FaultsFound, Inspected, inspect
from include.airlock.azure.look import RegionView, sides
from include.airlock.azure.watch import watch
from include.airlock.errors import AirlockError, Denied, Transient
from include.airlock.model.record import Phase
from include.airlock.model.streak import Policy
from include.airlock.release.run import ReleaseRun

_SHORT = Policy(consecutive=1, unhealthy_after=2, interval_s=1.0, deadline_s=10.0)
"""Staging has been up for long: it needs no patience, only a second chance for one lost answer."""

log = logging.getLogger(__name__)


def preflight(run: ReleaseRun) -> list[Fault]:
    """Look at all asked regions at once and keep what was seen; the warnings are returned.

    A region that this release has begun already (a Clear of a finished step) is left alone:
    its own steps look before they act.

    Raises:
        Locked: the service is locked.
        FaultsFound: names every fault of every region; nothing was touched.
        Transient: the cloud could not be asked, and nothing else is wrong.
    """
    run.not_locked()
    fresh = [name for name in run.request.regions if not _begun(run, name)]
    with ThreadPoolExecutor(max_workers=max(1, len(fresh))) as pool:
        looks = list(pool.map(lambda name: _look(run, name), fresh))
    faults = [fault for look in looks if not isinstance(look, Transient) for fault in look[1]]
    serious = [fault for fault in faults if not fault.warning]
    if serious:
        raise FaultsFound(serious)
    for look in looks:
        if isinstance(look, Transient):
            raise look
    for name, look in zip(fresh, looks, strict=True):
        assert not isinstance(look, Transient)
        _keep(run, name, look[0])
    return [fault for fault in faults if fault.warning]


def _begun(run: ReleaseRun, name: str) -> bool:
    region = run.region(name)
    return region.swap is not None and region.phase is not Phase.ROLLED_BACK


def _look(run: ReleaseRun, name: str) -> tuple[Inspected | None, list[Fault]] | Transient:
    """One region: what was read and what is wrong with it. Runs in a thread, so it only reads."""
    try:
        with RegionView.of(run.service, name) as view:
            seen = _read(view)
    except Transient as fault:
        return fault
    except AirlockError as fault:
        return None, [Fault(name, type(fault).__name__.lower(), str(fault))]
    return seen, inspect(seen, run.request.build)


def _read(view: RegionView) -> Inspected:
    """Everything that the preflight judges."""
    site = view.site
    world = view.world()
    watched = watch(view, view.url(world.staging, production=False), world.staging_build, policy=_SHORT)
    return Inspected(
        region=view.region.name,
        world=world,
        staging_verdict=watched.verdict,
        staging_config=site.config(staging=True),
        production_config=site.config(staging=False),
        staging_settings=_settings(view, staging=True),
        production_settings=_settings(view, staging=False),
        sticky_settings=site.sticky_settings(),
        differences=site.differences(),
        public_host=view.region.public_host,
    )


def _settings(view: RegionView, *, staging: bool) -> dict[str, object] | None:
    """A slot's settings, or None where the credentials may not list them (they can hold secrets)."""
    try:
        return view.site.settings(staging=staging)
    except Denied as fault:
        log.warning("%s", fault)
        return None


def _keep(run: ReleaseRun, name: str, seen: Inspected | None) -> None:
    region = run.region(name)
    if region.swap is not None and region.phase is not Phase.ROLLED_BACK:
        return  # its swap was meant while the preflight, cleared alone, still looked
    assert seen is not None
    region.phase, region.failure, region.swap, region.way_back = Phase.WAITING, None, None, None
    region.production, region.staging = sides(seen.world)
    region.old_build, region.new_build = seen.world.production_build, run.request.build
    run.save(region)
