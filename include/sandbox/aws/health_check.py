"""One health check: an HTTP request or a TCP connection, and what its answer means."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp

PATIENCE = 0.3
"""Seconds that a check waits at least, however fast the world runs: less would measure this machine."""


@dataclass(frozen=True)
class Reason:
    """Why a target is not healthy: the API's reason code and description."""

    code: str
    description: str


TIMEOUT = Reason("Target.Timeout", "Request timed out")
FAILED = Reason("Target.FailedHealthChecks", "Health checks failed")


@dataclass(frozen=True)
class Check:
    """How to ask: protocol (``HTTP``, or anything else for a connection), port, path, good codes."""

    protocol: str
    port: int | None
    path: str = "/"
    codes: str = "200"

    def accepts(self, status: int) -> bool:
        """Tell whether a status matches; the matcher is like ``200``, ``200,202`` or ``200-299``."""
        for part in self.codes.split(","):
            low, _, high = part.strip().partition("-")
            if low.isdigit() and int(low) <= status <= int(high or low):
                return True
        return False


async def ask(session: aiohttp.ClientSession, check: Check, address: str, port: int) -> Reason | None:
    """Check once; None means that it passed. The caller limits the time."""
    port = check.port or port
    if check.protocol != "HTTP":
        return await _connect(address, port)
    try:
        async with session.get(f"http://{address}:{port}{check.path}", allow_redirects=False) as answer:
            await answer.read()
            if check.accepts(answer.status):
                return None
            text = f"Health checks failed with these codes: [{answer.status}]"
            return Reason("Target.ResponseCodeMismatch", text)
    except (aiohttp.ClientError, OSError):
        return FAILED


async def _connect(address: str, port: int) -> Reason | None:
    try:
        _, writer = await asyncio.open_connection(address, port)
    except OSError:
        return FAILED
    writer.close()
    return None


async def ask_within(
    session: aiohttp.ClientSession, check: Check, address: str, port: int, seconds: float
) -> Reason | None:
    """Check once, for so many seconds at most."""
    try:
        async with asyncio.timeout(max(seconds, PATIENCE)):
            return await ask(session, check, address, port)
    except TimeoutError:
        return TIMEOUT
