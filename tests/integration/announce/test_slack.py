"""Slack over HTTP, through the Slack provider, with every way in which it can be out of order."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest
from aiohttp import web

from include.airlock.announce import rendering
from include.airlock.announce.notifier import NotTold
from include.airlock.model.record import Outcome, Phase, ReleaseRecord
from tests.integration.announce.media import CHANNEL, Media, answering, connect, slack, tell
from tests.unit.announce.media import HandClock, Memory
from tests.unit.announce.releases import region, release, story

START = release(region("west"))
SETTLED = 30


class SlidClock(HandClock):
    """The real time, and what a test lets pass on top."""

    def __init__(self) -> None:
        super().__init__()
        self.at = 0.0

    def wall(self) -> float:
        return time.time() + self.at

    def steady(self) -> float:
        return time.monotonic() + self.at


def tell_all(records: list[ReleaseRecord], memory: Memory, channel: str = CHANNEL) -> list[NotTold]:
    """Tell each record once, each time as a new task; answer what the last one left."""
    left: list[NotTold] = []
    for record in records:
        left = tell(record, [slack(channel)], memory)
    return left


@pytest.mark.parametrize("channel", [CHANNEL, "#releases", "releases"])
def test_a_release_is_one_message_edited_in_place_with_a_thread_and_a_loud_end(
    media: Media, channel: str
) -> None:
    """Given a release, when told as it goes, then the channel shows one message, its thread and the end."""
    records = story()

    assert tell_all(records, Memory(), channel) == []

    headline, *replies, end = media.channel()
    assert headline["text"] == rendering.headline(records[-1]).text
    assert headline["blocks"] == list(rendering.headline(records[-1]).blocks)
    assert headline["edited"] == len(records) - 1
    assert not headline["unfurl_links"]
    assert {reply["thread_ts"] for reply in [*replies, end]} == {headline["ts"]}
    assert [reply["reply_broadcast"] for reply in replies] == [False] * len(replies)
    assert (end["reply_broadcast"], end["text"]) == (True, rendering.ending(records[-1]).text)
    said = "\n".join(reply["text"] for reply in replies)
    assert all(said.count(f"step {n} in north.") == 1 for n in range(1, 15))


def test_telling_again_changes_nothing(media: Media) -> None:
    """Given a told release, when told again, then Slack is not called."""
    memory, records = Memory(), story()
    tell_all(records, memory)
    before = media.journal.counts()

    assert tell_all([records[-1]] * 3, memory) == []
    assert media.journal.counts() == before


@pytest.mark.parametrize("channel", [CHANNEL, "#releases"])
@pytest.mark.parametrize("operation", ["chat.postMessage", "chat.update"])
@pytest.mark.parametrize("after", range(4))
def test_a_lost_reply_posts_nothing_twice(media: Media, operation: str, after: int, channel: str) -> None:
    """Given any one answer of Slack that gets lost, when telling goes on, then nothing is there twice."""
    where = {"service": "slack", "operation": operation}
    media.faults.add({"fault": "slack_reply_lost", "where": where, "times": 1, "after": after})
    memory, records = Memory(), story()

    left = tell_all([*records, records[-1], records[-1]], memory, channel)

    assert left == []
    assert len(media.marks()) == len(set(media.marks()))
    assert [mark for mark in media.marks() if not mark.startswith("events")] == ["headline", "ending:1"]
    assert media.channel()[0]["text"] == rendering.headline(records[-1]).text


def test_every_reply_lost_for_a_while(media: Media) -> None:
    """Given a Slack that acts and never answers a post, when it answers again, then nothing is twice."""
    where = {"service": "slack", "operation": "chat.postMessage"}
    media.faults.add({"fault": "slack_reply_lost", "where": where})
    memory, records = Memory(), story()
    tell_all([*records, *records[-1:] * 4], memory)

    media.faults.clear()

    assert tell_all(records[-1:] * 2, memory) == []
    assert len(media.marks()) == len(set(media.marks()))
    assert media.marks()[0] == "headline"
    assert media.marks().count("ending:1") == 1


@pytest.mark.parametrize("fault", [{"fault": "slack_down"}, {"fault": "slack_down", "how": "closed"}])
def test_slack_down_fails_nothing_and_all_is_told_later(media: Media, fault: dict[str, str]) -> None:
    """Given Slack down for a whole release, when it is back, then start, events and end are told, once."""
    media.faults.add(fault)
    clock, memory, records = SlidClock(), Memory(), story()
    for record in records:
        (trouble,) = tell(record, [slack()], memory, clock=clock)
    assert "how it ended" in trouble.owed
    assert media.channel() == []

    media.faults.clear()
    clock.at += SETTLED

    assert tell(records[-1], [slack()], memory, clock=clock) == []
    assert media.marks()[0] == "headline"
    assert media.marks()[-1] == "ending:1"
    assert len(media.marks()) == len(set(media.marks()))


def test_a_slow_slack_costs_no_more_than_the_budget(media: Media) -> None:
    """Given a Slack that acts and answers after 3 s, when told, then the budget is all it costs."""
    where = {"service": "slack", "operation": "chat.postMessage"}
    media.faults.add({"fault": "slack_slow", "delay": 3, "times": 1, "where": where})
    memory, notifier = Memory(), slack()
    notifier.ready()
    started = time.monotonic()

    (trouble,) = tell(START, [notifier], memory, budget_s=0.5)

    assert 0.4 < time.monotonic() - started < 2
    assert "no answer" in str(trouble)
    assert tell(START, [slack()], memory) == []
    assert media.marks() == ["headline"]


def test_a_server_that_drips_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a server that sends a byte now and then, when told, then it is left when the time is over."""

    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.05)
        except ConnectionError:
            return response

    with answering(drip, monkeypatch):
        notifier = slack()
        notifier.ready()
        started = time.monotonic()
        (trouble,) = tell(START, [notifier], Memory(), budget_s=0.6)

    assert time.monotonic() - started < 3
    assert "no answer within" in str(trouble)


