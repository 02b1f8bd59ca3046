"""Reading the arguments of a Slack call: what is given, what must be, ranges and pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from include.sandbox.slack_rules import SlackError, check_attachments, check_blocks, refused
from include.sandbox.slack_store import Message

Json = dict[str, Any]


def truth(value: Any) -> bool:
    """Read a boolean as it comes in JSON or, as text, in a form."""
    return value is True or str(value).casefold() in ("1", "true")


def required(args: Json, key: str) -> Any:
    """Return an argument that must be there; raise `SlackError` when it is missing or empty."""
    if args.get(key) in (None, ""):
        raise refused("invalid_arguments", f"missing required field: {key}")
    return args[key]


def given_content(args: Json) -> Json:
    """Return what is given of text, blocks and attachments; one of them must say something."""
    content: Json = {}
    if "text" in args:
        content["text"] = str(args["text"])
    if "blocks" in args:
        content["blocks"] = check_blocks(args["blocks"])
    if "attachments" in args:
        content["attachments"] = check_attachments(args["attachments"])
    if not any(content.values()):
        raise refused("no_text")
    return content


def between(messages: Sequence[Message], args: Json) -> list[Message]:
    """Return the messages between ``oldest`` and ``latest``; these moments too if ``inclusive``."""
    inclusive = truth(args.get("inclusive"))
    for key in ("oldest", "latest"):
        if args.get(key) and not re.fullmatch(r"\d+(\.\d+)?", str(args[key])):
            raise refused(f"invalid_ts_{key}")
    oldest, latest = _moment(args.get("oldest")), _moment(args.get("latest"))
    return [
        message
        for message in messages
        if (oldest is None or _moment(message.ts) > oldest or (inclusive and _moment(message.ts) == oldest))
        and (latest is None or _moment(message.ts) < latest or (inclusive and _moment(message.ts) == latest))
    ]


def _moment(ts: Any) -> Any:
    """Return a ``ts`` in a form that compares as time does: seconds, then the decimals padded to six."""
    if not ts or str(ts) == "0":
        return None
    seconds, _, rest = str(ts).partition(".")
    return int(seconds), rest.ljust(6, "0")


def one_page(items: Sequence[Any], args: Json, *, default: int) -> tuple[Sequence[Any], Json]:
    """Return one page and, when more follow, the cursor in Slack's form."""
    cursor, limit = str(args.get("cursor") or "0"), str(args.get("limit") or default)
    if not cursor.removeprefix("next:").isdigit():
        raise refused("invalid_cursor")
    if not limit.isdigit():
        raise SlackError("invalid_limit")
    start, size = int(cursor.removeprefix("next:")), max(1, min(int(limit), 1000))
    end = start + size
    if end >= len(items):
        return items[start:], {"has_more": False}
    return items[start:end], {"has_more": True, "response_metadata": {"next_cursor": f"next:{end}"}}
