"""The preflight: every asked region looked at, all at once, nothing touched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from include.airlock.errors import AirlockError, Transient
from include.airlock.model.machines import UNDER_WAY
from include.airlock.model.record import Phase, RegionRecord
from include.airlock.release.place import Fault, FaultsFound, Keep, OpenPlace
from include.airlock.release.run import ReleaseRun


def preflight(run: ReleaseRun, open_place: OpenPlace) -> list[Fault]:
    """Look at all asked regions at once and keep what was seen; the warnings are returned.

    A region that this release has begun already (a Clear of a finished step) is left alone:
    its own steps look before they act.

    Raises:
        Locked: the service is locked.
        FaultsFound: names every fault of every region; nothing was touched.
        Transient: the cloud could not be asked, and nothing else is wrong.
    """
    run.not_locked()
    fresh = [name for name in run.request.regions if not _begun(run.region(name))]
    with ThreadPoolExecutor(max_workers=max(1, len(fresh))) as pool:
        looks = list(pool.map(lambda name: _look(run, name, open_place), fresh))
    faults = [fault for look in looks if not isinstance(look, Transient) for fault in look[1]]
    serious = [fault for fault in faults if not fault.warning]
    if serious:
        raise FaultsFound(serious)
    for look in looks:
        if isinstance(look, Transient):
            raise look
    for name, look in zip(fresh, looks, strict=True):
        assert not isinstance(look, Transient)
        if look[0] is not None:
            _keep(run, name, look[0])
    return [fault for fault in faults if fault.warning]


def _begun(region: RegionRecord) -> bool:
    return region.touched and region.phase is not Phase.ROLLED_BACK


def _look(run: ReleaseRun, name: str, open_place: OpenPlace) -> tuple[Keep | None, list[Fault]] | Transient:
    """One region: what was read and what is wrong with it. Runs in a thread, so it only reads."""
    try:
        with open_place(run.service, name) as place:
            keep, faults = place.inspect(run.request.build)
    except Transient as fault:
        return fault
    except AirlockError as fault:
        return None, [Fault(name, type(fault).__name__.lower(), str(fault))]
    return keep, [*faults, *_left_out(run, name, keep)]


def _left_out(run: ReleaseRun, name: str, keep: Keep) -> list[Fault]:
    """Machines that an earlier release left out of their groups: who asks the groups does not see them."""
    last = run.ledger.last_change(run.release, name)
    if last is None:
        return []
    now = RegionRecord(name=name)
    keep(now)
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
    run.save(region)