def test_a_long_rate_limit_is_obeyed_and_costs_no_time(media: Media) -> None:
    """Given a rate limit longer than the budget, then nothing waits, and nobody asks before it is over."""
    media.faults.add({"fault": "slack_rate_limited", "retry_after": 60, "times": 1})
    clock, memory = SlidClock(), Memory()
    started = time.monotonic()
    (trouble,) = tell(START, [slack()], memory, clock=clock)
    (still,) = tell(START, [slack()], memory, clock=clock)
    took, calls = time.monotonic() - started, media.calls("chat.postMessage")
    clock.at += 61

    assert tell(START, [slack()], memory, clock=clock) == []
    assert (trouble.retry_after, calls) == (60, 1)
    assert still.retry_after is not None
    assert took < 2
    assert media.marks() == ["headline"]


def test_a_short_rate_limit_is_waited_out(media: Media) -> None:
    """Given a rate limit of one second, when told, then it is told within the budget."""
    media.faults.add({"fault": "slack_rate_limited", "retry_after": 1, "times": 1})

    assert tell(START, [slack()], Memory()) == []
    assert media.marks() == ["headline"]


def test_a_busy_channel_is_read_page_by_page(media: Media) -> None:
    """Given 450 messages by others since a lost answer, when told again, then ours is found among them."""
    media.faults.add({"fault": "slack_reply_lost", "where": {"operation": "chat.postMessage"}, "times": 1})
    memory = Memory()
    tell(START, [slack()], memory)
    channel = media.slack.by_id(CHANNEL)
    assert channel is not None
    for number in range(450):
        media.slack.add(channel, f"noise {number}")

    assert tell(START, [slack()], memory) == []
    ours = [held for held in media.channel() if held["metadata"]]
    assert len(ours) == 1
    assert media.calls("conversations.history") == 3


def test_two_services_with_one_run_id_are_two_releases(media: Media) -> None:
    """Given the same run id in two DAGs and a lost answer, then each finds its own message."""
    where = {"operation": "chat.postMessage"}
    media.faults.add({"fault": "slack_reply_lost", "where": where, "times": 2})
    other = release(region("west"), dag="release_catalog", service="catalog")
    memories = Memory(), Memory()
    for record, memory in zip((START, other), memories, strict=True):
        tell(record, [slack()], memory)
    for record, memory in zip((START, other), memories, strict=True):
        assert tell(record, [slack()], memory) == []

    places = [memory.values["slack slack_default " + CHANNEL]["headline"]["ts"] for memory in memories]
    assert places == [held["ts"] for held in media.channel()]


def test_a_deleted_message_is_not_posted_again(media: Media) -> None:
    """Given a headline that somebody deleted, then only the end is told, as a message of its own."""
    memory, records = Memory(), story()
    tell_all(records[:1], memory)
    channel = media.slack.by_id(CHANNEL)
    assert channel is not None
    media.slack.remove(media.slack.messages(channel)[0])

    assert tell_all(records[1:], memory) == []
    (end,) = media.channel()
    assert (end["text"], end["thread_ts"]) == (rendering.ending(records[-1]).text, None)


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("#nowhere", "channel_not_found: there is no such channel"),
        ("C0SANDBOX03", "not_in_channel: invite the bot"),
        ("C0SANDBOX04", "is_archived: the channel is archived"),
    ],
)
def test_a_channel_that_can_t_be_used_is_named(media: Media, channel: str, words: str) -> None:
    """Given a wrong channel, when told, then the trouble says how to mend it, and nothing is raised."""
    (trouble,) = tell(START, [slack(channel)], Memory())

    assert words in str(trouble)
    assert channel in trouble.medium


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "connection 'slack_default' is absent or lacks a bot token"),
        ({"conn_type": "slack"}, "connection 'slack_default' is absent or lacks a bot token"),
        ({"conn_type": "slack", "password": "x", "extra": {"base_url": "ftp://x"}}, "can't be used"),
        (
            {"conn_type": "slack", "password": "x", "extra": {"base_url": "http://127.0.0.1:1/api/"}},
            "Refused",
        ),
        (
            {"conn_type": "slack", "password": "x", "extra": {"base_url": "https://x.invalid/api/"}},
            "gaierror",
        ),
    ],
)
def test_a_wrong_connection_is_said(monkeypatch: pytest.MonkeyPatch, value: Any, words: str) -> None:
    """Given a connection that is absent or wrong, when told, then that is said and nothing is raised."""
    monkeypatch.delenv("AIRFLOW_CONN_SLACK_DEFAULT", raising=False)
    if value:
        connect(
            monkeypatch,
            "slack_default",
            value["conn_type"],
            value.get("password", ""),
            **{key: held for key, held in value.items() if key == "extra"},
        )

    (trouble,) = tell(START, [slack()], Memory())

    assert words in str(trouble)


