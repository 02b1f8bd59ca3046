"""The preflight: every asked region looked at, all at once, nothing touched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from include.airlock.errors import AirlockError, Transient
from include.airlock.model.machines import UNDER_WAY
from include.airlock.model.plan_report import Foreseen
from include.airlock.model.record import Phase, RegionRecord
from include.airlock.release.looks import looked, seen
from include.airlock.release.place import Fault, FaultsFound, Keep, OpenPlace
from include.airlock.release.planning import bound_plan, hold_to
from include.airlock.release.run import ReleaseRun


@dataclass(frozen=True)
class Passed:
    """What a preflight came to that found nothing wrong: its warnings, and what each place foresees."""

    warnings: list[Fault]
    foreseen: dict[str, Foreseen]


@dataclass(frozen=True)
class _Look:
    """One region: what is wrong, what keeps what was read (None: nothing could be), what would be done."""

    faults: list[Fault]
    keep: Keep | None = None
    foreseen: Foreseen | None = None


def preflight(run: ReleaseRun, open_place: OpenPlace) -> Passed:
    """Look at all asked regions at once and keep what was seen.

    A region that this release has begun already (a Clear of a finished step) is left alone:
    its own steps look before they act.

    Raises:
        Locked: the service is locked.
        Refused: the plan that it is bound to is not known.
        FaultsFound: names every fault of every region, or all that is not as planned; nothing was touched.
        Transient: the cloud could not be asked, and nothing else is wrong.
    """
    run.not_locked()
    bound = bound_plan(run)
    fresh = [name for name in run.request.regions if not _begun(run.region(name))]
    with ThreadPoolExecutor(max_workers=max(1, len(fresh))) as pool:
        looks = list(pool.map(lambda name: _look(run, name, open_place), fresh))
    read = [look for look in looks if isinstance(look, _Look)]
    faults = [fault for look in read for fault in look.faults]
    serious = [fault for fault in faults if not fault.warning]
    foreseen = {look.foreseen.seen.name: look.foreseen for look in read if look.foreseen is not None}
    if bound is not None:
        hold_to(run, bound, foreseen, serious)
    if serious:
        raise FaultsFound(serious)
    for look in looks:
        if isinstance(look, Transient):
            raise look
    for name, look in zip(fresh, looks, strict=True):
        if isinstance(look, _Look) and look.keep is not None:
            _keep(run, name, look.keep)
    return Passed([fault for fault in faults if fault.warning], foreseen)


def _begun(region: RegionRecord) -> bool:
    return region.touched and region.phase is not Phase.ROLLED_BACK


def _look(run: ReleaseRun, name: str, open_place: OpenPlace) -> _Look | Transient:
    """Read one region and judge it. Runs in a thread, so it only reads."""
    try:
        with open_place(run.service, name) as place:
            keep, faults = place.inspect(run.request.build)
            now = RegionRecord(name=name, new_build=run.request.build)
            keep(now)
            foreseen = place.foresee(now, run.request)
    except Transient as fault:
        return fault
    except AirlockError as fault:
        return _Look([Fault(name, type(fault).__name__.lower(), str(fault))])
    return _Look([*faults, *_left_out(run, name, now)], keep, foreseen)


def _left_out(run: ReleaseRun, name: str, now: RegionRecord) -> list[Fault]:
    """Machines that an earlier release left out of their groups: who asks the groups does not see them."""
    last = run.ledger.last_change(run.release, name)
    if last is None:
        return []
    here = {machine.id for machine in now.machines}
    return [
        Fault(
            name,
            "warn_left_out",
            f"{machine.id} was left out of {', '.join(m.name for m in machine.memberships)} by {last[0]} "
            "and is not in the farm now; put it back, or end it",
            warning=True,
        )
        for machine in last[1].machines
        if machine.phase in UNDER_WAY and machine.memberships and machine.id not in here
    ]


def _keep(run: ReleaseRun, name: str, keep: Keep) -> None:
    region = run.region(name)
    if _begun(region):
        return  # it was begun while the preflight, cleared alone, still looked
    region.begin_afresh()
    keep(region)
    region.new_build = run.request.build
    looked(region, f"the preflight: {seen(region)}")
    run.save(region)
