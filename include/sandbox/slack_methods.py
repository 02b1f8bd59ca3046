"""The methods of Slack's Web API that are modelled, each as ``arguments -> answer``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from include.sandbox.slack_arguments import between, given_content, one_page, required, truth
from include.sandbox.slack_rules import (
    POST_CUT,
    UPDATE_LIMIT,
    check_metadata,
    refused,
)
from include.sandbox.slack_store import (
    APP_ID,
    BOT_ID,
    BOT_NAME,
    BOT_USER,
    PERSON,
    TEAM_ID,
    TEAM_NAME,
    TEAM_URL,
    Channel,
    Message,
    SlackStore,
)

Json = dict[str, Any]
Method = Callable[[SlackStore, Json], Json]

_TS = re.compile(r"\d{1,12}\.\d{6}")
_EMOJI = re.compile(r"[a-z0-9_+'-]{1,100}")
_FLAGS = ("unfurl_links", "unfurl_media", "username", "icon_emoji", "mrkdwn", "parse", "link_names")


def auth_test(store: SlackStore, args: Json) -> Json:
    """Say who the token belongs to."""
    who = {"user": BOT_NAME, "user_id": BOT_USER, "bot_id": BOT_ID}
    return {"url": TEAM_URL, "team": TEAM_NAME, "team_id": TEAM_ID, **who, "is_enterprise_install": False}


def post_message(store: SlackStore, args: Json) -> Json:
    """Post a message into a channel or, with ``thread_ts``, into a thread of it."""
    channel = _writable(store.by_id_or_name(required(args, "channel")))
    content = given_content(args)
    root = _root(store, channel, args["thread_ts"]) if args.get("thread_ts") else None
    text = content.get("text") or ""
    message = store.add(
        channel,
        text[:POST_CUT],
        blocks=content.get("blocks", []),
        attachments=content.get("attachments", []),
        metadata=check_metadata(args["metadata"]) if "metadata" in args else None,
        thread_ts=root.ts if root else None,
        reply_broadcast=bool(root) and truth(args.get("reply_broadcast")),
        flags={key: args[key] for key in _FLAGS if key in args},
    )
    answer: Json = {"channel": channel.id, "ts": message.ts, "message": message.json(with_metadata=True)}
    if len(text) > POST_CUT:
        answer |= {"warning": "message_truncated", "response_metadata": {"warnings": ["message_truncated"]}}
    return answer


def update(store: SlackStore, args: Json) -> Json:
    """Replace what is given of text, blocks, attachments and metadata; the rest stays.

    The channel must be an id: names are good for posting only.
    """
    message = _message(store, args, "ts")
    if message.channel.archived:
        raise refused("is_inactive")
    broadcast = truth(args.get("reply_broadcast"))
    if broadcast and any(args.get(key) for key in ("text", "blocks", "attachments")):
        raise refused("no_dual_broadcast_content_update")
    content = {} if broadcast else given_content(args)
    if len(content.get("text") or "") > UPDATE_LIMIT:
        raise refused("msg_too_long")
    metadata = check_metadata(args["metadata"]) if "metadata" in args else message.metadata
    message.edits.append(message.text)
    for key, value in content.items():
        setattr(message, key, value)
    message.metadata = metadata
    message.reply_broadcast = message.reply_broadcast or (broadcast and message.thread_ts is not None)
    message.edited_at = store.next_ts()
    shown = message.json(with_metadata=True)
    return {"channel": message.channel.id, "ts": message.ts, "text": message.text, "message": shown}


def delete(store: SlackStore, args: Json) -> Json:
    """Delete a message."""
    message = _message(store, args, "ts")
    store.remove(message)
    return {"channel": message.channel.id, "ts": message.ts}


def get_permalink(store: SlackStore, args: Json) -> Json:
    """Return the address of a message for people."""
    message = _message(store, args, "message_ts")
    link = f"{TEAM_URL}archives/{message.channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={message.channel.id}"
    return {"channel": message.channel.id, "permalink": link}


def history(store: SlackStore, args: Json) -> Json:
    """Return the messages of a channel, newest first; of threads only the broadcast replies."""
    channel = _readable(store, args)
    seen = truth(args.get("include_all_metadata"))
    top = [message for message in store.messages(channel) if not message.thread_ts or message.reply_broadcast]
    page, more = one_page(list(reversed(between(top, args))), args, default=100)
    shown = [store.thread_json(message, with_metadata=seen) for message in page]
    return {"messages": shown, "pin_count": 0, **more}


def replies(store: SlackStore, args: Json) -> Json:
    """Return a thread: its first message, then the replies, oldest first."""
    channel = _readable(store, args)
    root = store.message(channel, required(args, "ts"))
    if root is None:
        raise refused("thread_not_found")
    seen = truth(args.get("include_all_metadata"))
    page, more = one_page(between(store.replies(root), args), args, default=1000)
    shown = [store.thread_json(root, with_metadata=seen), *(reply.json(with_metadata=seen) for reply in page)]
    return {"messages": shown, **more}


def channels_list(store: SlackStore, args: Json) -> Json:
    """Return the channels; all are public."""
    kinds = str(args.get("types") or "public_channel").split(",")
    found = [channel for channel in store.channels if "public_channel" in [kind.strip() for kind in kinds]]
    if truth(args.get("exclude_archived")):
        found = [channel for channel in found if not channel.archived]
    page, more = one_page(found, args, default=100)
    more.pop("has_more")
    shown = [channel.json() for channel in page]
    return {"channels": shown, "response_metadata": {"next_cursor": ""}, **more}


def channel_info(store: SlackStore, args: Json) -> Json:
    """Return one channel."""
    channel = store.by_id(required(args, "channel"))
    if channel is None:
        raise refused("channel_not_found")
    return {"channel": channel.json()}


def add_reaction(store: SlackStore, args: Json) -> Json:
    """Add the bot's reaction to a message."""
    name = str(required(args, "name")).strip(":")
    if not _EMOJI.fullmatch(name):
        raise refused("invalid_name")
    message = _message(store, args, "timestamp")
    if BOT_USER in message.reactions.setdefault(name, []):
        raise refused("already_reacted")
    message.reactions[name].append(BOT_USER)
    return {}


