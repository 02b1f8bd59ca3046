"""Telling: what troubles teach, how long it may take, and that nobody else pays for it."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from include.airlock.announce.notifier import LONGEST_SILENCE_S, Blind, Gone, NotTold, within
from include.airlock.announce.tell import tell
from include.airlock.announce.told import SETTLE_S
from include.airlock.model.record import Outcome, Phase
from tests.unit.announce.media import Channel, HandClock, Killed, Memory, Moments, Receiver, always, once
from tests.unit.announce.releases import region, release

START = release(region("west"))
ON_THE_WAY = release(region("west", Phase.CHANGED, 2))
OVER = release(region("west", Phase.FAILED, 2), outcome=Outcome.HALTED, sentence="west is not healthy")


def down() -> NotTold:
    return NotTold("no answer")


def refused() -> NotTold:
    return NotTold("refused", sure=True)


def limited(seconds: float) -> NotTold:
    return NotTold("rate-limited", sure=True, retry_after=seconds)


def told_once(channel: Channel) -> list[str]:
    return [seen.mark for seen in channel.seen.values()]


def test_all_is_told_in_order_and_then_nothing() -> None:
    """Given a release over its course, when told again and again, then each thing is said once."""
    channel, memory = Channel(), Memory()
    for record in (START, START, ON_THE_WAY, ON_THE_WAY, OVER, OVER):
        assert tell(record, [channel], memory) == []

    assert channel.calls == ["post headline", "edit", "post events", "edit", "post ending"]


def test_when_nothing_is_new_nothing_is_read_but_the_memory() -> None:
    """Given all told, when told again, then neither connection nor medium is asked and nothing is stored."""
    channel, memory = Channel(), Memory()
    tell(START, [channel], memory)
    calls, writes = list(channel.calls), memory.writes
    channel.before = always(down, "ready", "edit")

    assert tell(START, [channel], memory) == []
    assert (channel.calls, memory.writes) == (calls, writes)


def test_what_is_not_told_is_said_with_who_and_why(caplog: pytest.LogCaptureFixture) -> None:
    """Given a medium that is down, when told, then the log and the answer say to whom, what and why."""
    channel = Channel()
    channel.before = always(down, "post headline")

    with caplog.at_level(logging.WARNING):
        (trouble,) = tell(ON_THE_WAY, [channel], Memory())

    assert (trouble.medium, trouble.owed, str(trouble)) == (
        "channel",
        ("that the release has started", "2 events"),
        "no answer",
    )
    line = "Not told to channel: that the release has started, 2 events (no answer). It is kept for later"
    assert line in caplog.text


def test_one_medium_in_trouble_costs_another_nothing() -> None:
    """Given a medium that is down and one that is well, then the second hears everything."""
    channel, receiver = Channel(), Receiver()
    channel.before = always(down, "post headline")

    troubles = tell(OVER, [channel, receiver], Memory())

    assert [trouble.medium for trouble in troubles] == ["channel"]
    assert [key.split("/")[-1] for key in receiver.got] == [
        "headline",
        "events:west:1",
        "events:west:2",
        "ending:1",
    ]


def test_a_slow_medium_leaves_the_others_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given two media and a budget, when the first uses all it may, then the second still has its half."""
    clock, channel, receiver = HandClock(), Channel(), Receiver()
    times: list[float] = []

    def slow(call: str) -> None:
        if call == "post headline":
            clock.at += 2
            raise NotTold("no answer")

    channel.before = slow
    for medium in (channel, receiver):
        monkeypatch.setattr(medium, "post", timed(medium.post, times))
    tell(START, [channel, receiver], Memory(), budget_s=4, clock=clock)

    assert times == [2.0, 2.0]


def timed(post: Callable[..., Any], times: list[float]) -> Callable[..., Any]:
    """Note how long each post may take."""

    def noted(*arguments: Any) -> Any:
        times.append(arguments[-1])
        return post(*arguments)

    return noted


def test_no_call_is_made_when_the_time_is_used_up() -> None:
    """Given a medium that took the whole budget for one post, then the next one waits for another day."""
    clock, channel = HandClock(), Channel()

    def slow(call: str) -> None:
        clock.at += 5

    channel.after = slow
    (trouble,) = tell(OVER, [channel], Memory(), budget_s=4, clock=clock)

    assert channel.calls == ["post headline"]
    assert str(trouble) == "no time left"


