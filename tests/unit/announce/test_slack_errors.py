"""What Slack's answers mean: sure or in doubt, for good or for now."""

from __future__ import annotations

import socket
import ssl
from http.client import RemoteDisconnected
from typing import Any
from urllib.error import URLError

import pytest

from include.airlock.announce.notifier import Blind, Gone, NotTold
from include.airlock.announce.slack_errors import no_answer, refusal, retry_after

POST, LOOK, EDIT = "chat_postMessage", "conversations_history", "chat_update"


@pytest.mark.parametrize(
    ("method", "status", "body", "verdict"),
    [
        (POST, 200, {"error": "channel_not_found"}, (NotTold, True, False)),
        (POST, 200, {"error": "invalid_auth"}, (NotTold, True, False)),
        (POST, 200, {"error": "msg_too_long"}, (NotTold, True, True)),
        (POST, 200, {"error": "internal_error"}, (NotTold, False, False)),
        (POST, 200, {"error": "fatal_error"}, (NotTold, False, False)),
        (POST, 503, {"error": "service_unavailable"}, (NotTold, True, False)),
        (POST, 503, {"error": "Received a response in a non-JSON format: <html>"}, (NotTold, False, False)),
        (POST, 502, {}, (NotTold, False, False)),
        (POST, 200, {}, (NotTold, False, False)),
        (POST, 302, {}, (NotTold, False, False)),
        (POST, 403, {}, (NotTold, True, False)),
        (POST, 200, {"error": "thread_not_found"}, (Gone, True, True)),
        (EDIT, 200, {"error": "message_not_found"}, (Gone, True, True)),
        (EDIT, 200, {"error": "edit_window_closed"}, (NotTold, True, True)),
        (EDIT, 200, {"error": "cant_update_message"}, (NotTold, True, True)),
        (LOOK, 200, {"error": "missing_scope", "needed": "channels:history"}, (Blind, False, False)),
        (LOOK, 200, {"error": "not_in_channel"}, (Blind, False, False)),
        (LOOK, 200, {"error": "unknown_method"}, (Blind, False, False)),
        (LOOK, 404, {}, (Blind, False, False)),
        (LOOK, 200, {"error": "token_expired"}, (NotTold, True, False)),
        (LOOK, 503, {}, (NotTold, False, False)),
        (POST, 200, {"error": "missing_scope", "needed": "chat:write"}, (NotTold, True, False)),
    ],
)
def test_refusal(method: str, status: int, body: dict[str, Any], verdict: tuple[type, bool, bool]) -> None:
    """Given an answer, then it is known whether it may have been posted and whether to go on."""
    trouble = refusal(method, status, body, {})

    assert (type(trouble), trouble.sure, trouble.others) == verdict


@pytest.mark.parametrize(
    ("status", "body"), [(429, {"error": "ratelimited"}), (200, {"error": "rate_limited"}), (429, {})]
)
def test_rate_limits(status: int, body: dict[str, Any]) -> None:
    """Given a rate limit in any form, then nothing was posted and the wait is known."""
    trouble = refusal(LOOK, status, body, {"Retry-After": "7"})

    assert (trouble.sure, trouble.retry_after) == (True, 7.0)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"Retry-After": ["12"]}, 12.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"Retry-After": "-5"}, 30.0),
        ({"Retry-After": "nan"}, 30.0),
        ({"Retry-After": "9" * 400}, 30.0),
        ({}, 30.0),
    ],
)
def test_retry_after(headers: dict[str, Any], seconds: float) -> None:
    """Given a Retry-After in any case, or nonsense, then it is a sound number of seconds."""
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("trouble", "sure"),
    [
        (URLError(ConnectionRefusedError(111, "refused")), True),
        (URLError(socket.gaierror(-2, "unknown")), True),
        (URLError(ssl.SSLCertVerificationError("self-signed")), True),
        (URLError(TimeoutError()), False),
        (URLError("no host given"), False),
        (ConnectionResetError(), False),
        (RemoteDisconnected("closed"), False),
        (TimeoutError(), False),
    ],
)
def test_no_answer(trouble: Exception, sure: bool) -> None:
    """Given a request that failed, then it is sure only where it never left this machine."""
    assert no_answer(trouble).sure is sure


def test_the_cause_and_the_missing_scope_are_named() -> None:
    """Given a refusal that a person can mend, then the words say how."""
    text = str(refusal(LOOK, 200, {"error": "missing_scope", "needed": "channels:history"}, {}))

    assert text == "Slack answered missing_scope: the bot lacks a scope (channels:history)"


def test_nothing_that_a_server_sends_is_repeated() -> None:
    """Given an error that is no plain word, then it does not get into the log."""
    text = str(refusal(POST, 400, {"error": "token xoxb-123 is <b>bad</b>", "needed": "xoxb 1"}, {}))

    assert text == "Slack answered HTTP 400"
