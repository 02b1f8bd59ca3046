"""What Slack's refusals mean for telling; pure."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.error import URLError

from include.airlock.announce.notifier import Blind, Gone, NotTold

_LOOKS = {"conversations_history", "conversations_replies", "conversations_list"}
_UNSURE = {"fatal_error", "internal_error"}
"""Slack's words for "some aspect of the operation may have succeeded" (chat.postMessage, Errors)."""
_LIMITED = {"ratelimited", "rate_limited"}
_GONE = {"message_not_found", "thread_not_found", "cannot_reply_to_message"}
_BLIND = {
    "access_denied",
    "channel_not_found",
    "method_not_supported_for_channel_type",
    "missing_scope",
    "no_permission",
    "not_allowed_token_type",
    "not_in_channel",
    "unknown_method",
}
_MESSAGE_ONLY = {
    "cant_update_message",
    "edit_window_closed",
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "restricted_action_thread_locked",
    "restricted_action_thread_only_channel",
}
_CAUSES = {
    "account_inactive": "the bot's account is no longer active",
    "cant_update_message": "the message was posted with another bot's token",
    "channel_not_found": "there is no such channel, or the bot can't see it",
    "edit_window_closed": "the workspace allows no edit any more",
    "invalid_auth": "the connection's token is wrong",
    "is_archived": "the channel is archived",
    "missing_scope": "the bot lacks a scope",
    "not_in_channel": "invite the bot to the channel",
    "token_expired": "the connection's token has expired",
    "token_revoked": "the connection's token was revoked",
}
_WORD = re.compile(r"[a-z0-9_:.,]{1,80}")


def refusal(method: str, status: int, body: Mapping[str, Any], headers: Mapping[str, Any]) -> NotTold:
    """An answer of Slack other than ok, as trouble with what is known of it.

    Nothing of its body is repeated but plain codes: it may come from any server.
    """
    code = _word(body.get("error"))
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in _LIMITED:
        wait = retry_after(headers)
        return NotTold(f"rate-limited by Slack for {wait:.0f} s", sure=True, retry_after=wait)
    wordless = code is None and not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if wordless or code in _UNSURE:  # a gateway may have answered for a Slack that acted
        return NotTold(f"Slack answered {code or f'HTTP {status}'}")
    if code in _GONE:
        return Gone(f"the release's message is gone from the channel ({code})", sure=True, others=True)
    reason = _reason(code, body) if code else f"Slack answered HTTP {status}"
    if method in _LOOKS and (code in _BLIND or status == HTTPStatus.NOT_FOUND):
        return Blind(reason)
    return NotTold(reason, sure=True, others=code in _MESSAGE_ONLY)


def no_answer(trouble: BaseException) -> NotTold:
    """A failed request, as trouble; ``sure`` where it never left this machine."""
    cause: object = trouble.reason if isinstance(trouble, URLError) else trouble
    never_left = isinstance(cause, ConnectionRefusedError | socket.gaierror | ssl.SSLCertVerificationError)
    kind = type(cause).__name__ if isinstance(cause, BaseException) else type(trouble).__name__
    return NotTold(f"no answer from Slack ({kind})", sure=never_left)


def missing_connection(connection: str) -> NotTold:
    """There is no usable connection."""
    return NotTold(f"connection '{connection}' is absent or lacks a bot token (its password)", sure=True)


def retry_after(headers: Mapping[str, Any], default: float = 30.0) -> float:
    """Seconds of a Retry-After header; ``default`` where it is absent or no number."""
    found = next((value for key, value in headers.items() if key.lower() == "retry-after"), None)
    text = str(found[0] if isinstance(found, list) and found else found)
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text) else default


def _reason(code: str, body: Mapping[str, Any]) -> str:
    needed = _word(body.get("needed"))
    cause = _CAUSES.get(code)
    return f"Slack answered {code}" + (f": {cause}" if cause else "") + (f" ({needed})" if needed else "")


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else None
