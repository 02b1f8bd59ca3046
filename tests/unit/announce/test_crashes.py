"""A worker may be killed at any moment: nothing is said twice, and nothing is lost.

Each test tells a whole release while the worker dies right before or right after any write
to the memory and any call of the medium, and is started again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.airlock.announce import rendering
from include.airlock.announce.notifier import NotTold
from include.airlock.announce.tell import tell
from include.airlock.model.record import Outcome, Phase, ReleaseRecord
from tests.unit.announce.media import Channel, HandClock, Killed, Memory, Moments, Receiver
from tests.unit.announce.releases import region, release, story

ATTEMPTS = 40


def tell_until_done(
    record: ReleaseRecord, medium: Channel | Receiver, memory: Memory, clock: HandClock
) -> None:
    """Tell as a task with many retries would: a killed try is followed by another one half a minute later."""
    for _ in range(ATTEMPTS):
        try:
            if not tell(record, [medium], memory, clock=clock):
                return
        except Killed:
            pass
        clock.at += 30
    raise AssertionError("never told")


def tell_patiently(medium: Channel | Receiver, memory: Memory, records: list[ReleaseRecord]) -> None:
    """Tell each record until it is told."""
    clock = HandClock()
    for record in records:
        tell_until_done(record, medium, memory, clock)


def tell_impatiently(medium: Channel | Receiver, memory: Memory, records: list[ReleaseRecord]) -> None:
    """Tell each record once, whatever becomes of it, and the last one until it is told."""
    clock = HandClock()
    for record in records[:-1]:
        with suppress(Killed):
            tell(record, [medium], memory, clock=clock)
        clock.at += 5
    tell_until_done(records[-1], medium, memory, clock)


def assert_told_once(channel: Channel, last: ReleaseRecord) -> None:
    """One headline that says how it stands, each event once in its thread, one loud ending."""
    (headline,) = channel.texts("headline")
    assert headline == rendering.headline(last).text
    said = Counter(re.findall(r"(?:step|note) \d+ [^.]*\.", "\n".join(channel.texts("events"))))
    lists = [last.events, *(each.events for each in last.regions)]
    assert said == Counter(event.text for events in lists for event in events)
    assert channel.texts("ending") == [rendering.ending(last).text]
    assert [seen.mark for seen in channel.seen.values() if seen.loud] == ["ending:1"]
    assert all(seen.parent for seen in channel.seen.values() if seen.mark != "headline")


def moments_of_a_story() -> int:
    moments = Moments()
    tell_patiently(Channel(moments), Memory(moments), story())
    return moments.passed


MOMENTS = moments_of_a_story()


def test_a_story_has_many_moments_to_die() -> None:
    """Given a release of two regions, then it has dozens of moments at which a worker can be killed."""
    assert MOMENTS > 30


@pytest.mark.parametrize("deadly", range(1, MOMENTS + 1))
@pytest.mark.parametrize("patient", [True, False])
def test_killed_once(deadly: int, patient: bool) -> None:
    """Given a worker killed at one moment, when it is started again, then all is told once."""
    moments = Moments({deadly})
    channel, memory, records = Channel(moments), Memory(moments), story()

    (tell_patiently if patient else tell_impatiently)(channel, memory, records)

    assert_told_once(channel, records[-1])


def test_killed_twice_at_any_two_moments() -> None:
    """Given a worker killed at any two moments, when it is started again, then all is told once."""
    for deadly in combinations(range(1, MOMENTS + 8), 2):
        moments = Moments(set(deadly))
        channel, records = Channel(moments), story()

        tell_patiently(channel, Memory(moments), records)

        assert_told_once(channel, records[-1])


TROUBLES: dict[str, tuple[str, Callable[[], NotTold] | None]] = {
    "lost reply": ("after", lambda: NotTold("no answer")),
    "down": ("before", lambda: NotTold("no answer")),
    "refused": ("before", lambda: NotTold("refused", sure=True)),
    "rate-limited": ("before", lambda: NotTold("rate-limited", sure=True, retry_after=20)),
    "rate-limited, short": ("before", lambda: NotTold("rate-limited", sure=True, retry_after=1)),
    "fine": ("before", None),
}


@given(
    deadly=st.sets(st.integers(1, MOMENTS * 2), max_size=6),
    troubles=st.lists(st.sampled_from(sorted(TROUBLES)), max_size=25),
    patient=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_killed_and_troubled_in_any_way(deadly: set[int], troubles: list[str], patient: bool) -> None:
    """Given any kills and any troubles of the medium, when telling goes on, then all is told once."""
    moments = Moments(deadly)
    channel, memory, records = Channel(moments), Memory(moments), story()
    plan = iter(troubles)
    when: dict[str, str] = {}

    def trouble(at: str, call: str) -> None:
        if at == "before":
            when[call] = next(plan, "fine")
        place, make = TROUBLES[when[call]]
        if place == at and make is not None:
            raise make()

    channel.before = lambda call: None if call == "ready" else trouble("before", call)
    channel.after = lambda call: trouble("after", call)

    (tell_patiently if patient else tell_impatiently)(channel, memory, records)

    assert_told_once(channel, records[-1])


@given(deadly=st.sets(st.integers(1, 200), max_size=8))
@settings(max_examples=200, deadline=None)
def test_a_receiver_that_drops_repeated_keys_hears_all_once(deadly: set[int]) -> None:
    """Given any kills, when a medium keeps nothing, then each event arrives, under one key for ever."""
    moments = Moments(deadly)
    receiver, records = Receiver(moments), story()

    tell_patiently(receiver, Memory(moments), records)

    last = records[-1]
    lists = {"": last.events, **{each.name: each.events for each in last.regions}}
    events = [f"events:{name}:{event.n}" for name, known in lists.items() for event in known]
    keys = {f"release_payments/CHG-1001/{mark}" for mark in ["headline", *events, "ending:1"]}
    assert set(receiver.got) == keys
    assert len(receiver.got) <= len(keys) + len(deadly)


@pytest.mark.parametrize("deadly", range(1, 60))
def test_a_release_that_goes_on_after_a_halt_ends_twice(deadly: int) -> None:
    """Given a halted release that is cleared and succeeds, then both ends are told, each once."""
    moments = Moments({deadly})
    channel, memory = Channel(moments), Memory(moments)
    halted = release(region("west", Phase.FAILED, 2), outcome=Outcome.HALTED, sentence="west is not healthy")
    records = [
        halted,
        release(region("west", Phase.CHANGING, 3)),
        release(
            region("west", Phase.FAILED, 4), outcome=Outcome.HALTED, sentence="west is still not healthy"
        ),
        release(region("west", Phase.ACCEPTED, 6)),
        release(region("west", Phase.ACCEPTED, 6), outcome=Outcome.RELEASED),
    ]

    tell_patiently(channel, memory, records)

    assert len(channel.texts("headline")) == 1
    endings = [rendering.ending(records[index]).text for index in (0, 2, 4)]
    assert channel.texts("ending") == endings
