"""Slack's messages as a client sees them: posting, threads, edits, reading, what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.integration.sandbox.slack_workspace import ARCHIVED, GENERAL, RELEASES, Workspace, workspace

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*payments*"}}
TEXT = SECTION["text"]
HEADER = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
METADATA = {"event_type": "release", "event_payload": {"key": "r1/start"}}


@pytest.fixture(name="slack")
def _slack() -> Iterator[Workspace]:
    with workspace() as running:
        yield running


@pytest.mark.parametrize("channel", ["#releases", "releases", RELEASES])
def test_posting_takes_a_channels_name_or_id(slack: Workspace, channel: str) -> None:
    """Given a channel by name or id, when a message is posted, then its id comes back and it is there."""
    answer = slack.call("chat.postMessage", channel=channel, text="hello")

    assert answer["ok"] is True
    assert answer["channel"] == RELEASES
    assert answer["message"]["text"] == "hello"
    assert [held["ts"] for held in slack.in_releases()] == [answer["ts"]]


def test_ts_is_unique_and_grows(slack: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a clock that stands still, when messages' ts are compared, then each is later all the same."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_795_000_000_000_000_000)
    seen = [slack.post(str(number)) for number in range(20)]

    assert seen == sorted(set(seen))
    assert all(len(ts.partition(".")[2]) == 6 for ts in seen)


def test_replies_stay_in_their_thread_unless_broadcast(slack: Workspace) -> None:
    """Given two replies, one broadcast, when the channel is read,
    then only that one shows beside the root.
    """
    root = slack.post("release")
    quiet = slack.post("detail", thread_ts=root)
    loud = slack.post("it ended", thread_ts=root, reply_broadcast=True)

    channel = slack.call("conversations.history", channel=RELEASES)["messages"]
    thread = slack.call("conversations.replies", channel=RELEASES, ts=root)["messages"]

    assert [message["ts"] for message in channel] == [loud, root]
    assert channel[0]["subtype"] == "thread_broadcast"
    assert [message["ts"] for message in thread] == [root, quiet, loud]
    assert (thread[0]["reply_count"], thread[0]["latest_reply"]) == (2, loud)


def test_a_reply_to_a_reply_lands_in_the_same_thread(slack: Workspace) -> None:
    """Given a reply, when it is replied to, then the answer joins the thread of the first message."""
    root = slack.post("release")
    reply = slack.post("detail", thread_ts=root)

    slack.post("more", thread_ts=reply)

    assert [held["thread_ts"] for held in slack.in_releases()] == [None, root, root]


def test_an_update_edits_in_place_and_keeps_what_it_is_not_given(slack: Workspace) -> None:
    """Given a message with blocks and metadata, when only its text is updated, then the rest stays."""
    ts = slack.post("1 of 3", blocks=[SECTION], metadata=METADATA)

    answer = slack.call("chat.update", channel=RELEASES, ts=ts, text="2 of 3")

    assert answer["ok"], answer
    assert (answer["ts"], answer["text"]) == (ts, "2 of 3")
    (held,) = slack.in_releases()
    assert held["text"] == "2 of 3"
    assert held["blocks"] == [SECTION]
    assert held["metadata"] == METADATA
    assert (held["edited"], held["edits"]) == (1, ["1 of 3"])


def test_an_update_with_empty_values_removes_blocks_and_metadata(slack: Workspace) -> None:
    """Given blocks and metadata, when the update sends them empty, then they are gone."""
    ts = slack.post("text", blocks=[SECTION], metadata=METADATA)

    slack.call("chat.update", channel=RELEASES, ts=ts, text="text", blocks=[], metadata={})

    (held,) = slack.in_releases()
    assert (held["blocks"], held["metadata"]) == ([], None)


def test_an_old_reply_can_be_broadcast_but_not_edited_in_the_same_call(slack: Workspace) -> None:
    """Given a quiet reply, when an update broadcasts it, then it shows; with new text it is refused."""
    reply = slack.post("detail", thread_ts=slack.post("release"))

    both = slack.call("chat.update", channel=RELEASES, ts=reply, text="new", reply_broadcast=True)
    alone = slack.call("chat.update", channel=RELEASES, ts=reply, reply_broadcast=True)

    assert both["error"] == "no_dual_broadcast_content_update"
    assert alone["ok"], alone
    assert slack.in_releases()[1]["reply_broadcast"] is True
    assert slack.in_releases()[1]["text"] == "detail"


def test_metadata_is_shown_only_when_asked_for(slack: Workspace) -> None:
    """Given messages with metadata, when they are read, then include_all_metadata decides."""
    root = slack.post("release", metadata=METADATA)
    slack.post("detail", thread_ts=root, metadata=METADATA)

    plain = slack.call("conversations.replies", channel=RELEASES, ts=root)["messages"]
    full = slack.call("conversations.replies", channel=RELEASES, ts=root, include_all_metadata=True)[
        "messages"
    ]
    channel = slack.call("conversations.history", channel=RELEASES, include_all_metadata=True)["messages"]

    assert [message.get("metadata") for message in plain] == [None, None]
    assert [message["metadata"] for message in full] == [METADATA, METADATA]
    assert channel[0]["metadata"] == METADATA


def test_history_comes_in_pages_newest_first(slack: Workspace) -> None:
    """Given five messages, when two a page are read, then the cursor leads through all of them."""
    posted = [slack.post(str(number)) for number in range(5)]
    seen: list[str] = []
    cursor, more = "", True
    while more:
        page = slack.call("conversations.history", channel=RELEASES, limit=2, cursor=cursor)
        seen += [message["ts"] for message in page["messages"]]
        more = page["has_more"]
        cursor = page["response_metadata"]["next_cursor"] if more else ""

    assert seen == posted[::-1]


def test_history_between_two_moments(slack: Workspace) -> None:
    """Given three messages, when a range is asked for, then its ends count only if inclusive."""
    first, second, third = (slack.post(str(number)) for number in range(3))

    between = slack.call("conversations.history", channel=RELEASES, oldest=first, latest=third)["messages"]
    with_ends = slack.call(
        "conversations.history", channel=RELEASES, oldest=first, latest=third, inclusive=True
    )["messages"]

    assert [message["ts"] for message in between] == [second]
    assert [message["ts"] for message in with_ends] == [third, second, first]


def test_permalink_reaction_and_delete(slack: Workspace) -> None:
    """Given a message, when it is linked, reacted to and deleted, then each does so once."""
    ts = slack.post("done")
    link = slack.call("chat.getPermalink", channel=RELEASES, message_ts=ts)["permalink"]
    reaction = {"channel": RELEASES, "timestamp": ts, "name": "white_check_mark"}

    assert link == f"https://sandbox.slack.com/archives/{RELEASES}/p{ts.replace('.', '')}"
    assert slack.call("reactions.add", **reaction)["ok"]
    assert slack.call("reactions.add", **reaction)["error"] == "already_reacted"
    assert list(slack.in_releases()[0]["reactions"]) == ["white_check_mark"]
    assert slack.call("chat.delete", channel=RELEASES, ts=ts)["ok"]
    assert slack.call("chat.delete", channel=RELEASES, ts=ts)["error"] == "message_not_found"
    assert slack.in_releases() == []


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "#nowhere", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": GENERAL, "text": "x"}, "not_in_channel"),
        ("chat.postMessage", {"channel": ARCHIVED, "text": "x"}, "is_archived"),
        ("chat.postMessage", {"channel": RELEASES}, "no_text"),
        ("chat.postMessage", {"channel": RELEASES, "text": ""}, "no_text"),
        ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
        (
            "chat.postMessage",
            {"channel": RELEASES, "text": "x", "thread_ts": "yesterday"},
            "invalid_thread_ts",
        ),
        ("chat.postMessage", {"channel": RELEASES, "text": "x", "thread_ts": "1.000000"}, "thread_not_found"),
        ("chat.postMessage", {"channel": RELEASES, "text": "x", "metadata": "{}x"}, "invalid_arguments"),
        ("chat.postMessage", {"channel": RELEASES, "text": "x", "metadata": [1]}, "invalid_metadata_format"),
        (
            "chat.postMessage",
            {"channel": RELEASES, "text": "x", "metadata": {"a": 1}},
            "invalid_metadata_schema",
        ),
        ("chat.update", {"channel": "#releases", "ts": "1.000000", "text": "x"}, "channel_not_found"),
        ("chat.update", {"channel": RELEASES, "ts": "1.000000", "text": "x"}, "message_not_found"),
        ("conversations.history", {"channel": "#releases"}, "channel_not_found"),
        ("conversations.history", {"channel": RELEASES, "oldest": "soon"}, "invalid_ts_oldest"),
        ("conversations.history", {"channel": RELEASES, "cursor": "?"}, "invalid_cursor"),
        ("conversations.replies", {"channel": RELEASES, "ts": "1.000000"}, "thread_not_found"),
        ("conversations.info", {"channel": "C9"}, "channel_not_found"),
        ("reactions.add", {"channel": RELEASES, "timestamp": "1.000000", "name": "no such!"}, "invalid_name"),
        ("users.info", {"user": "U9"}, "user_not_found"),
        ("chat.shout", {"text": "x"}, "unknown_method"),
    ],
)
def test_refusals_have_slacks_names(
    slack: Workspace, method: str, arguments: dict[str, Any], error: str
) -> None:
    """Given a call that Slack refuses, when it is made,
    then HTTP is 200, the error Slack's, nothing is posted.
    """
    response = slack.raw(method, **arguments)

    assert response.status_code == 200
    assert response.json()["ok"] is False
    assert response.json()["error"] == error
    assert slack.in_releases() == []


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}, "invalid_blocks",
         "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ({"blocks": [HEADER]}, "invalid_blocks",
         "must be less than 151 characters [json-pointer:/blocks/0/text/text]"),
        ({"blocks": [{"type": "section", "fields": [TEXT] * 11}]}, "invalid_blocks",
         "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
        ({"blocks": [{"type": "context", "elements": [TEXT] * 11}]}, "invalid_blocks",
         "no more than 10 items allowed [json-pointer:/blocks/0/elements]"),
        ({"blocks": [SECTION] * 51}, "invalid_blocks",
         "no more than 50 items allowed [json-pointer:/blocks]"),
        ({"blocks": [{"type": "sektion"}]}, "invalid_blocks", "unsupported type: sektion"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}]}, "invalid_blocks",
         "must be more than 0 characters"),
        ({"blocks": "{}"}, "invalid_blocks_format", None),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2500}}] * 5},
         "msg_blocks_too_long", None),
        ({"attachments": [{"text": "x"}] * 101}, "too_many_attachments", None),
    ],
)  # fmt: skip
def test_what_is_too_long_or_malformed_is_refused(
    slack: Workspace, arguments: dict[str, Any], error: str, told: str | None
) -> None:
    """Given blocks beyond Block Kit's limits, when they are posted,
    then the error says where, as Slack's does.
    """
    answer = slack.call("chat.postMessage", channel=RELEASES, text="fallback", **arguments)

    assert answer["error"] == error
    if told:
        assert any(told in message for message in answer["response_metadata"]["messages"])
    assert slack.in_releases() == []


def test_a_long_text_is_cut_when_posted_and_refused_when_edited(slack: Workspace) -> None:
    """Given texts beyond the limits, when posted, then cut with a warning; when edited, then refused."""
    answer = slack.call("chat.postMessage", channel=RELEASES, text="x" * 40_001)
    edit = slack.call("chat.update", channel=RELEASES, ts=answer["ts"], text="x" * 4_001)

    assert answer["response_metadata"]["warnings"] == ["message_truncated"]
    assert edit["error"] == "msg_too_long"
    (held,) = slack.in_releases()
    assert (len(held["text"]), held["edited"]) == (40_000, 0)


def test_forms_carry_blocks_and_booleans_as_text(slack: Workspace) -> None:
    """Given a form, as older clients send it, when it is posted, then nested values are read from JSON."""
    root = slack.post("release")
    form = {"token": slack.store.token, "channel": RELEASES, "text": "x", "blocks": json.dumps([SECTION])}
    form |= {"thread_ts": root, "reply_broadcast": "1", "metadata": json.dumps(METADATA)}

    answer = requests.post(f"{slack.url}chat.postMessage", data=form, timeout=10).json()

    assert answer["ok"], answer
    held = slack.in_releases()[1]
    assert (held["blocks"], held["metadata"], held["reply_broadcast"]) == ([SECTION], METADATA, True)


def test_tokens_are_checked_and_never_read_from_an_address(slack: Workspace) -> None:
    """Given no token, a wrong one and one in the address, when called, then each is refused."""
    url = f"{slack.url}auth.test"

    assert requests.post(url, timeout=10).json()["error"] == "not_authed"
    assert requests.post(url, params={"token": slack.store.token}, timeout=10).json()["error"] == "not_authed"
    assert slack.raw("auth.test", token="xoxb-wrong").json()["error"] == "invalid_auth"
    assert slack.call("auth.test")["user"]


def test_bad_bodies_are_refused(slack: Workspace) -> None:
    """Given bodies that are no JSON, no object or of another type, when sent, then Slack's errors come."""
    headers = {"Authorization": f"Bearer {slack.store.token}"}

    def error_of(body: str, kind: str) -> str:
        answer = requests.post(
            f"{slack.url}chat.postMessage", data=body, headers={**headers, "Content-Type": kind}, timeout=10
        )
        return str(answer.json()["error"])

    assert error_of("{", "application/json") == "invalid_json"
    assert error_of("[]", "application/json") == "json_not_object"
    assert error_of("<x/>", "application/xml") == "invalid_post_type"
