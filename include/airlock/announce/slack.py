"""Slack, through the Slack provider's connection.

Scopes the connection's bot token needs: ``chat:write`` (posts and edits), and, so that nothing
is posted twice after a lost answer, ``channels:history`` (``groups:history`` for a private
channel), with the bot invited to the channel. ``channels:read`` (``groups:read``) only where
the spec gives a channel's name and not its id: history is read by id.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, ClassVar

from include.airlock.announce import rendering
from include.airlock.announce.notifier import Notifier, NotTold, within
from include.airlock.announce.slack_errors import missing_connection, no_answer, refusal
from include.airlock.announce.told import Kind, Pending, Place, Told, events_of
from include.airlock.model.record import ReleaseRecord

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.web import SlackResponse

EVENT_TYPE = "airlock_release"
SKEW_S = 600.0
"""How far a worker's clock may be ahead of Slack's and a post still be found."""
PAGE = 200

_ID = re.compile(r"[CGD][A-Z0-9]{6,}")
_TS = re.compile(r"\d+\.\d+")


class SlackNotifier(Notifier):
    """Tells one channel: a headline that is edited in place, its thread, and the end.

    The end is a reply in the thread that is broadcast to the channel: people notice it, and it
    leads to the details in one click. Where the headline is gone it is a message of its own.

    Args:
        connection: id of an Airflow connection of type ``slack``: password = bot token,
            ``extra.base_url`` for another server.
        channel: a channel's id (``C…``, best) or its name (``#releases``).
    """

    keeps: ClassVar[bool] = True
    batch: ClassVar[int] = rendering.EVENTS_A_REPLY

    def __init__(self, connection: str, channel: str) -> None:
        self.name = f"slack {connection} {channel}"
        self._connection = connection
        self._channel = channel

    def ready(self) -> None:
        """Read the connection; ``NotTold`` where it is absent or holds no token."""
        _ = self._client

    def body(self, record: ReleaseRecord) -> str:
        """A digest of the headline as it should read."""
        return rendering.headline(record).digest

    def post(self, record: ReleaseRecord, told: Told, pending: Pending, seconds: float) -> Place:
        """Post headline, reply or ending, signed so that a look finds it (chat.postMessage)."""
        request: dict[str, Any] = {"channel": self._channel, "metadata": _metadata(record, pending)}
        request |= {**_content(_message(record, pending)), "unfurl_links": False, "unfurl_media": False}
        if parent := _parent(told, pending):
            request |= {"channel": parent.channel, "thread_ts": parent.ts}
            request["reply_broadcast"] = pending.kind is Kind.ENDING
        answer = self._call("chat_postMessage", seconds, **request)
        channel, ts = answer.get("channel"), answer.get("ts")
        if not isinstance(channel, str) or not isinstance(ts, str):
            raise NotTold("Slack's answer to a post does not say where it is")
        return Place(channel=channel, ts=ts)

    def edit(self, record: ReleaseRecord, told: Told, seconds: float) -> None:
        """Replace what the headline says; its signature stays (chat.update, metadata)."""
        assert told.headline is not None
        place = {"channel": told.headline.channel, "ts": told.headline.ts}
        self._call("chat_update", seconds, **place, **_content(rendering.headline(record)))

    def look(self, record: ReleaseRecord, told: Told, pending: Pending, seconds: float) -> Place | None:
        """Search thread or channel for the post (conversations.replies, conversations.history)."""
        until = time.monotonic() + seconds
        if parent := _parent(told, pending):
            method, where = "conversations_replies", {"channel": parent.channel, "ts": parent.ts}
        else:
            method, where = "conversations_history", {"channel": self._channel_id(until)}
        where["oldest"] = f"{max(0.0, pending.since - SKEW_S):.6f}"
        wanted = _metadata(record, pending)
        for message in self._pages(method, "messages", until, **where, include_all_metadata=True, limit=PAGE):
            if message.get("metadata") == wanted and _TS.fullmatch(str(message.get("ts"))):
                return Place(channel=where["channel"], ts=message["ts"])
        return None

    def _channel_id(self, until: float) -> str:
        """The channel's id. The provider's own search sleeps through rate limits, so it is not used."""
        if _ID.fullmatch(self._channel):
            return self._channel
        name = self._channel.removeprefix("#")
        kinds = "public_channel,private_channel"
        for channel in self._pages("conversations_list", "channels", until, types=kinds, limit=1000):
            if channel.get("name") == name and _ID.fullmatch(str(channel.get("id"))):
                return str(channel["id"])
        raise refusal("conversations_list", 200, {"error": "channel_not_found"}, {})

    def _pages(self, method: str, key: str, until: float, **request: Any) -> Iterator[Mapping[str, Any]]:
        """All entries of a list that comes in pages; a list cut short by time is no answer."""
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            answer = self._call(method, until - time.monotonic(), **request, **more)
            entries = answer.get(key)
            if not isinstance(entries, list):
                raise NotTold(f"Slack's answer holds no list of {key}")
            yield from (entry for entry in entries if isinstance(entry, Mapping))
            page = answer.get("response_metadata")
            cursor = page.get("next_cursor") if isinstance(page, Mapping) else None
            if not cursor:
                return

    def _call(self, method: str, seconds: float, **request: Any) -> Mapping[str, Any]:
        """One call of Slack's API, as its answer; ``NotTold`` for everything else."""
        from slack_sdk.errors import SlackApiError, SlackClientError

        if seconds <= 0:
            raise NotTold("no time left", sure=True)
        client = self._client
        client.timeout = seconds  # type: ignore[assignment]  # urllib takes fractions of a second
        call: Callable[..., SlackResponse] = getattr(client, method)
        try:
            data = within(seconds, lambda: call(**request)).data
        except SlackApiError as trouble:
            answer = trouble.response.data if isinstance(trouble.response.data, Mapping) else {}
            raise refusal(method, trouble.response.status_code, answer, trouble.response.headers) from None
        except SlackClientError:
            raise NotTold("the connection's base_url or proxy can't be used", sure=True) from None
        except (OSError, HTTPException, ValueError, LookupError, AttributeError) as trouble:
            # The last three: the SDK believes a server's charset, and that its JSON is an object.
            raise no_answer(trouble) from None
        if not isinstance(data, Mapping):
            raise NotTold("Slack's answer is no JSON object")
        return data

    @cached_property
    def _client(self) -> WebClient:
        """The provider's client, without its retries: these post again after a lost answer."""
        from airflow.providers.slack.hooks.slack import SlackHook
        from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError

        quiet = logging.getLogger(f"{__name__}.sdk")  # the SDK logs errors that are no errors of a release
        quiet.setLevel(logging.CRITICAL)
        try:
            return SlackHook(slack_conn_id=self._connection, retry_handlers=[], logger=quiet).client
        except (AirflowException, AirflowRuntimeError, ValueError) as trouble:
            raise missing_connection(self._connection) from trouble


def _parent(told: Told, pending: Pending) -> Place | None:
    """The headline that a post replies to; None for the headline itself and where it is gone."""
    return None if pending.kind is Kind.HEADLINE or told.alone else told.headline


def _message(record: ReleaseRecord, pending: Pending) -> rendering.Message:
    if pending.kind is Kind.HEADLINE:
        return rendering.headline(record)
    if pending.kind is Kind.EVENTS:
        return rendering.thread(events_of(record, pending))
    return rendering.ending(record)


def _content(message: rendering.Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _metadata(record: ReleaseRecord, pending: Pending) -> dict[str, Any]:
    """By this a post of ours is found again; run ids are unique within a DAG only, a train's has services."""
    payload = {"dag": record.dag, "release": record.release, "mark": pending.mark}
    if record.train:
        payload["service"] = record.service
    return {"event_type": EVENT_TYPE, "event_payload": payload}
