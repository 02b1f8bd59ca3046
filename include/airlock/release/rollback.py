"""Undoing a release that ended, in one act: all of its places, the last one first.

The record is the undone release's own, so that its way back reads what its way there stored, and
whoever follows it sees both. What the run of the rollback itself is about is a ``RollbackEntry``.
Windows and freezes have no say here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from include.airlock.errors import AirlockError, Overtaken, Refused, Transient
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.record import Event, Outcome, Phase, RegionRecord, ReleaseRecord, Rollback
from include.airlock.model.rollback import Outlook, RollbackRequest, Way, report
from include.airlock.model.service import OnFailure, Service
from include.airlock.model.wording import shown
from include.airlock.release.back import roll_back, set_out, stuck
from include.airlock.release.ledger import Ledger, Lock, RollbackEntry, now
from include.airlock.release.place import OpenPlace
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later

Running = Callable[[], str | None]
"""Names a release of the service that runs now, or answers None."""

_SHOWN_RELEASES = 5


@dataclass(frozen=True)
class Act:
    """One press of the button: the run, who pressed, and where it can be looked at."""

    run: str
    by: str | None = None
    url: str | None = None


def look(
    service: Service,
    ledger: Ledger,
    request: RollbackRequest,
    act: Act,
    open_place: OpenPlace,
    running: Running,
) -> RollbackEntry:
    """Say for each place how it would be brought back; unless that is all, lock the service and begin.

    A run that has begun goes on with the release that it began with.

    Raises:
        Refused: there is nothing to undo, a place can't be brought back, or a release runs; says which.
        Transient: the cloud could not be asked.
    """
    try:
        return _look(service, ledger, request, act, open_place, running)
    except AirlockError as fault:
        if not fault.retryable:
            _give_back(ledger, act)
        raise


def _look(
    service: Service,
    ledger: Ledger,
    request: RollbackRequest,
    act: Act,
    open_place: OpenPlace,
    running: Running,
) -> RollbackEntry:
    begun = ledger.rollback(act.run)
    known = begun.release if begun and not (begun.refusal or begun.dry) else None
    record = _meant(ledger, known or request.release)
    names = begun.places if begun and known else _places(record, request)
    if not (request.dry or _holds(ledger, record, act)):
        _not_running(running)
    run = undone(service, ledger, record, names)
    looks = _outlooks(run, list(reversed(names)), open_place)
    text = f"{record.release} ({record.build}):\n{report(looks)}"
    entry = RollbackEntry(run=act.run, release=record.release, places=names, dry=request.dry, report=text)
    if any(outlook.way is Way.NONE for _, outlook in looks):
        raise Refused(f"nothing was touched, since not every place can be brought back: {text}")
    if not request.dry:
        _not_another_in_doubt(ledger, record)
        _begin(run, entry, request, act, dict(looks), running)
    ledger.save_rollback(entry)
    return entry


def _holds(ledger: Ledger, record: ReleaseRecord, act: Act) -> bool:
    """Whether this run has begun and kept releases out since: one that starts now is refused by itself."""
    held = ledger.lock()
    begun = record.rollback is not None and record.rollback.run == act.run
    return begun and held is not None and held.run == act.run


def _give_back(ledger: Ledger, act: Act) -> None:
    """A try of this look may have died after it had locked; refused now, it must leave no lock behind."""
    held = ledger.lock()
    record = ledger.release(held.release) if held is not None and held.run == act.run else None
    if held is not None and record is not None and not _holds(ledger, record, act):
        ledger.replace_lock(held.before)


def _meant(ledger: Ledger, asked: str | None) -> ReleaseRecord:
    """The release to undo: the one asked for, or the last one that changed anything."""
    known = ledger.known()
    if asked is not None:
        record = ledger.release(asked)
        if record is None:
            last = ", ".join(reversed(known[-_SHOWN_RELEASES:])) or "none"
            raise Refused(f"no release {shown(asked)} is remembered; the last ones are: {last}")
        return record
    for name in reversed(known):
        record = ledger.release(name)
        if record is not None and any(region.touched for region in record.regions):
            return record
    raise Refused("no release that is remembered has changed anything")


def _places(record: ReleaseRecord, request: RollbackRequest) -> list[str]:
    """What is to be undone, in the order in which it was released."""
    touched = [region for region in record.regions if region.touched]
    left = [region.name for region in touched if region.phase is not Phase.ROLLED_BACK]
    if not touched:
        raise Refused(f"{record.release} has changed nothing")
    if not left:
        raise Refused(f"{record.release} is rolled back already; name another release to undo an earlier one")
    names = [name for name in left if name in request.regions]
    if not names:
        raise Refused(f"{record.release} has nothing to undo there; it has in {', '.join(left)}")
    return names


def _not_running(running: Running) -> None:
    name = running()
    if name is not None:
        raise Refused(
            f"{name} is running; let it end, or mark its run as failed, then start the rollback again"
        )


def _not_another_in_doubt(ledger: Ledger, record: ReleaseRecord) -> None:
    held = ledger.lock()
    if held is not None and held.kind == "in_flight" and held.release != record.release:
        raise Refused(f"{held.release} left a region in doubt ({held.reason}); undo that release first")


def undone(service: Service, ledger: Ledger, record: ReleaseRecord, names: Sequence[str]) -> ReleaseRun:
    """The undone release as its steps saw it, for those of its places that are brought back.

    No way back asks people, nor does what they chose while the release ran stand in its way.
    """
    policy = OnFailure(record.on_failure)
    request = ChangeRequest(
        build=record.build,
        regions=tuple(names),
        on_failure=OnFailure.HALT if policy is OnFailure.ASK else policy,
        change_request=record.change_request,
        reason=record.reason,
        requested_by=record.requested_by,
    )
    return ReleaseRun(service, request, ledger, record.release, undoing=True)


def _outlooks(run: ReleaseRun, names: list[str], open_place: OpenPlace) -> list[tuple[str, Outlook]]:
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        looks = list(pool.map(lambda name: outlook(run, name, open_place), names))
    return list(zip(names, looks, strict=True))


def outlook(run: ReleaseRun, name: str, open_place: OpenPlace) -> Outlook:
    """How one place would be brought back; what can't be looked at can't be brought back either.

    Raises:
        Transient: the cloud could not be asked.
    """
    region = run.region(name)
    if region.phase is Phase.ROLLED_BACK:
        return Outlook(Way.DONE, f"{region.old_build} serves again, proved")
    if region.phase is Phase.ROLLING_BACK:
        return Outlook(Way.REDEPLOY, "it is on its way back, which goes on")
    if name not in run.service.places:
        return Outlook(Way.NONE, "it is not in the spec any more")
    try:
        run.not_overtaken(name)
        with open_place(run.service, name) as place:
            return place.outlook(region)
    except Transient:
        raise
    except AirlockError as fault:
        return Outlook(Way.NONE, str(fault))


def _begin(
    run: ReleaseRun,
    entry: RollbackEntry,
    request: RollbackRequest,
    act: Act,
    looks: dict[str, Outlook],
    running: Running,
) -> None:
    """Lock first, then look once more that nothing runs; then say in the release's record who undoes it."""
    record = run.record()
    again = record.rollback is not None and record.rollback.run == act.run
    by = act.by or "somebody unnamed"
    rollback = Rollback(
        run=act.run,
        by=act.by,
        reason=request.reason,
        at=record.rollback.at if again and record.rollback else now(),
        url=act.url,
        places=entry.places,
        outlook={name: seen.text for name, seen in looks.items()},
    )
    keep_out(run, rollback, running)
    record.rollback, record.outcome = rollback, Outcome.RUNNING
    if not again:
        text = f"{by} rolls it back: {request.reason}"
        record.events.append(Event(n=len(record.events) + 1, at=now(), text=text, kind="warning"))
    run.ledger.save_header(record)


