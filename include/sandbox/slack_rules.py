"""What Slack accepts: lengths, Block Kit's shapes, metadata and how many calls a minute.

Sources: docs.slack.dev (chat.postMessage, chat.update, block-kit blocks, message-metadata,
rate-limits); where the documentation is silent, reports by users and answers of Slack's
maintainers, named at the rule.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Json = dict[str, Any]

POST_CUT = 40_000
"""chat.postMessage cuts longer texts and warns ``message_truncated``."""
UPDATE_LIMIT = 4_000
"""chat.update refuses longer texts, ``msg_too_long`` (users: ChatGPT-in-Slack#102, archive-slackblast#64)."""
BLOCKS_TEXT_LIMIT = 12_000
"""All texts of one message's blocks together, else ``msg_blocks_too_long`` (a maintainer, bolt-js#2509)."""
MAX_BLOCKS, MAX_ATTACHMENTS, MAX_BLOCK_ID = 50, 100, 255

_UNCHECKED = frozenset(
    {"divider", "rich_text", "video", "file", "table", "input", "context_actions", "alert", "card", "plan"}
)


class SlackError(Exception):
    """A call that Slack refuses: ``error`` is Slack's own word for it, ``extra`` joins the answer."""

    def __init__(self, error: str, **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.extra = extra


def refused(error: str, *messages: str) -> SlackError:
    """Return the refusal with its explanations, in the two forms in which Slack gives them."""
    if not messages:
        return SlackError(error)
    shown = [f"[ERROR] {message}" for message in messages]
    return SlackError(error, errors=list(messages), response_metadata={"messages": shown})


def check_blocks(blocks: Any) -> list[Json]:
    """Return the blocks if Block Kit allows them; raise `SlackError` as Slack would."""
    if not isinstance(blocks, list) or not all(isinstance(block, Mapping) for block in blocks):
        raise refused("invalid_blocks_format")
    faults = _too_many(blocks, MAX_BLOCKS, "/blocks")
    for number, block in enumerate(blocks):
        faults += _block_faults(block, f"/blocks/{number}")
    if faults:
        raise refused("invalid_blocks", *faults)
    if _text_length(blocks) > BLOCKS_TEXT_LIMIT:
        raise refused("msg_blocks_too_long")
    return [dict(block) for block in blocks]


def check_attachments(attachments: Any) -> list[Json]:
    """Return the attachments if Slack allows them; raise `SlackError` as Slack would."""
    if not isinstance(attachments, list) or not all(isinstance(item, Mapping) for item in attachments):
        raise refused("invalid_attachments")
    if len(attachments) > MAX_ATTACHMENTS:
        raise refused("too_many_attachments")
    for item in attachments:
        if item.get("blocks"):
            check_blocks(item["blocks"])
    return [dict(item) for item in attachments]


def check_metadata(metadata: Any) -> Json | None:
    """Return ``{"event_type", "event_payload"}``, or None for the empty object that removes it."""
    if metadata == {}:
        return None
    if not isinstance(metadata, Mapping):
        raise refused("invalid_metadata_format")
    kind, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(kind, str) or not kind or not isinstance(payload, Mapping):
        raise refused("invalid_metadata_schema")
    return {"event_type": kind, "event_payload": dict(payload)}


def _block_faults(block: Mapping[str, Any], at: str) -> list[str]:
    kind = block.get("type")
    if kind in _UNCHECKED:
        found: list[str] = []
    elif isinstance(kind, str) and kind in _CHECKS:
        found = _CHECKS[kind](block, at)
    else:
        return [f"unsupported type: {kind} [json-pointer:{at}/type]"]
    return found + _too_long(block.get("block_id"), MAX_BLOCK_ID, f"{at}/block_id")


def _section(block: Mapping[str, Any], at: str) -> list[str]:
    fields = block.get("fields")
    if "text" not in block and not fields:
        return [f"missing required field: text [json-pointer:{at}]"]
    found = _text_object(block["text"], 3000, f"{at}/text") if "text" in block else []
    return found + _each_text(fields or [], 10, 2000, f"{at}/fields")


def _header(block: Mapping[str, Any], at: str) -> list[str]:
    found = _text_object(block.get("text"), 150, f"{at}/text")
    text = block.get("text")
    if isinstance(text, Mapping) and text.get("type") == "mrkdwn":
        found.append(f"must be a plain_text object [json-pointer:{at}/text]")
    return found


def _context(block: Mapping[str, Any], at: str) -> list[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        return [f"must provide at least 1 item [json-pointer:{at}/elements]"]
    texts = [item for item in elements if not (isinstance(item, Mapping) and item.get("type") == "image")]
    return _too_many(elements, 10, f"{at}/elements") + _each_text(texts, 10, 3000, f"{at}/elements")


def _actions(block: Mapping[str, Any], at: str) -> list[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        return [f"must provide at least 1 item [json-pointer:{at}/elements]"]
    found = _too_many(elements, 25, f"{at}/elements")
    for number, item in enumerate(elements):
        if isinstance(item, Mapping) and item.get("type") == "button":
            found += _text_object(item.get("text"), 75, f"{at}/elements/{number}/text")
            found += _too_long(item.get("url"), 3000, f"{at}/elements/{number}/url")
    return found


def _image(block: Mapping[str, Any], at: str) -> list[str]:
    missing = [] if block.get("alt_text") else [f"missing required field: alt_text [json-pointer:{at}]"]
    return missing + _too_long(block.get("image_url"), 3000, f"{at}/image_url")


def _markdown(block: Mapping[str, Any], at: str) -> list[str]:
    return _too_long(block.get("text"), 12_000, f"{at}/text")


_CHECKS: Mapping[str, Callable[[Mapping[str, Any], str], list[str]]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "markdown": _markdown,
}


def _each_text(items: Sequence[Any], most: int, length: int, at: str) -> list[str]:
    found = _too_many(items, most, at)
    for number, item in enumerate(items):
        found += _text_object(item, length, f"{at}/{number}")
    return found


def _text_object(value: Any, most: int, at: str) -> list[str]:
    if not isinstance(value, Mapping) or value.get("type") not in ("plain_text", "mrkdwn"):
        return [f"failed to match all allowed schemas [json-pointer:{at}]"]
    text = value.get("text")
    if not isinstance(text, str) or not text:
        return [f"must be more than 0 characters [json-pointer:{at}/text]"]
    return _too_long(text, most, f"{at}/text")


def _too_long(value: Any, most: int, at: str) -> list[str]:
    long = isinstance(value, str) and len(value) > most
    return [f"must be less than {most + 1} characters [json-pointer:{at}]"] if long else []


def _too_many(items: Sequence[Any], most: int, at: str) -> list[str]:
    return [f"no more than {most} items allowed [json-pointer:{at}]"] if len(items) > most else []


def _text_length(value: Any) -> int:
    if isinstance(value, Mapping):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_text_length(held) for held in value.values())
    return sum(_text_length(held) for held in value) if isinstance(value, list) else 0


class RateLimits:
    """Slack's limits per method: tiers of calls a minute, and one posted message a second per channel.

    A bucket lets a burst of one minute's calls through (for posting: 25 messages, as users
    measured, PSSlack#52) and then fills at the documented rate.
    """

    PER_MINUTE: Mapping[str, int] = {
        "chat.update": 50,
        "chat.delete": 50,
        "reactions.add": 50,
        "conversations.history": 50,
        "conversations.replies": 50,
        "conversations.info": 50,
        "conversations.list": 20,
        "users.info": 100,
    }
    POSTING = (60, 25)

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, method: str, channel: str) -> int:
        """Take one call; return 0, or the whole seconds after which to ask again."""
        if method == "chat.postMessage":
            (per_minute, burst), key = self.POSTING, f"{method} {channel}"
        elif method in self.PER_MINUTE:
            per_minute = burst = self.PER_MINUTE[method]
            key = method
        else:
            return 0
        now = self._clock()
        left, since = self._buckets.get(key, (float(burst), now))
        left = min(float(burst), left + (now - since) * per_minute / 60)
        self._buckets[key] = (left - 1 if left >= 1 else left, now)
        return 0 if left >= 1 else math.ceil((1 - left) * 60 / per_minute)

    def reset(self) -> None:
        """Fill every bucket."""
        self._buckets.clear()
