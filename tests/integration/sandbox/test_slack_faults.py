"""Slack out of order, and what the journal keeps of every call."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from include.sandbox.slack_rules import RateLimits
from tests.integration.sandbox.slack_workspace import RELEASES, Workspace, workspace


@pytest.fixture(name="slack")
def _slack() -> Iterator[Workspace]:
    with workspace() as running:
        yield running


def test_slack_down_answers_503_and_does_nothing(slack: Workspace) -> None:
    """Given an outage of one call, when two are made,
    then the first fails, unposted, and the second works.
    """
    slack.faults.add({"fault": "slack_down", "times": 1})

    first = slack.raw("chat.postMessage", channel=RELEASES, text="one")
    second = slack.raw("chat.postMessage", channel=RELEASES, text="two")

    assert (first.status_code, second.status_code) == (503, 200)
    assert [held["text"] for held in slack.in_releases()] == ["two"]


def test_slack_down_can_close_the_connection(slack: Workspace) -> None:
    """Given an outage that hangs up, when a message is posted, then no answer comes and nothing is posted."""
    slack.faults.add({"fault": "slack_down", "how": "closed"})

    with pytest.raises(requests.ConnectionError):
        slack.raw("chat.postMessage", channel=RELEASES, text="one")

    assert slack.in_releases() == []


def test_a_lost_reply_was_acted_upon(slack: Workspace) -> None:
    """Given a reply that gets lost, when a message is posted, then it is there though no answer came."""
    slack.faults.add({"fault": "slack_reply_lost", "where": {"operation": "chat.postMessage"}, "times": 1})

    with pytest.raises(requests.ConnectionError):
        slack.raw("chat.postMessage", channel=RELEASES, text="one")

    assert [held["text"] for held in slack.in_releases()] == ["one"]
    (entry,) = slack.journal.entries(service="slack")
    assert (entry["fault"], entry["status"]) == ("slack_reply_lost", None)


def test_rate_limited_says_how_long_to_wait(slack: Workspace) -> None:
    """Given a rate limit, when a message is posted,
    then 429 with whole seconds comes and nothing is posted.
    """
    slack.faults.add({"fault": "slack_rate_limited", "retry_after": 7, "times": 1})

    response = slack.raw("chat.postMessage", channel=RELEASES, text="one")

    assert response.status_code == 429
    assert response.headers["Retry-After"] == "7"
    assert response.json() == {"ok": False, "error": "ratelimited"}
    assert slack.in_releases() == []


def test_slow_slack_acts_at_once_and_answers_late(slack: Workspace) -> None:
    """Given a slow Slack, when the client gives up before the answer,
    then the message is there all the same.
    """
    slack.faults.add({"fault": "slack_slow", "delay": 1.0, "times": 2})
    headers = {"Authorization": f"Bearer {slack.store.token}"}
    message = {"channel": RELEASES, "text": "one"}

    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{slack.url}chat.postMessage", json=message, headers=headers, timeout=0.3)
    started = time.monotonic()
    patient = slack.raw("auth.test")

    assert [held["text"] for held in slack.in_releases()] == ["one"]
    assert time.monotonic() - started >= 1.0
    assert patient.json()["ok"] is True


def test_the_journal_keeps_changes_in_order_and_counts_reads(slack: Workspace) -> None:
    """Given posts, edits and reads, when the journal is read,
    then changes are listed and reads only counted.
    """
    ts = slack.post("one")
    slack.call("chat.update", channel=RELEASES, ts=ts, text="two")
    slack.call("conversations.history", channel=RELEASES)
    slack.call("auth.test")
    slack.call("chat.delete", channel="#releases", ts=ts)

    entries = slack.journal.entries(service="slack")

    assert [entry["operation"] for entry in entries] == ["chat.postMessage", "chat.update", "chat.delete"]
    assert [entry["status"] for entry in entries] == [200, 200, 200]
    assert entries[0]["body"]["text"] == "one"
    assert entries[0]["client"].startswith("python-requests")
    counted = slack.journal.counts()["services"]["slack"]
    assert (counted["conversations.history"], counted["auth.test"], counted["chat.update"]) == (1, 1, 1)


def test_no_token_reaches_the_journal(slack: Workspace) -> None:
    """Given a token inside a form, when the journal is read, then it isn't in it."""
    form = {"token": slack.store.token, "channel": RELEASES, "text": "one"}
    requests.post(f"{slack.url}chat.postMessage", data=form, timeout=10)

    assert slack.store.token not in str(slack.journal.entries())


def test_reset_forgets_messages_but_keeps_the_token(slack: Workspace) -> None:
    """Given a message, when the store is reset, then it is gone, the token is good and ts still grow."""
    before = slack.post("one")

    slack.store.reset()

    assert slack.in_releases() == []
    assert slack.post("two") > before


def test_posting_is_limited_to_one_a_second_after_a_burst() -> None:
    """Given Slack's limits and a clock that stands, when posts go on,
    then the 26th waits until time passes.
    """
    now = [100.0]
    limits = RateLimits(clock=lambda: now[0])
    with workspace(limits) as slack:
        for number in range(25):
            slack.post(str(number))
        limited = slack.raw("chat.postMessage", channel=RELEASES, text="26")
        elsewhere = slack.raw("chat.postMessage", channel="#deployments", text="other channel")
        now[0] += float(limited.headers["Retry-After"])
        again = slack.raw("chat.postMessage", channel="releases", text="26")
        once_more = slack.raw("chat.postMessage", channel=RELEASES, text="27")
        slack.store.reset()
        after_reset = slack.raw("chat.postMessage", channel=RELEASES, text="1")

    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    assert elsewhere.json()["ok"] is True
    assert again.json()["ok"] is True
    assert once_more.status_code == 429, "a channel by name or by id is one channel"
    assert after_reset.json()["ok"] is True


def test_edits_are_limited_per_minute() -> None:
    """Given Slack's limits, when a message is edited 51 times at one moment,
    then the last is told to wait.
    """
    limits = RateLimits(clock=lambda: 100.0)
    with workspace(limits) as slack:
        ts = slack.post("0")
        edits = [slack.raw("chat.update", channel=RELEASES, ts=ts, text=str(number)) for number in range(51)]

    assert [edit.status_code for edit in edits] == [200] * 50 + [429]
    assert edits[-1].headers["Retry-After"] == "2"
