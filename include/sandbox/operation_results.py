"""The addresses at which an operation's result is asked for: long, signed, new with every answer.

As recorded: ``…/operationresults/{id}?api-version=…&t=<ticks>&c=<certificate>&s=<signature>&h=<hash>``.
Older addresses of the same operation still answer; one whose signature does not fit does not.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from urllib.parse import urlencode

_TICKS_AT_EPOCH = 621_355_968_000_000_000  # 100 ns steps from the year 1 to 1970


class ResultAddresses:
    """Makes and checks signed addresses."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._certificate = _text(secrets.token_bytes(1950))

    def make(self, base: str, operation_id: str, api_version: str) -> str:
        """Return a new address for an operation's result; ``base`` is the slot's or site's own."""
        ticks = str(_TICKS_AT_EPOCH + time.time_ns() // 100)
        query = {
            "api-version": api_version,
            "t": ticks,
            "c": self._certificate,
            "s": self._sign(operation_id, ticks),
            "h": _text(hashlib.sha256(f"{operation_id}{ticks}".encode()).digest()),
        }
        return f"{base}/operationresults/{operation_id}?{urlencode(query)}"

    def fits(self, operation_id: str, query: Mapping[str, str]) -> bool:
        """Tell whether a signature, if the address has one, is ours for this operation."""
        if "s" not in query and "t" not in query:
            return True
        signature = self._sign(operation_id, query.get("t", ""))
        return hmac.compare_digest(signature.encode(), query.get("s", "").encode())

    def _sign(self, operation_id: str, ticks: str) -> str:
        block = hmac.new(self._key, f"{operation_id}|{ticks}".encode(), hashlib.sha512).digest()
        return _text(block * 4)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
