"""A region's lane: check, change, verify, bake. Each starts by looking and may run again at any moment."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from include.airlock.errors import Drifted, Overtaken, Refused
from include.airlock.model.record import Phase, RegionRecord, Watch
from include.airlock.model.streak import Policy, Wait
from include.airlock.release.asking import must_be_approved
from include.airlock.release.ledger import now
from include.airlock.release.looks import looked
from include.airlock.release.place import OpenPlace, Place
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later
from include.airlock.release.window_gate import hold, remark
from include.airlock.status.watch import Watched, watch

if TYPE_CHECKING:
    from include.airlock.status.triggers import StatusTrigger

_CHANGED = (Phase.CHANGED, Phase.VERIFIED, Phase.ACCEPTED)


def begin(run: ReleaseRun, name: str) -> RegionRecord:
    """A region's record, ready for a step of its lane.

    A region that was rolled back may be released again only after the service was unlocked;
    then it starts afresh.

    Raises:
        Locked: the service is locked.
        Refused: an earlier region is not accepted, or the way back of this one is under way.
        NotApproved: nothing was done here yet, and the approvals that the spec demands are not there.
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
        region.begin_afresh()
        run.released_again()
        run.save(region, "released again: it was rolled back, and the service has been unlocked since")
    if not region.touched:
        must_be_approved(run, name)
    return region


def check(run: ReleaseRun, name: str, open_place: OpenPlace) -> Later | None:
    """Ask the window, then look again, right before the region is touched.

    Raises:
        WindowClosed: it does not fit before the window closes, and the spec says to stop then.
        Drifted: names all that is not as at the preflight.
    """
    region = begin(run, name)
    if region.touched or region.phase is Phase.ACCEPTED:
        return None
    later = hold(run, region)
    if later:
        return later
    with open_place(run.service, name) as place:
        place.compare(region, run.request.build)
    looked(region, "right before: all is as at the preflight")
    region.phase, region.failure = Phase.CHECKED, None
    region.lap_at = now()
    region.started_at = region.started_at or region.lap_at
    run.save(region)
    return None


def change(
    run: ReleaseRun, name: str, open_place: OpenPlace, *, patience: float, verb: str = "change"
) -> Later | None:
    """Bring the region to the new build by its strategy's own means: done once, or a loud stop.

    ``verb`` is what the strategy calls it: the name of the step.

    Raises:
        Drifted, Denied, NotFound and the strategy's own: see its ``Place``.
    """
    region = begin(run, name)
    with open_place(run.service, name) as place:
        if region.phase is Phase.ACCEPTED:
            _still_there(place, region, run.request.build)
            _sound_again(run, region, verb)
            return None
        mean(run, region, place)
        later = place.carry_out(run, region, patience=patience)
    if later is None and region.phase not in _CHANGED:
        region.phase, region.failure = Phase.CHANGED, None
        region.lap(verb, now())
        run.save(region, f"{region.new_build} answers (before: {region.old_build})")
    return later


def mean(run: ReleaseRun, region: RegionRecord, place: Place) -> None:
    """Store what is meant, and keep other releases out, before anything is sent.

    Raises:
        Drifted: the world is not as at the preflight.
        Overtaken: another process has begun meanwhile.
    """
    read = region.model_copy(deep=True)
    if not region.touched:
        place.prepare(run, region)
        region.started_at = region.started_at or now()
    if run.region(region.name) != read:
        raise Overtaken(f"another process of this release is changing {region.name}; this one stops")
    if region.phase not in _CHANGED:
        region.phase = Phase.CHANGING
        run.in_flight(region.name)
        run.save(region)


def _still_there(place: Place, region: RegionRecord, build: str) -> None:
    """A cleared step of an accepted region looks, and changes nothing whatever it sees."""
    alone, seen = place.alone(region, build), place.reading(build).build
    if seen is None or alone not in (None, seen):
        raise Drifted(f"{region.name} was accepted with {build}; now {seen or 'nothing readable'} answers")


def _sound_again(run: ReleaseRun, region: RegionRecord, verb: str) -> None:
    """An accepted region that failed at this step when it was last cleared does so no more."""
    if (region.failure or "").startswith(f"{verb}: "):
        region.failure = None
        run.save(region, f"sound again at {verb}")


