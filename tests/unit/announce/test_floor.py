"""One teller at a time: who waits for the floor, for how long, and whom a dead holder keeps out."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.announce.floor import HELD_S, KEY, floor
from include.airlock.announce.tell import Clock


class Memory(dict[str, Any]):
    """What was told, in memory; ``broken`` fails every call."""

    broken = False

    def get(self, key: str, default: Any = None) -> Any:
        if self.broken:
            raise ConnectionError("the database is away")
        return super().get(key, default)

    def set(self, key: str, value: Any) -> None:
        if self.broken:
            raise ConnectionError("the database is away")
        self[key] = value


class Time(Clock):
    """A clock that is moved by sleeping on it; ``then`` happens while somebody sleeps."""

    def __init__(self) -> None:
        self.now, self.then = 1000.0, lambda: None

    def wall(self) -> float:
        return self.now

    def steady(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.then()


@pytest.fixture
def time() -> Time:
    return Time()


def test_it_is_taken_and_given_back(time: Time) -> None:
    store = Memory()
    with floor(store, time):
        assert store[KEY]["by"]
    assert store[KEY] == {}
    assert time.now < 1001


def test_a_second_teller_waits_until_the_first_has_ended(time: Time) -> None:
    # Given a teller that has the floor for three seconds / When a second one comes / Then it waits so long
    store = Memory({KEY: {"by": "other", "until": time.now + HELD_S}})
    time.then = lambda: store.set(KEY, {}) if time.now >= 1003 and store[KEY].get("by") == "other" else None
    with floor(store, time):
        assert 1003 <= time.now < 1004
        assert store[KEY]["by"] != "other"


def test_a_dead_holder_keeps_nobody_out_for_long(time: Time) -> None:
    store = Memory({KEY: {"by": "dead", "until": time.now + HELD_S}})
    with floor(store, time):
        assert time.now <= 1000 + HELD_S + 1
    # And a moment that nobody can mean, as of a clock that was set back, counts for nothing
    store.set(KEY, {"by": "dead", "until": time.now + 1e6})
    began = time.now
    with floor(store, time):
        assert time.now < began + 1


def test_of_two_at_once_one_has_it(time: Time) -> None:
    # Given another that writes over what was just written / Then that one has it, and this one waits
    store = Memory()
    writes = iter([{"by": "other", "until": time.now + 2.0}])
    time.then = lambda: store.update({KEY: next(writes, store[KEY])})
    with floor(store, time):
        assert time.now >= 1002
        assert store[KEY]["by"] != "other"


def test_a_store_that_fails_stops_nobody(time: Time) -> None:
    store = Memory()
    store.broken = True
    told = []
    with floor(store, time):
        told.append("anyway")
    assert told == ["anyway"]