def user_info(store: SlackStore, args: Json) -> Json:
    """Return the bot's user or the one person of the workspace."""
    names = {BOT_USER: (BOT_NAME, True), PERSON: ("robin", False)}
    user = required(args, "user")
    if user not in names:
        raise refused("user_not_found")
    name, is_bot = names[user]
    profile = {"real_name": name.title(), "display_name": name, "team": TEAM_ID}
    if is_bot:
        profile |= {"api_app_id": APP_ID, "bot_id": BOT_ID}
    return {"user": {"id": user, "team_id": TEAM_ID, "name": name, "is_bot": is_bot, "profile": profile}}


METHODS: Mapping[str, Method] = {
    "auth.test": auth_test,
    "chat.postMessage": post_message,
    "chat.update": update,
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "conversations.history": history,
    "conversations.replies": replies,
    "conversations.list": channels_list,
    "conversations.info": channel_info,
    "reactions.add": add_reaction,
    "users.info": user_info,
}
CHANGING = frozenset({"chat.postMessage", "chat.update", "chat.delete", "reactions.add"})
"""The methods that the journal records; the others it counts."""


def _writable(channel: Channel | None) -> Channel:
    if channel is None:
        raise refused("channel_not_found")
    if channel.archived:
        raise refused("is_archived")
    if not channel.member:
        raise refused("not_in_channel")
    return channel


def _readable(store: SlackStore, args: Json) -> Channel:
    channel = store.by_id(required(args, "channel"))
    if channel is None:
        raise refused("channel_not_found")
    if not channel.member:
        raise refused("not_in_channel")
    return channel


def _message(store: SlackStore, args: Json, key: str) -> Message:
    channel = store.by_id(required(args, "channel"))
    if channel is None:
        raise refused("channel_not_found")
    message = store.message(channel, required(args, key))
    if message is None:
        raise refused("message_not_found")
    return message


def _root(store: SlackStore, channel: Channel, thread_ts: Any) -> Message:
    """Return the first message of the thread; a reply's own ``ts`` leads to the thread it is in."""
    if not isinstance(thread_ts, str) or not _TS.fullmatch(thread_ts):
        raise refused("invalid_thread_ts", f"{thread_ts} is not a valid thread_ts")
    found = store.message(channel, thread_ts)
    if found is not None and found.thread_ts is not None:
        found = store.message(channel, found.thread_ts)
    if found is None:
        raise refused("thread_not_found")
    return found
