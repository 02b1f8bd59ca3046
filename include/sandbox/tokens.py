"""Access tokens: made by the authority, checked by the resource manager."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any


class TokenRefused(Exception):
    """The token is no token of this authority."""


class TokenExpired(Exception):
    """The token was good until ``at`` (seconds since the epoch)."""

    def __init__(self, at: float) -> None:
        super().__init__(f"expired at {at}")
        self.at = at


class Tokens:
    """Signs and checks JSON Web Tokens (HS256) for one tenant and one client."""

    def __init__(self, tenant: str, client_id: str, lifetime: float) -> None:
        self._key = secrets.token_bytes(32)
        self._tenant = tenant
        self._client_id = client_id
        self.lifetime = lifetime

    def issue(self, issuer: str, audience: str) -> str:
        """Return a fresh token."""
        now = time.time()
        claims = {
            "aud": audience,
            "iss": issuer,
            "iat": int(now),
            "nbf": int(now),
            "exp": now + self.lifetime,
            "appid": self._client_id,
            "oid": self._client_id,
            "sub": self._client_id,
            "tid": self._tenant,
            "ver": "1.0",
        }
        head = _encoded({"typ": "JWT", "alg": "HS256"}) + "." + _encoded(claims)
        return f"{head}.{self._sign(head)}"

    def check(self, token: str) -> dict[str, Any]:
        """Return the claims. Raises `TokenRefused` or `TokenExpired`."""
        head, _, signature = token.rpartition(".")
        if not hmac.compare_digest(self._sign(head).encode(), signature.encode()):
            raise TokenRefused
        payload = head.partition(".")[2]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if claims["exp"] <= time.time():
            raise TokenExpired(claims["exp"])
        return claims

    def _sign(self, head: str) -> str:
        return _base64(hmac.new(self._key, head.encode(), hashlib.sha256).digest())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _encoded(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())
