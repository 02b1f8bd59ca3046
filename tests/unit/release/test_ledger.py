"""The ledger: what is stored once stays, locks are not weakened, unlocking is recorded."""

from __future__ import annotations

from typing import Any

from include.airlock.model.record import Phase, RegionRecord, ReleaseRecord
from include.airlock.release.ledger import KEPT_RELEASES, Ledger, Lock


class Store(dict[str, Any]):
    def set(self, key: str, value: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


def record(release: str = "r1", build: str = "2.0") -> ReleaseRecord:
    regions = [RegionRecord(name="a"), RegionRecord(name="b", phase=Phase.NOT_ASKED)]
    return ReleaseRecord(
        release=release, dag="d", service="s", build=build, on_failure="halt", started_at="t", regions=regions
    )


def lock(kind: str, release: str = "r1") -> Lock:
    return Lock(kind=kind, reason="because", release=release, at="t")


def test_a_release_is_opened_once() -> None:
    # Given an opened release whose region went on / When another step opens it / Then nothing is lost
    ledger = Ledger(Store())
    ledger.open(record())
    region = ledger.region("r1", "a")
    region.phase = Phase.CHANGED
    ledger.save_region("r1", region, "swapped")
    again = ledger.open(record(build="9.9"))
    assert again.build == "2.0"
    assert [(r.phase, len(r.events)) for r in again.regions] == [(Phase.CHANGED, 1), (Phase.NOT_ASKED, 0)]


def test_a_lock_of_a_way_back_is_never_weakened() -> None:
    # Given a service that was rolled back / When a later step locks it for less / Then the reason stays
    ledger = Ledger(Store())
    ledger.set_lock(lock("in_flight"))
    ledger.set_lock(lock("rolled_back"))
    ledger.set_lock(lock("in_flight"))
    ledger.release_lock_of("r1")
    held = ledger.lock()
    assert held is not None and held.kind == "rolled_back"


def test_only_the_holder_gives_an_in_flight_lock_back() -> None:
    ledger = Ledger(Store())
    ledger.set_lock(lock("in_flight"))
    ledger.release_lock_of("r2")
    assert ledger.lock() is not None
    ledger.release_lock_of("r1")
    assert ledger.lock() is None


def test_unlocking_is_recorded() -> None:
    store = Store()
    ledger = Ledger(store)
    assert ledger.unlock(by="ann", reason="mended", run="u1") is None
    ledger.set_lock(lock("rolled_back"))
    assert ledger.unlock(by="ann", reason="mended", run="u2") is not None
    assert ledger.lock() is None
    assert [(entry["by"], entry["reason"], entry["run"]) for entry in store["unlocks"]] == [
        ("ann", "mended", "u2")
    ]


def test_old_releases_are_forgotten_whole() -> None:
    # Given more releases than are kept / Then the oldest leaves nothing behind
    store = Store()
    ledger = Ledger(store)
    for number in range(KEPT_RELEASES + 2):
        ledger.open(record(f"r{number}"))
        ledger.save_region(f"r{number}", ledger.region(f"r{number}", "a"))
        ledger.told(f"r{number}").set("slack", {"ts": "1"})
    assert not [key for key in store if key.startswith(("release/r0", "release/r1/"))]
    assert ledger.release(f"r{KEPT_RELEASES + 1}") is not None


def test_a_night_in_doubt_is_no_time_that_a_region_takes() -> None:
    # Given a release that took 40 s, and one that failed, was looked at over night and went on
    ledger = Ledger(Store())
    for name, end in (("r1", "2026-11-24T20:00:40+00:00"), ("r2", "2026-11-25T09:00:40+00:00")):
        ledger.open(record(name))
        region = ledger.region(name, "a")
        region.phase, region.started_at, region.ended_at = Phase.ACCEPTED, "2026-11-24T20:00:00+00:00", end
        region.laps = {"verify": 20.0, "bake": 20.0}
        ledger.save_region(name, region)
    # Then only the first tells how long the next one will take
    assert ledger.seconds_taken("a", most=10) == [40.0]
