"""Slack's Web API over HTTP: tokens, bodies, answers and faults. The methods are in `slack_methods`.

As on Slack, an error is HTTP 200 with ``{"ok": false, "error": ...}``; only rate limits (429)
and an outage have a status of their own. Source: docs.slack.dev/apis/web-api.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import Any

from aiohttp import web

from include.sandbox.faults import Fault, Faults
from include.sandbox.journal import Journal
from include.sandbox.slack_methods import CHANGING, METHODS
from include.sandbox.slack_rules import RateLimits, SlackError, refused
from include.sandbox.slack_store import SlackStore

__all__ = ["SlackStore", "slack_routes"]

Json = dict[str, Any]

_SLACK_FAULTS = ("slack_down", "slack_slow", "slack_rate_limited", "slack_reply_lost")
_SCOPES = "chat:write,channels:read,channels:history,reactions:write,users:read"
_NESTED = ("blocks", "attachments", "metadata")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def slack_routes(
    journal: Journal, faults: Faults, *, limits: RateLimits | None = None
) -> tuple[list[web.RouteDef], SlackStore]:
    """Return the routes under ``/api/`` and the workspace behind them.

    ``limits`` applies Slack's own rate limits. They are off by default: the sandbox's cloud is many times
    faster than a real one, so a release here says in a minute what it would say in a quarter of an hour.
    """
    store = SlackStore(limits)
    api = _SlackApi(store, journal, faults)
    path = "/api/{method}"
    return [web.post(path, api.answer), web.get(path, api.answer)], store


class _SlackApi:
    def __init__(self, store: SlackStore, journal: Journal, faults: Faults) -> None:
        self._store = store
        self._journal = journal
        self._faults = faults

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one call: look for a fault, act, note it in the journal."""
        method = request.match_info["method"]
        problem, args = await _arguments(request)
        fault = self._faults.match(_SLACK_FAULTS, service="slack", operation=method)
        response = _refused_by(fault) or self._act(request, method, args, problem)
        if method in CHANGING:
            self._record(request, method, args, response, fault)
        else:
            self._journal.count(method, service="slack")
        if fault and fault.fault == "slack_slow":
            await asyncio.sleep(float(fault.params["delay"]))
        if fault and _hangs_up(fault) and request.transport:
            request.transport.abort()
        return response

    def _act(self, request: web.Request, method: str, args: Json, problem: SlackError | None) -> web.Response:
        try:
            if problem:
                raise problem
            self._check_token(request, args)
            if method not in METHODS:
                raise SlackError("unknown_method", req_method=method)
            wait = self._wait(method, args)
            if wait:
                return _rate_limited(wait)
            answer = METHODS[method](self._store, args)
        except SlackError as error:
            return _json({"ok": False, "error": error.error, **error.extra})
        return _json({"ok": True, **answer, **_charset_warning(request, answer)})

    def _wait(self, method: str, args: Json) -> int:
        """Return the seconds that Slack's limits ask to wait; a channel by name or id is one channel."""
        limits, channel = self._store.limits, self._store.by_id_or_name(args.get("channel"))
        return limits.wait(method, channel.id if channel else "") if limits else 0

    def _check_token(self, request: web.Request, args: Json) -> None:
        """A token comes in the Authorization header or as the argument ``token``, never in an address."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        token = given.strip() if scheme.casefold() == "bearer" else args.get("token")
        if not token:
            raise refused("not_authed")
        if not secrets.compare_digest(str(token).encode(), self._store.token.encode()):
            raise refused("invalid_auth")

    def _record(
        self, request: web.Request, method: str, args: Json, response: web.Response, fault: Fault | None
    ) -> None:
        self._journal.record(
            method=request.method,
            path=request.path,
            operation=method,
            service="slack",
            body=args,
            status=None if fault and _hangs_up(fault) else response.status,
            client=request.headers.get("User-Agent"),
            fault=fault.fault if fault else None,
        )


async def _arguments(request: web.Request) -> tuple[SlackError | None, Json]:
    """Return the arguments of a call in JSON or as a form, or what is wrong with its body."""
    args: Json = {key: value for key, value in request.query.items() if key != "token"}
    if not request.can_read_body:
        return None, args
    try:
        if request.content_type == "application/json":
            args |= _object(await request.read())
        elif request.content_type in _FORMS:
            args |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        else:
            return refused("invalid_post_type"), args
        args |= {key: json.loads(args[key]) for key in _NESTED if isinstance(args.get(key), str)}
    except SlackError as error:
        return error, args
    except ValueError:
        return refused("invalid_arguments", "not valid JSON"), args
    return None, args


def _object(body: bytes) -> Json:
    try:
        held = json.loads(body)
    except ValueError:
        raise refused("invalid_json") from None
    if not isinstance(held, dict):
        raise refused("json_not_object")
    return {key: value for key, value in held.items() if value is not None}


def _charset_warning(request: web.Request, answer: Json) -> Json:
    """Slack warns of JSON whose charset is not named."""
    if request.content_type != "application/json" or request.charset or "warning" in answer:
        return {}
    metadata = {**answer.get("response_metadata", {}), "warnings": ["missing_charset"]}
    return {"warning": "missing_charset", "response_metadata": metadata}


def _refused_by(fault: Fault | None) -> web.Response | None:
    """Return the answer of a fault that keeps Slack from acting, or None."""
    if fault and fault.fault == "slack_down":
        return _json({"ok": False, "error": "service_unavailable"}, status=503)
    if fault and fault.fault == "slack_rate_limited":
        return _rate_limited(max(0, round(float(fault.params["retry_after"]))))
    return None


def _hangs_up(fault: Fault) -> bool:
    closed_when_down = fault.fault == "slack_down" and fault.params["how"] == "closed"
    return fault.fault == "slack_reply_lost" or closed_when_down


def _rate_limited(seconds: int) -> web.Response:
    """Slack gives whole seconds; its clients read no others."""
    return _json({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(seconds)})


def _json(body: Json, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    shown = {"X-OAuth-Scopes": _SCOPES, "X-Slack-Req-Id": secrets.token_hex(16), **(headers or {})}
    return web.json_response(body, status=status, headers=shown)
