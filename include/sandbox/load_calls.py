"""One call of the load: what it asks, and what counts as a failure."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import aiohttp

from include.sandbox.load_account import HostAccount

_KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (TimeoutError, "timeout"),
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ClientConnectorError, "connect"),
    ((aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError), "reset"),
    (aiohttp.ClientPayloadError, "cut_body"),
)
_OK = 200


class WrongAnswer(Exception):
    """An answer came, but not the one that was asked for; ``kind`` is the report's word for it."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind


@dataclass(frozen=True)
class Clients:
    """Two ways to call: on connections that are kept, and on a new one for each request."""

    kept: aiohttp.ClientSession
    fresh: aiohttp.ClientSession


@asynccontextmanager
async def open_clients(ca_file: str | None, timeout: float) -> AsyncIterator[Clients]:
    """Open both clients; they trust the sandbox's own authority and nobody else.

    ``timeout`` is in seconds and for the whole of a request.
    """
    trust = ssl.create_default_context(cafile=ca_file) if ca_file else True
    patience = aiohttp.ClientTimeout(total=timeout)
    kept_connector = aiohttp.TCPConnector(limit=0, ssl=trust)
    fresh_connector = aiohttp.TCPConnector(limit=0, ssl=trust, force_close=True)
    jar = aiohttp.DummyCookieJar()
    async with (
        aiohttp.ClientSession(
            connector=kept_connector, timeout=patience, cookie_jar=jar, trace_configs=[_second_tries()]
        ) as kept,
        aiohttp.ClientSession(connector=fresh_connector, timeout=patience, cookie_jar=jar) as fresh,
    ):
        yield Clients(kept, fresh)


async def call(
    session: aiohttp.ClientSession, url: str, account: HostAccount, *, slow_seconds: float = 0.0
) -> None:
    """Send one GET and account for it; a slow page gets its ``slow_seconds`` on top of the time-out.

    aiohttp quietly repeats a GET whose kept connection was closed under it; the request that
    failed is accounted for as well.
    """
    context = SimpleNamespace(connections=0)
    slow = slow_seconds > 0
    patience = aiohttp.ClientTimeout(total=(session.timeout.total or 0) + slow_seconds)
    started = time.monotonic()
    try:
        async with session.get(
            url, allow_redirects=False, timeout=patience, trace_request_ctx=context
        ) as response:
            build = _build(response.status, await response.read(), account.service)
    except asyncio.CancelledError:
        account.abandon()
        raise
    except WrongAnswer as wrong:
        account.fail(wrong.kind, str(wrong), slow=slow)
    except (aiohttp.ClientError, OSError) as error:
        account.fail(_kind(error), f"{type(error).__name__}: {error}", slow=slow)
    else:
        account.succeed(build, time.monotonic() - started, slow=slow)
    if context.connections > 1:
        account.fail(
            "reset", "a kept connection was closed under the request; the repeated one counts for itself"
        )


def _build(status: int, body: bytes, service: str) -> str:
    """Return the build that answered; raise `WrongAnswer` unless the answer is the service's own, whole."""
    if status != _OK:
        raise WrongAnswer(f"{status // 100}xx", f"{status}: {body[:200].decode(errors='replace')}")
    try:
        answer: Any = json.loads(body)
    except ValueError:
        raise WrongAnswer("bad_json", body[:200].decode(errors="replace")) from None
    if (
        not isinstance(answer, dict)
        or answer.get("service") != service
        or not isinstance(answer.get("build"), str)
    ):
        raise WrongAnswer("wrong_answer", body[:200].decode(errors="replace"))
    return str(answer["build"])


def _kind(error: BaseException) -> str:
    return next((word for types, word in _KINDS if isinstance(error, types)), "client_error")


def _second_tries() -> aiohttp.TraceConfig:
    """Count the connections that each request used."""
    trace: aiohttp.TraceConfig = aiohttp.TraceConfig()

    async def used(_session: aiohttp.ClientSession, context: SimpleNamespace, _params: Any) -> None:
        context.trace_request_ctx.connections += 1

    trace.on_connection_reuseconn.append(used)
    trace.on_connection_create_end.append(used)
    return trace
