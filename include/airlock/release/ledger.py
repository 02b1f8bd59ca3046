"""The ledger: what a service's releases remember, kept outside any run.

It lives in Airflow's asset state store, under one asset a service. Unlike XComs (deleted when
a retry starts) and the task state store (one task's own), it is shared by all steps of a
release and by later releases, survives killed workers, and keeps who wrote each entry.
Each key has one writer at a time: a region's steps follow one another, and one run of a
service is active at a time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import BaseModel

from include.airlock.model.plan_report import PlanReport
from include.airlock.model.record import Event, Phase, RegionRecord, ReleaseRecord

KEPT_RELEASES = 50
KEPT_PLANS = 50
_UNKNOWN_S = 60.0
"""Seconds of a region's time that no step accounts for, above which it tells nothing of the next one."""


class Store(Protocol):
    """Airflow's asset state store, as far as the ledger uses it: JSON values by key."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or ``default``."""

    def set(self, key: str, value: Any) -> None:
        """Store a value durably."""

    def delete(self, key: str) -> None:
        """Forget a key."""


class Lock(BaseModel):
    """Why a service is locked: the reason as written, by which release, since when.

    ``kind`` is ``in_flight`` (a region is being changed or in doubt; the release that holds it
    may go on, others may not) or ``rolled_back`` (only an unlock ends it). ``run`` is the rollback's
    own run where one holds it, and ``before`` the lock that it took the place of.
    """

    kind: str
    reason: str
    release: str
    at: str
    run: str | None = None
    before: Lock | None = None


class Unlock(BaseModel):
    """A lock that somebody took away: by whom, why, by which run, when."""

    lock: Lock
    by: str | None = None
    reason: str
    run: str
    at: str