def verify(run: ReleaseRun, name: str, open_place: OpenPlace, *, patience: float) -> Later | None:
    """The status page as clients reach it, several times in a row, with the new build; the way back is open.

    Raises:
        NotHealthy, NotProven: with what was wrong.
    """
    region = begin(run, name)
    if region.phase not in _CHANGED:  # cleared after a failure: first see where the builds are
        later = change(run, name, open_place, patience=patience)
        if later:
            return later
        region = run.region(name)
    with open_place(run.service, name) as place:
        if region.although is not None:
            return None  # a person accepted it as it is
        if region.phase is Phase.ACCEPTED:
            _watched(place, place.alone(region, run.request.build)).or_raise()
            _sound_again(run, region, "verify")
            return None
        later = prove(place, run, region, place.alone(region, run.request.build), patience)
        if later:
            return later
        place.complete_proof(region)
    region.phase, region.verified_at, region.failure = Phase.VERIFIED, now(), None
    region.lap("verify", region.verified_at)
    run.save(region, f"{region.new_build} is verified; {region.old_build} can be brought back")
    return None


def _watched(
    place: Place,
    build: str | None,
    policy: Policy | None = None,
    proof: Watch | None = None,
    patience: float | None = None,
) -> Watched:
    policy = policy or place.service.status_page.policy()

    return watch(lambda: place.reading(build), build, policy, proof=proof, patience=patience, switched=True)


def prove(
    place: Place, run: ReleaseRun, region: RegionRecord, build: str | None, patience: float
) -> Later | None:
    """``build`` answers clients, Healthy, several times in a row; a proof under way goes on. None: any build.

    Raises:
        NotHealthy, NotProven: with what was wrong.
    """
    region.watch = region.watch or Watch(since=time.time())
    watched = _watched(place, build, proof=region.watch, patience=patience)
    if isinstance(watched.decision, Wait):
        run.save(region)
        return Later(watched.decision.seconds)
    region.watch = None
    watched.or_raise()
    looked(region, f"{build or 'any build'}, as clients reach it: {watched.decision.why}")
    return None


def bake(run: ReleaseRun, name: str, open_place: OpenPlace, *, patience: float) -> Later | None:
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
        later = verify(run, name, open_place, patience=patience)
        if later:
            return later
        region = run.region(name)
    with open_place(run.service, name) as place:
        later = _bake(place, run, region, patience)
    if later:
        if later.trigger is not None and not _soaked(run, region):
            region.watch = Watch(since=_verified(region))  # nobody counts answers until the soak is over
        run.save(region)
        return later
    region.watch = None
    region.phase, region.ended_at, region.failure = Phase.ACCEPTED, now(), None
    region.lap("bake", region.ended_at)
    region.refresh = "was not refreshed yet" if run.service.refresh else None
    coming = remark(run, after=name)
    run.save(region, f"accepted with {region.new_build}{f'; {coming}' if coming else ''}")
    run.ledger.release_lock_of(run.release)
    return None


def _verified(region: RegionRecord) -> float:
    assert region.verified_at is not None
    return datetime.fromisoformat(region.verified_at).timestamp()


def _soaked(run: ReleaseRun, region: RegionRecord) -> bool:
    return time.time() >= _verified(region) + run.service.bake.total_seconds()


def _trigger(place: Place, build: str | None, since: float, soak: float) -> StatusTrigger:
    from include.airlock.status.triggers import StatusTrigger

    page, at = place.service.status_page.model_dump(mode="json"), place.pages()
    url, *more = at.urls
    return StatusTrigger(
        url=url, more=more, ca_file=at.ca_file, build=build, since=since, soak=soak, page=page
    )


def _bake(place: Place, run: ReleaseRun, region: RegionRecord, patience: float) -> Later | None:
    since = _verified(region)
    soak = run.service.bake.total_seconds()
    build = place.alone(region, run.request.build)
    later = Later(0.0, trigger=_trigger(place, build, since, soak))
    if region.watch is None:
        region.watch = Watch(since=since)
        if since + soak - time.time() > patience:
            return later
    policy = run.service.status_page.policy().baking(soak)
    watched = _watched(place, build, policy, region.watch, patience)
    if isinstance(watched.decision, Wait):
        return later
    watched.or_raise()
    looked(region, f"{build or 'any build'} over the bake of {soak:g} s: {watched.decision.why}")
    return None