def test_an_answer_that_got_lost_is_looked_for_and_adopted() -> None:
    """Given a post whose answer got lost, when told again, then it is found, and nothing is posted again."""
    clock, channel, memory = HandClock(), Channel(), Memory()
    channel.after = once(down, "post headline")
    tell(START, [channel], memory, clock=clock)

    assert tell(START, [channel], memory, clock=clock) == []
    assert channel.calls == ["post headline", "look", "edit"]


def test_a_post_that_may_still_arrive_is_not_repeated_too_soon() -> None:
    """Given a post without an answer that is not there yet, then it is repeated only when none can come."""
    clock, channel, memory = HandClock(), Channel(), Memory()
    channel.before = once(down, "post headline")
    tell(START, [channel], memory, clock=clock)

    clock.at += SETTLE_S - 5
    (trouble,) = tell(START, [channel], memory, clock=clock)
    assert trouble.retry_after == 5
    assert channel.calls == ["post headline", "look"]

    clock.at += 5
    assert tell(START, [channel], memory, clock=clock) == []
    assert told_once(channel) == ["headline"]


def test_a_post_that_was_surely_refused_is_repeated_at_once() -> None:
    """Given a post that was refused for sure, when told again, then it is posted without a look."""
    channel, memory = Channel(), Memory()
    channel.before = once(refused, "post headline")
    tell(START, [channel], memory)

    assert tell(START, [channel], memory) == []
    assert channel.calls == ["post headline", "post headline"]


def test_a_short_wait_that_is_asked_for_is_waited() -> None:
    """Given a rate limit of one second within the budget, then it is waited out and all is told."""
    clock, channel = HandClock(), Channel()
    channel.before = once(lambda: limited(1), "post events")

    assert tell(ON_THE_WAY, [channel], Memory(), clock=clock) == []
    assert clock.slept == [1]


def test_a_long_wait_that_is_asked_for_is_respected_by_later_tells() -> None:
    """Given a rate limit of a minute, then nothing is asked before it is over, and all is told after."""
    clock, channel, memory = HandClock(), Channel(), Memory()
    channel.before = once(lambda: limited(60), "post headline")
    (first,) = tell(START, [channel], memory, clock=clock)
    clock.at += 59
    (second,) = tell(START, [channel], memory, clock=clock)
    clock.at += 2

    assert tell(START, [channel], memory, clock=clock) == []
    assert (first.retry_after, second.retry_after, clock.slept) == (60, 1, [])
    assert channel.calls == ["post headline", "post headline"]


def test_nonsense_in_retry_after_silences_nobody_for_long() -> None:
    """Given a gateway that says to wait for a year, then a few minutes are enough; zero is no busy loop."""
    assert limited(3e7).retry_after == LONGEST_SILENCE_S
    assert limited(0).retry_after == 1


def test_a_clock_put_back_silences_nobody() -> None:
    """Given a wish to be left alone that ends in hours, as a clock put back makes it, then it is ignored."""
    clock, channel, memory = HandClock(), Channel(), Memory()
    channel.before = once(lambda: limited(60), "post headline")
    tell(START, [channel], memory, clock=clock)
    clock.at -= 7200

    assert tell(START, [channel], memory, clock=clock) == []


def test_an_edit_that_is_refused_stops_nothing_else() -> None:
    """Given a workspace that allows no edits, then thread and end are told all the same."""
    channel, memory = Channel(), Memory()
    tell(START, [channel], memory)
    channel.before = always(lambda: NotTold("edit_window_closed", sure=True, others=True), "edit")

    (trouble,) = tell(OVER, [channel], memory)

    assert told_once(channel) == ["headline", "events:west:2", "ending:1"]
    assert trouble.what == "where the release stands now, 2 events, how it ended"


def test_a_deleted_headline_is_not_posted_again() -> None:
    """Given a headline that somebody deleted, then the end is a message of its own, and told once."""
    channel, memory = Channel(), Memory()
    tell(START, [channel], memory)
    channel.before = always(lambda: Gone("gone", sure=True, others=True), "edit", "post events")

    assert tell(ON_THE_WAY, [channel], memory) == []
    assert tell(OVER, [channel], memory) == []
    assert tell(OVER, [channel], memory) == []
    assert [(seen.mark, seen.parent) for seen in channel.seen.values()] == [
        ("headline", ""),
        ("ending:1", ""),
    ]