def now() -> str:
    """The present moment, UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class RollbackEntry(BaseModel):
    """What one run of ``rollback_<service>`` undoes, or why it does not; kept until 50 later ones.

    ``release`` is None where it could not even be told which one was meant.
    """

    run: str
    release: str | None = None
    places: list[str] = []
    dry: bool = False
    refusal: str | None = None
    report: str | None = None


class Ledger:
    """Reads and writes one service's entries."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def release(self, release: str) -> ReleaseRecord | None:
        """A release with all its regions as stored, or None."""
        header = self._store.get(f"release/{release}")
        if header is None:
            return None
        record = ReleaseRecord.model_validate(header)
        names = [region.name for region in record.regions]
        return record.model_copy(update={"regions": [self.region(release, name) for name in names]})

    def open(self, record: ReleaseRecord, *, enlist: bool = True) -> ReleaseRecord:
        """Store a release's header unless it is there, and answer what is stored.

        ``enlist``: it is the service's newest release from now on. One that waits for its turn is not yet.
        """
        if self._store.get(f"release/{record.release}") is None:
            self._store.set(f"release/{record.release}", record.model_dump(mode="json"))
        if enlist:
            # also when a worker died between the two
            self._remember(record.release, within="planned" if record.plan_only else "releases")
        stored = self.release(record.release)
        assert stored is not None
        return stored

    def save_header(self, record: ReleaseRecord) -> None:
        """Store what concerns the whole release; regions are stored by ``save_region``."""
        bare = [RegionRecord(name=region.name, phase=region.phase) for region in record.regions]
        header = record.model_copy(update={"regions": bare})
        self._store.set(f"release/{record.release}", header.model_dump(mode="json"))

    def region(self, release: str, name: str) -> RegionRecord:
        """A region's part of a release; as the header had it when nothing was stored since."""
        value = self._store.get(f"release/{release}/region/{name}")
        if value is not None:
            return RegionRecord.model_validate(value)
        header = ReleaseRecord.model_validate(self._store.get(f"release/{release}"))
        new = RegionRecord(name=name, phase=Phase.NOT_ASKED)  # the spec got a region since the release began
        return next((region for region in header.regions if region.name == name), new)

    def save_region(self, release: str, region: RegionRecord, event: str | None = None) -> None:
        """Store a region's part, with an event for people when there is something to tell."""
        if event is not None:
            region.events.append(Event(n=len(region.events) + 1, at=now(), text=event))
        self._store.set(f"release/{release}/region/{region.name}", region.model_dump(mode="json"))

    def changed_later(self, release: str, name: str, *, undone: bool = True) -> str | None:
        """The first release opened after ``release`` that changed region ``name``, or None.

        ``undone``: one that was rolled back there since counts as well.
        """
        known = self._store.get("releases", [])
        later = known[known.index(release) + 1 :] if release in known else []
        for other in later:
            value = self._store.get(f"release/{other}/region/{name}")
            region = None if value is None else RegionRecord.model_validate(value)
            if region and region.touched and (undone or region.phase is not Phase.ROLLED_BACK):
                return str(other)
        return None

    def last_change(self, release: str, name: str) -> tuple[str, RegionRecord] | None:
        """The last release before ``release`` that changed region ``name``, and what it left there."""
        known = self._store.get("releases", [])
        earlier = known[: known.index(release)] if release in known else known
        for other in reversed(earlier):
            value = self._store.get(f"release/{other}/region/{name}")
            if value is not None and (region := RegionRecord.model_validate(value)).touched:
                return str(other), region
        return None

    def seconds_taken(self, name: str, *, most: int) -> list[float]:
        """How long region ``name`` took in the last ``most`` releases that accepted it, newest first.

        Where it failed on the way, or waited for people, nobody can tell: such a release does not count.
        """
        found: list[float] = []
        for release in reversed(self._store.get("releases", [])):
            value = self._store.get(f"release/{release}/region/{name}")
            region = RegionRecord.model_validate(value) if value is not None else None
            if region and region.phase is Phase.ACCEPTED and region.started_at and region.ended_at:
                start, end = map(datetime.fromisoformat, (region.started_at, region.ended_at))
                taken = max(0.0, (end - start).total_seconds())
                if not region.laps or taken - sum(region.laps.values()) <= _UNKNOWN_S:
                    found.append(taken)
            if len(found) == most:
                break
        return found

    def seconds_of_steps(self, name: str, *, most: int) -> dict[str, list[float]]:
        """How long each step of region ``name`` took in the last ``most`` releases that accepted it."""
        found: dict[str, list[float]] = {}
        accepted = 0
        for release in reversed(self._store.get("releases", [])):
            value = self._store.get(f"release/{release}/region/{name}")
            region = RegionRecord.model_validate(value) if value is not None else None
            if region is None or region.phase is not Phase.ACCEPTED:
                continue
            for step, seconds in region.laps.items():
                found.setdefault(step, []).append(seconds)
            accepted += 1
            if accepted == most:
                break
        return found

    def plan(self, digest: str) -> PlanReport | None:
        """The plan of that hash; None when it is not remembered."""
        value = self._store.get(f"plan/{digest}")
        return None if value is None else PlanReport.model_validate(value)

    def plans(self) -> list[str]:
        """The hashes of the plans that are remembered, oldest first."""
        return list(self._store.get("plans", []))

    def save_plan(self, plan: PlanReport) -> None:
        """Store a plan under its hash; kept until 50 others were made after it."""
        known = [digest for digest in self.plans() if digest != plan.hash] + [plan.hash]
        for old in known[:-KEPT_PLANS]:
            self._store.delete(f"plan/{old}")
        self._store.set(f"plan/{plan.hash}", plan.model_dump(mode="json", by_alias=True))
        self._store.set("plans", known[-KEPT_PLANS:])

    def told(self, release: str) -> Told:
        """Where the announcements of a release remember what was told."""
        return Told(self._store, release)

    def lock(self) -> Lock | None:
        """The service's lock, or None."""
        value = self._store.get("lock")
        return None if value is None else Lock.model_validate(value)

    def set_lock(self, lock: Lock) -> None:
        """Lock the service. A lock of a way back is never weakened."""
        held = self.lock()
        if held is None or held.kind != "rolled_back":
            self._store.set("lock", lock.model_dump(mode="json"))

    def unlock(self, *, by: str | None, reason: str, run: str) -> Lock | None:
        """Take the lock away and keep who did it, why and by which run. Answers the lock it took."""
        held = self.lock()
        if held is not None:
            entry = {
                "lock": held.model_dump(mode="json"),
                "by": by,
                "reason": reason,
                "run": run,
                "at": now(),
            }
            self._store.set("unlocks", [*self._store.get("unlocks", []), entry][-KEPT_RELEASES:])
            self._store.delete("lock")
        return held

    def unlocks_of(self, release: str) -> list[Unlock]:
        """Who took away locks that ``release`` held, oldest first; the last 50 of the service are known."""
        found = [Unlock.model_validate(entry) for entry in self._store.get("unlocks", [])]
        return [entry for entry in found if entry.lock.release == release]

    def unwritten(self) -> list[str]:
        """The releases whose record file could not be written yet, oldest first."""
        return list(self._store.get("unwritten", []))

    def note_unwritten(self, release: str) -> None:
        """Remember that the record file of ``release`` is still to be written."""
        if release not in self.unwritten():
            self._store.set("unwritten", [*self.unwritten(), release][-KEPT_RELEASES:])

    def note_written(self, release: str) -> None:
        """The record file of ``release`` is written."""
        if release in self.unwritten():
            self._store.set("unwritten", [each for each in self.unwritten() if each != release])

    def replace_lock(self, lock: Lock | None) -> None:
        """Hold exactly this lock, or none, whatever was held before."""
        if lock is None:
            self._store.delete("lock")
        else:
            self._store.set("lock", lock.model_dump(mode="json"))

    def known(self) -> list[str]:
        """The run ids of the releases that are remembered, oldest first."""
        return list(self._store.get("releases", []))

    def rollback(self, run: str) -> RollbackEntry | None:
        """What a run of the rollback is about, or None before its look ended."""
        value = self._store.get(f"rollback/{run}")
        return None if value is None else RollbackEntry.model_validate(value)

    def save_rollback(self, entry: RollbackEntry) -> None:
        """Store what a run of the rollback is about."""
        runs = [run for run in self._store.get("rollbacks", []) if run != entry.run] + [entry.run]
        for old in runs[:-KEPT_RELEASES]:
            self._store.delete(f"rollback/{old}")
        self._store.set(f"rollback/{entry.run}", entry.model_dump(mode="json"))
        self._store.set("rollbacks", runs[-KEPT_RELEASES:])

    def save_refusal(self, record: ReleaseRecord) -> str:
        """Keep what could not even begin, only for its telling; answers the name under which it is kept.

        No release counts it among its own, and no run's id can be that name: none has a ``/``.
        """
        name = f"refused/{record.dag}/{record.release}"
        self._store.set(f"release/{name}", record.model_dump(mode="json"))
        self._remember(name, within="refused")
        return name

    def release_lock_of(self, release: str) -> None:
        """Take away the ``in_flight`` lock that ``release`` itself holds; any other stays."""
        held = self.lock()
        if held is not None and held.kind == "in_flight" and held.release == release:
            self._store.delete("lock")

    def enlist(self, release: str) -> None:
        """The release has its turn: it is the newest from now on, unless it has changed something before."""
        known = self._store.get("releases", [])
        record = self.release(release)
        if record is not None and record.plan_only:
            self._remember(release, within="planned")
            return
        if release in known and (record is None or any(region.touched for region in record.regions)):
            return
        self._store.set("releases", [name for name in known if name != release])
        self._remember(release, within="releases")

    def _remember(self, release: str, *, within: str) -> None:
        """What only planned has a list of its own, so that it puts no release out of mind."""
        known = self._store.get(within, [])
        if release in known:
            return
        known = [*known, release]
        for old in known[:-KEPT_RELEASES]:
            self._forget(old)
        self._store.set(within, known[-KEPT_RELEASES:])

    def _forget(self, release: str) -> None:
        record = self.release(release)
        for region in record.regions if record else []:
            self._store.delete(f"release/{release}/region/{region.name}")
        self._store.delete(f"release/{release}/told")
        self._store.delete(f"release/{release}")


class Told:
    """One release's memory of what was told, as a small key-value store of its own."""

    def __init__(self, store: Store, release: str) -> None:
        self._store = store
        self._key = f"release/{release}/told"

    def get(self, key: str) -> dict[str, Any] | None:
        """What is remembered under ``key``, or None."""
        return (self._store.get(self._key) or {}).get(key)

    def set(self, key: str, value: dict[str, Any]) -> None:
        """Remember ``value`` under ``key``. One teller at a time: the tell steps follow one another."""
        self._store.set(self._key, {**(self._store.get(self._key) or {}), key: value})
