"""Undoing a train that ended, in one act: all of its services, region by region, the last one first.

Each service's ledger has an entry and a record of its own, as if its own rollback had been started; the
looks of all come before the first lock, so that nothing is touched when one of them can't go back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from include.airlock.errors import Refused
from include.airlock.model.record import Outcome, Phase, ReleaseRecord
from include.airlock.model.rollback import RollbackRequest
from include.airlock.model.service import Service
from include.airlock.model.train import Train, region_of
from include.airlock.model.wording import shown
from include.airlock.release.ledger import Ledger, RollbackEntry
from include.airlock.release.place import OpenPlace
from include.airlock.release.rollback import Act, Running, look


@dataclass(frozen=True)
class Passenger:
    """A service of the train: its ledger, how its places open, and what may run beside the rollback."""

    service: Service
    ledger: Ledger
    places: OpenPlace
    running: Running


def meant(train: Train, ledgers: Mapping[str, Ledger], asked: str | None) -> str:
    """The run of the train to undo: the one asked for, or the last one that changed anything.

    Raises:
        Refused: there is none.
    """
    found: list[ReleaseRecord] = []
    for ledger in ledgers.values():
        for name in ledger.known():
            record = ledger.release(name)
            if record is not None and record.train == train.name and (asked in (None, name)):
                found.append(record)
    changed = [record for record in found if any(region.touched for region in record.regions)]
    if changed:
        return max(changed, key=lambda record: record.started_at).release
    if asked is not None:
        what = "has changed nothing" if found else f"is no release of the train {train.name}"
        raise Refused(f"{shown(asked)} {what}")
    raise Refused(f"no release of the train {train.name} that is remembered has changed anything")


def look_at_train(
    train: Train, passengers: Sequence[Passenger], requests: Mapping[str, RollbackRequest], act: Act
) -> list[RollbackEntry]:
    """Say of each service and place how it would be brought back; unless that is all, lock them and begin.

    Raises:
        Refused: there is nothing to undo, a place can't be brought back, or a release runs; says which.
        Transient: the cloud could not be asked.
    """
    ledgers = {each.service.service: each.ledger for each in passengers}
    asked = next(iter(requests.values()))
    release = _begun(passengers, act) or meant(train, ledgers, asked.release)
    aboard = [each for each in passengers if _left(each.ledger.release(release))]
    if not aboard:
        raise Refused(f"{release} is rolled back already; name another release to undo an earlier one")
    wanted = {name: replace(request, release=release) for name, request in requests.items()}
    entries = []
    for each in aboard:
        if not asked.dry and (name := each.running()) is not None:
            raise Refused(f"{name} is running; let it end, or mark its run as failed, then start again")
        if not _has_begun(each, act):
            entries.append(_look(each, replace(wanted[each.service.service], dry=True), act))
    return entries if asked.dry else _begin(aboard, wanted, release, act)


def _begin(
    aboard: Sequence[Passenger], wanted: Mapping[str, RollbackRequest], release: str, act: Act
) -> list[RollbackEntry]:
    """Lock all of them; where one refuses after all, those that began just now are as they were."""
    entries: list[RollbackEntry] = []
    begun: list[tuple[Passenger, ReleaseRecord | None]] = []
    try:
        for each in aboard:
            fresh = not _has_begun(each, act)
            before = each.ledger.release(release)
            entries.append(_look(each, wanted[each.service.service], act))
            begun += [(each, before)] if fresh else []
    except Refused as fault:
        for each, before in begun:
            _let_go(each, before, act, str(fault))
        raise
    return entries


def _let_go(each: Passenger, before: ReleaseRecord | None, act: Act, why: str) -> None:
    each.ledger.save_rollback(RollbackEntry(run=act.run, refusal=why))
    if before is not None:
        each.ledger.save_header(before)
    held = each.ledger.lock()
    if held is not None and held.run == act.run:
        each.ledger.replace_lock(held.before)


def _look(each: Passenger, request: RollbackRequest, act: Act) -> RollbackEntry:
    try:
        return look(each.service, each.ledger, request, act, each.places, each.running)
    except Refused as fault:
        raise Refused(f"{each.service.service}: {fault}") from fault


def _begun(passengers: Sequence[Passenger], act: Act) -> str | None:
    """The release that this run of the rollback has begun to undo, when it is tried again."""
    for each in passengers:
        entry = each.ledger.rollback(act.run)
        if entry is not None and _has_begun(each, act):
            return entry.release
    return None


def _has_begun(each: Passenger, act: Act) -> bool:
    entry = each.ledger.rollback(act.run)
    return entry is not None and not (entry.dry or entry.refusal)


def _left(record: ReleaseRecord | None) -> bool:
    regions = record.regions if record else []
    return any(region.touched and region.phase is not Phase.ROLLED_BACK for region in regions)


def later_are_back(train: Train, ledgers: Mapping[str, Ledger], run: str, place: str) -> None:
    """No region starts before all services are back in every later one.

    Raises:
        Refused: names the service and place that is not.
    """
    here = train.regions.index(region_of(place)) if region_of(place) in train.regions else -1
    for service, ledger in ledgers.items():
        entry = ledger.rollback(run)
        record = ledger.release(entry.release) if entry and entry.release else None
        for region in record.regions if record and entry else []:
            if entry is None or region.name not in entry.places or region.phase is Phase.ROLLED_BACK:
                continue
            if region_of(region.name) in train.regions[here + 1 :]:
                raise Refused(
                    f"{place} may not start: {service} is not rolled back in {region.name} ({region.phase}); "
                    "clear its failure"
                )


def outcome_of_rollback(train: str, verdicts: Sequence[Mapping[str, object]]) -> tuple[str, str]:
    """How the rollback of a train ended, for machines and in a sentence; ``verdicts`` are its services'."""
    parts = "; ".join(f"{verdict['service']}: {verdict['sentence']}" for verdict in verdicts)
    if verdicts and all(verdict["outcome"] == Outcome.ROLLED_BACK for verdict in verdicts):
        return Outcome.ROLLED_BACK.value, f"the train {train} is rolled back: {parts}"
    return Outcome.HALTED.value, f"the rollback of the train {train} stopped: {parts}"