def test_a_wrong_token_is_said_and_never_shown(
    media: Media, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """Given a token that Slack refuses, then the log says so without it, at any level."""
    token = "xoxb-very-secret-1"
    connect(monkeypatch, "slack_default", "slack", token, extra={"base_url": f"{media.address}/api/"})
    with caplog.at_level(logging.DEBUG):
        (trouble,) = tell(START, [slack()], Memory())

    assert "invalid_auth: the connection's token is wrong" in str(trouble)
    assert token not in caplog.text


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, "<html>hello</html>", "text/html"),
        (200, '"ok"', "application/json"),
        (200, "[]", "application/json"),
        (200, '{"ok": true}', "application/json"),
        (200, '{"ok": true, "ts": 5, "channel": null}', "application/json"),
        (200, "", "application/json"),
        (200, "x", "application/gzip"),
        (200, "ü", "text/plain; charset=no-such"),
        (302, "", "text/html"),
        (404, "not here", "text/plain"),
        (500, "<html>", "text/html"),
        (503, '{"ok": false}', "application/json"),
        (200, '{"ok": false, "error": {"a": 1}}', "application/json"),
    ],
)
def test_answers_that_are_no_answers(
    monkeypatch: pytest.MonkeyPatch, status: int, body: str, kind: str
) -> None:
    """Given a server that answers nonsense, when told, then that is said and nothing is raised."""

    async def nonsense(request: web.Request) -> web.Response:
        headers = {"Content-Type": kind, "Location": "/elsewhere"}
        return web.Response(status=status, body=body.encode(), headers=headers)

    memory = Memory()
    with answering(nonsense, monkeypatch):
        for _ in range(3):
            (trouble,) = tell(START, [slack()], memory)
            assert trouble.owed == ("that the release has started",)


def test_where_history_can_t_be_read_nothing_is_posted_twice(
    media: Media, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Given a bot without the right to read history and a lost answer, then it is said, not posted again."""
    media.faults.add({"fault": "slack_reply_lost", "where": {"operation": "chat.postMessage"}, "times": 1})
    memory, over = (
        Memory(),
        release(region("west", Phase.FAILED), outcome=Outcome.HALTED, sentence="west is down"),
    )
    tell(START, [slack()], memory)
    from include.sandbox import slack_methods
    from include.sandbox.slack_rules import SlackError

    def forbidden(store: Any, args: Any) -> Any:
        raise SlackError("missing_scope", needed="channels:history", provided="chat:write")

    monkeypatch.setitem(slack_methods.METHODS, "conversations.history", forbidden)
    with caplog.at_level(logging.WARNING):
        assert tell(over, [slack()], memory) == []

    assert media.marks() == ["headline", "ending:1"]
    assert media.channel()[1]["thread_ts"] is None
    assert "missing_scope: the bot lacks a scope (channels:history)" in caplog.text


def test_hostile_words_arrive_as_text(media: Media) -> None:
    """Given a reason that tries to call everybody, then Slack gets it escaped."""
    tell(release(region("west"), reason="<!channel> & <@U1>"), [slack()], Memory())

    (headline,) = media.channel()
    assert "why: &lt;!channel&gt; &amp; &lt;@U1&gt;" in headline["text"]


def test_the_largest_release_is_taken(media: Media) -> None:
    """Given 32 regions with everything at its longest, then Slack takes the message."""
    long = "<&>" * 300
    regions = [
        region(f"r{number}{'x' * 36}", Phase.FAILED, 12, failure=long, refresh=long) for number in range(32)
    ]
    record = release(*regions, reason=long, sentence=long, warnings=[long] * 9, outcome=Outcome.HALTED)

    left: list[NotTold] = []
    memory = Memory()
    for _ in range(10):
        left = tell(record, [slack()], memory)
    assert left == []
    assert media.marks().count("headline") == 1
    assert len([mark for mark in media.marks() if mark.startswith("events")]) == 39
