"""The sandbox's Slack workspace: one app's bot, a few channels and what was written in them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from include.sandbox.slack_rules import RateLimits

Json = dict[str, Any]

TEAM_ID = "T0SANDBOX01"
TEAM_NAME = "Sandbox"
TEAM_URL = "https://sandbox.slack.com/"
APP_ID = "A0SANDBOX01"
BOT_ID = "B0SANDBOX01"
BOT_USER = "U0SANDBOX01"
BOT_NAME = "releases"
PERSON = "U0SANDBOX02"


@dataclass(frozen=True)
class Channel:
    """A channel: its id, its name without the ``#``, whether the bot is in it, whether it is archived."""

    id: str
    name: str
    member: bool = True
    archived: bool = False

    def json(self) -> Json:
        """Return the channel as ``conversations.info`` shows it, as far as it is modelled."""
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": True,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": False,
            "is_general": self.name == "general",
            "is_archived": self.archived,
            "is_member": self.member,
            "creator": PERSON,
            "context_team_id": TEAM_ID,
        }


CHANNELS = (
    Channel("C0SANDBOX01", "releases"),
    Channel("C0SANDBOX02", "deployments"),
    Channel("C0SANDBOX03", "general", member=False),
    Channel("C0SANDBOX04", "old-releases", archived=True),
)


@dataclass
class Message:
    """One message; ``ts`` is its id in its channel and its time, as on Slack: seconds with six decimals."""

    ts: str
    channel: Channel
    text: str
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    reply_broadcast: bool = False
    metadata: Json | None = None
    flags: Json = field(default_factory=dict)
    edits: list[str] = field(default_factory=list)
    edited_at: str | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)

    def json(self, *, with_metadata: bool = False) -> Json:
        """Return the message as the Web API shows it; metadata only when asked for, as on Slack."""
        shown: Json = {
            "type": "message",
            "user": BOT_USER,
            "bot_id": BOT_ID,
            "app_id": APP_ID,
            "team": TEAM_ID,
        }
        shown |= {"text": self.text, "ts": self.ts, "bot_profile": _bot_profile()}
        optional = {
            "blocks": self.blocks,
            "attachments": self.attachments,
            "thread_ts": self.thread_ts,
            "parent_user_id": BOT_USER if self.thread_ts else None,
            "subtype": "thread_broadcast" if self.reply_broadcast else None,
            "edited": {"user": BOT_USER, "ts": self.edited_at} if self.edited_at else None,
            "metadata": self.metadata if with_metadata else None,
            "reactions": [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ],
        }
        return shown | {key: value for key, value in optional.items() if value}

    def snapshot(self) -> Json:
        """Return everything known of the message: its edits with the earlier texts too."""
        return {
            "ts": self.ts,
            "text": self.text,
            "blocks": self.blocks,
            "attachments": self.attachments,
            "thread_ts": self.thread_ts,
            "reply_broadcast": self.reply_broadcast,
            "metadata": self.metadata,
            "edited": len(self.edits),
            "edits": list(self.edits),
            "edited_at": self.edited_at,
            "reactions": {name: list(users) for name, users in self.reactions.items()},
            **self.flags,
        }


class SlackStore:
    """The workspace's channels and messages, and the one bot token it knows."""

    def __init__(self, limits: RateLimits | None = None, channels: tuple[Channel, ...] = CHANNELS) -> None:
        self.token = f"xoxb-{secrets.randbelow(10**12):012d}-{secrets.token_hex(12)}"
        self.limits = limits
        self.channels = channels
        self._messages: dict[str, dict[str, Message]] = {channel.id: {} for channel in channels}
        self._last_us = 0

    def by_id(self, channel_id: object) -> Channel | None:
        """Return the channel of an id such as ``C0123456789``, or None."""
        return next((channel for channel in self.channels if channel.id == channel_id), None)

    def by_id_or_name(self, word: object) -> Channel | None:
        """Return the channel of an id or of a name, with or without ``#``, or None."""
        name = str(word).removeprefix("#")
        return self.by_id(word) or next((channel for channel in self.channels if channel.name == name), None)

    def message(self, channel: Channel, ts: object) -> Message | None:
        """Return the message of a channel with this ``ts``, or None."""
        return self._messages[channel.id].get(str(ts))

    def messages(self, channel: Channel) -> list[Message]:
        """Return the messages of a channel, thread replies included, oldest first."""
        return list(self._messages[channel.id].values())

    def replies(self, root: Message) -> list[Message]:
        """Return the replies in the thread of ``root``, oldest first."""
        return [message for message in self.messages(root.channel) if message.thread_ts == root.ts]

    def add(self, channel: Channel, text: str, **fields: Any) -> Message:
        """Put a new message into a channel and return it."""
        message = Message(self.next_ts(), channel, text, **fields)
        self._messages[channel.id][message.ts] = message
        return message

    def remove(self, message: Message) -> None:
        """Take a message out of its channel; replies to it stay, as on Slack."""
        del self._messages[message.channel.id][message.ts]

    def next_ts(self) -> str:
        """Return the time as Slack writes it, later than every one returned before."""
        self._last_us = max(time.time_ns() // 1000, self._last_us + 1)
        return f"{self._last_us // 10**6}.{self._last_us % 10**6:06d}"

    def thread_json(self, root: Message, *, with_metadata: bool = False) -> Json:
        """Return a top-level message with the counters of its thread, if it has one."""
        shown = root.json(with_metadata=with_metadata)
        replies = self.replies(root)
        if replies:
            shown |= {"thread_ts": root.ts, "reply_count": len(replies), "reply_users_count": 1}
            shown |= {"latest_reply": replies[-1].ts, "reply_users": [BOT_USER], "subscribed": False}
        return shown

    def snapshot(self) -> Json:
        """Return every message of every channel, oldest first, as JSON."""
        return {
            "channels": {
                f"#{channel.name}": [message.snapshot() for message in self.messages(channel)]
                for channel in self.channels
            }
        }

    def reset(self) -> None:
        """Forget every message; token, channels and the growth of ``ts`` stay."""
        for held in self._messages.values():
            held.clear()
        if self.limits:
            self.limits.reset()


def _bot_profile() -> Json:
    return {"id": BOT_ID, "app_id": APP_ID, "name": BOT_NAME, "team_id": TEAM_ID, "deleted": False}
