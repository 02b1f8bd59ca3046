"""A receiver of webhooks: keeps what it is sent, so that a test can see what "other media" got."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import Any

from aiohttp import web

from include.sandbox.faults import Fault, Faults
from include.sandbox.journal import Journal, redacted

Json = dict[str, Any]

KEPT = 10_000
"""Deliveries that are kept; the oldest go first."""


class HookStore:
    """What was delivered, in order."""

    def __init__(self) -> None:
        self._deliveries: deque[Json] = deque(maxlen=KEPT)

    def add(self, name: str, body: Any, request: web.Request) -> Json:
        """Keep one delivery; ``repeat`` tells that its Idempotency-Key came before."""
        key = request.headers.get("Idempotency-Key")
        known = key is not None and any(held["idempotency_key"] == key for held in self._deliveries)
        delivery = {
            "at": time.time(),
            "name": name,
            "body": redacted(body),
            "idempotency_key": key,
            "repeat": known,
            "authorization": _scheme(request.headers.get("Authorization")),
            "content_type": request.headers.get("Content-Type"),
            "client": request.headers.get("User-Agent"),
        }
        self._deliveries.append(delivery)
        return delivery

    def snapshot(self) -> Json:
        """Return every delivery, oldest first, without its credentials."""
        return {"hooks": list(self._deliveries)}

    def reset(self) -> None:
        """Forget every delivery."""
        self._deliveries.clear()


def webhook_routes(journal: Journal, faults: Faults) -> tuple[list[web.RouteDef], HookStore]:
    """Return the routes ``POST /hook`` and ``POST /hook/<name>``, and what they keep."""
    store = HookStore()

    async def receive(request: web.Request) -> web.StreamResponse:
        name = request.match_info.get("name", "")
        fault = faults.match(("webhook_down",), service="webhook", operation="webhook")
        body, response = await _received(request)
        if fault:
            response = web.json_response({"error": "the receiver is down"}, status=503)
        elif response.status == 200:
            store.add(name, body, request)
        _record(journal, request, body, response, fault)
        if fault and fault.params.get("how") == "closed" and request.transport:
            request.transport.abort()
        return response

    return [web.post("/hook", receive), web.post("/hook/{name}", receive)], store


async def _received(request: web.Request) -> tuple[Any, web.Response]:
    try:
        return json.loads(await request.read()), web.json_response({"received": True})
    except ValueError:
        return None, web.json_response({"error": "the body is not JSON"}, status=400)


def _record(
    journal: Journal, request: web.Request, body: Any, response: web.Response, fault: Fault | None
) -> None:
    hung_up = fault is not None and fault.params.get("how") == "closed"
    journal.record(
        method=request.method,
        path=request.path,
        operation="webhook",
        service="webhook",
        body=body,
        status=None if hung_up else response.status,
        client=request.headers.get("User-Agent"),
        fault=fault.fault if fault else None,
    )


def _scheme(authorization: str | None) -> str | None:
    """Return the kind of the credentials alone: ``Bearer ***``."""
    return None if authorization is None else f"{authorization.partition(' ')[0]} ***"