def keep_out(run: ReleaseRun, rollback: Rollback, running: Running) -> None:
    """Hold the lock of this rollback. Where it was not held, no release may have begun meanwhile.

    Raises:
        Refused: one has; the lock is as it was.
    """
    record, held = run.record(), run.ledger.lock()
    mine = held is not None and held.run == rollback.run
    if mine and record.rollback is not None and record.rollback.run == rollback.run:
        return
    _not_running(running)
    held = run.ledger.lock()
    before = held.before if held is not None and mine else held
    lock = Lock(
        kind="rolled_back",
        reason=f"{run.request.build} was rolled back{rollback.by_whom}: {rollback.reason}",
        release=run.release,
        at=rollback.at,
        run=rollback.run,
        before=before.model_copy(update={"before": None}) if before else None,
    )
    run.ledger.replace_lock(lock)
    try:
        _not_running(running)
    except Refused:
        run.ledger.replace_lock(before)
        raise


def undo(
    run: ReleaseRun, name: str, open_place: OpenPlace, running: Running, *, patience: float
) -> Later | None:
    """Bring one place back: look, put the old build within reach, change, prove.

    Raises:
        Refused: a later place is not back yet, a release runs, or it can't be brought back any more.
        NotProvenBack: it could not be brought back or proved; a person is needed.
        Overtaken: another process has begun meanwhile.
    """
    rollback, region = run.record().rollback, run.region(name)
    if region.phase is Phase.ROLLED_BACK or not region.touched:
        return None
    assert rollback is not None, "its look has begun it"
    run.not_overtaken(name)
    _later_are_back(run, name)
    keep_out(run, rollback, running)
    if region.phase not in (Phase.ROLLING_BACK, Phase.STUCK):
        _still_possible(run, region, open_place)
        region.started_at = now()
    set_out(run, region)
    try:
        with open_place(run.service, name) as place:
            later = place.ready_way_back(run, region, patience=patience)
    except (Transient, Overtaken):
        raise
    except AirlockError as fault:
        raise _out_of_reach(run, name, fault) from fault
    return later or roll_back(run, name, open_place, patience=patience)


def _later_are_back(run: ReleaseRun, name: str) -> None:
    """One region in flight: every place that was released after ``name`` must be back before it."""
    names = run.request.regions
    for other in names[names.index(name) + 1 :]:
        phase = run.region(other).phase
        if phase is not Phase.ROLLED_BACK:
            raise Refused(f"{name} may not start: {other} is not rolled back ({phase}); clear its failure")


def _still_possible(run: ReleaseRun, region: RegionRecord, open_place: OpenPlace) -> None:
    seen = outlook(run, region.name, open_place)
    if run.region(region.name) != region:
        raise Overtaken(f"another process of this rollback has begun with {region.name}; this one stops")
    if seen.way is Way.NONE:
        raise Refused(f"{seen.text}; nothing was touched here")


def _out_of_reach(run: ReleaseRun, name: str, fault: AirlockError) -> AirlockError:
    region = run.region(name)
    region.refreshing = None  # a Clear deploys it anew
    return stuck(run, region, fault)