def test_a_medium_that_calls_a_new_post_gone_does_not_loop() -> None:
    """Given a server that answers nonsense to the first post, then it is asked once a tell."""
    channel, memory = Channel(), Memory()
    channel.before = always(lambda: Gone("gone", sure=True, others=True), "post headline")

    (trouble,) = tell(OVER, [channel], memory)

    assert channel.calls == ["post headline"]
    assert trouble.owed[0] == "that the release has started"


def test_where_nobody_can_look_nothing_is_posted_twice(caplog: pytest.LogCaptureFixture) -> None:
    """Given a lost answer and no right to look, then the log says so, and the end is told on its own."""
    clock, channel, memory = HandClock(), Channel(), Memory()
    channel.after = once(down, "post headline")
    channel.before = always(lambda: Blind("missing_scope (channels:history)"), "look")
    tell(START, [channel], memory, clock=clock)
    clock.at += 60

    with caplog.at_level(logging.WARNING):
        assert tell(OVER, [channel], memory, clock=clock) == []

    assert [(seen.mark, seen.parent) for seen in channel.seen.values()] == [
        ("headline", ""),
        ("ending:1", ""),
    ]
    assert (
        "may not have got the headline, and can't be asked: missing_scope (channels:history)" in caplog.text
    )


class BrokenMemory(Memory):
    """A memory that can't be read, or not be written."""

    def __init__(self, *, reads: bool) -> None:
        super().__init__()
        self.reads = reads

    def get(self, key: str) -> dict[str, Any] | None:
        if not self.reads:
            raise ConnectionError("the API server is away")
        return super().get(key)

    def set(self, key: str, value: dict[str, Any]) -> None:
        raise ConnectionError("the API server is away")


@pytest.mark.parametrize("reads", [True, False])
def test_without_a_memory_nothing_is_posted_and_nothing_raised(reads: bool) -> None:
    """Given a memory that is away, when told, then nothing is posted on a guess and no error escapes."""
    channel = Channel()

    (trouble,) = tell(START, [channel], BrokenMemory(reads=reads))

    assert channel.calls == []
    assert "can't be reached (ConnectionError)" in str(trouble)


def test_a_memory_of_another_shape_is_not_guessed_at() -> None:
    """Given a memory that can't be understood, when told, then nothing is posted."""
    channel, memory = Channel(), Memory()
    memory.values["channel"] = {"headline": "what?"}

    (trouble,) = tell(START, [channel], memory)

    assert channel.calls == []
    assert "can't be read" in str(trouble)


def test_errors_of_our_own_are_not_hidden() -> None:
    """Given a mistake in our own code, when told, then it is seen."""
    channel = Channel()

    def broken(call: str) -> None:
        raise TypeError("ours")

    channel.before = broken
    with pytest.raises(TypeError):
        tell(START, [channel], Memory())


def test_a_kill_is_not_swallowed() -> None:
    """Given a worker that is told to stop, when telling, then it stops."""
    with pytest.raises(Killed):
        tell(START, [Channel(Moments({1}))], Memory())


def test_the_same_medium_twice_in_a_spec_hears_it_once() -> None:
    """Given a spec that names one medium twice, then it is told once."""
    channel = Channel()

    tell(OVER, [channel, channel], Memory())

    assert told_once(channel) == ["headline", "events:west:2", "ending:1"]


def test_within_waits_no_longer_than_it_may() -> None:
    """Given a call that never ends, then its caller goes on in time and it holds up no exit."""
    forever = threading.Event()
    started = time.monotonic()

    with pytest.raises(NotTold, match=r"no answer within 0\.1 s"):
        within(0.1, forever.wait)

    assert time.monotonic() - started < 2
    left = [thread for thread in threading.enumerate() if thread.name == "airlock-tell"]
    assert all(thread.daemon for thread in left)
    forever.set()


def test_within_answers_and_raises_what_the_call_does() -> None:
    """Given a call that answers or fails, then so does its caller, even with None."""
    assert within(5, lambda: None) is None
    with pytest.raises(KeyError):
        within(5, lambda: os.environ["AIRLOCK_NO_SUCH_NAME"])
