"""One look at a status page: a fresh connection, a limit on time and size, no surprises on the way.

- Each look connects anew and says ``Connection: close``: a kept connection would keep asking the
  instance that it once reached, which after a swap may be the old one.
- Redirects are not followed: an answer from elsewhere proves nothing.
- The time limit covers the whole look. A server that sends a byte now and then is cut off too.
- Proxies are the machine's own (``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``), but never for its own
  addresses. No cookies, no ``.netrc``.
- Certificates are checked against ``ca_file``, else ``REQUESTS_CA_BUNDLE``, else certifi's list: the
  same as the calls to the cloud's API.
"""

from __future__ import annotations

import os
import re
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

from include.airlock.errors import Rejected
from include.airlock.model.fields import HOST_PATTERN, check_path
from include.airlock.model.page import Page, Trouble
from include.airlock.model.refresh import is_loopback
from include.airlock.model.wording import shown

if TYPE_CHECKING:
    import ssl

    from urllib3 import BaseHTTPResponse, PoolManager

    from include.airlock.status.guard import Guard

MAX_BYTES = 256 * 1024
_CHUNK = 16 * 1024
_HEADERS = {
    "User-Agent": "airlock",
    "Accept": "application/json, text/html;q=0.9, text/plain;q=0.8, */*;q=0.1",
    # The size limit is on what is sent: a compressed answer could be a thousand times as large.
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache, no-store",
    "Pragma": "no-cache",
    "Connection": "close",
}
_MAX_PORT = 65535


def status_url(host: str, scheme: str, path: str) -> str:
    """Join a status page's address; the host comes from the platform, so it is checked like any input.

    Raises:
        Rejected: the host is not a bare host name with or without a port, or the path leads elsewhere.
    """
    if len(host) > 259 or not re.fullmatch(HOST_PATTERN, host):
        raise Rejected(f"the platform tells {shown(host)} as a host name; it is none")
    port = re.search(r":([0-9]+)$", host)
    if port and not 1 <= int(port[1]) <= _MAX_PORT:
        raise Rejected(f"the platform tells {shown(host)} as a host name; it has no such port")
    if scheme not in ("https", "http"):
        raise Rejected(f"{shown(scheme)} is not a way to reach a status page; it must be https or http")
    try:
        return f"{scheme}://{host}{check_path(path)}"
    except PydanticCustomError as error:
        raise Rejected(f"the status page's path {error.message()}") from None


def fetch(url: str, *, timeout: float = 10.0, ca_file: str | None = None, max_bytes: int = MAX_BYTES) -> Page:
    """Look at a page once.

    Args:
        url: its address, from ``status_url``.
        timeout: seconds for the whole look, from connecting to the last byte.
        ca_file: PEM file of the authority that signed the server's certificate.
        max_bytes: how much of the body is kept; more makes the page ``truncated``.

    Never raises for what a network or server does: the page then has a ``trouble``.
    """
    from urllib3.exceptions import HTTPError

    from include.airlock.status.guard import Guard

    started = time.monotonic()
    guard = Guard(timeout)
    try:
        with guard:
            page = _look(url, guard, ca_file, max_bytes)
    # HTTPError is urllib3's own; the others come from sockets, certificate files and odd host names.
    except (HTTPError, OSError, ValueError) as error:
        page = Page(None, trouble=_trouble(error, guard), detail=_detail(error))
    if guard.expired or page.trouble is Trouble.TIMEOUT:
        page = Page(page.status, trouble=Trouble.TIMEOUT, detail=f"{timeout:g} s")
    return Page(**{**vars(page), "elapsed_s": round(time.monotonic() - started, 3)})


def _look(url: str, guard: Guard, ca_file: str | None, max_bytes: int) -> Page:
    with _pools(url, guard, ca_file) as pools:
        response = pools.request(
            "GET",
            url,
            headers=_HEADERS,
            redirect=False,
            retries=False,
            preload_content=False,
            timeout=guard.seconds,
        )
        try:
            return _page(response, max_bytes)
        finally:
            response.close()


def _page(response: BaseHTTPResponse, max_bytes: int) -> Page:
    body = bytearray()
    while len(body) <= max_bytes:
        chunk = response.read(_CHUNK, decode_content=False)
        if not chunk:
            break
        body += chunk
    return Page(
        status=response.status,
        body=bytes(body[:max_bytes]),
        content_type=response.headers.get("Content-Type", "")[:200],
        truncated=len(body) > max_bytes,
        location=response.headers.get("Location"),
    )


def _pools(url: str, guard: Guard, ca_file: str | None) -> PoolManager:
    """Give urllib3's entry, with connections that the guard can end."""
    from urllib3 import PoolManager, ProxyManager

    from include.airlock.status.guard import guarded

    parts = urlsplit(url)
    trust = _trust(ca_file) if parts.scheme == "https" else None
    proxy = _proxy(parts.scheme, parts.hostname or "")
    pools = ProxyManager(proxy, ssl_context=trust) if proxy else PoolManager(ssl_context=trust)
    pools.pool_classes_by_scheme = guarded(guard)
    return pools


def _proxy(scheme: str, host: str) -> str | None:
    from urllib.request import getproxies, proxy_bypass

    return None if is_loopback(host) or proxy_bypass(host) else getproxies().get(scheme)


def _trust(ca_file: str | None) -> ssl.SSLContext:
    import certifi

    path = Path(ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or certifi.where())
    try:
        return _context(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise OSError(error.errno, f"can't read certificates from {path}") from None


@lru_cache(maxsize=8)
def _context(path: Path, changed: int) -> ssl.SSLContext:
    """Read the certificates once per change of the file: certifi's take some 20 ms of processor time."""
    import ssl

    if path.is_dir():
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)


def _trouble(error: Exception, guard: Guard) -> Trouble:
    import ssl

    from urllib3.exceptions import LocationValueError, SSLError
    from urllib3.exceptions import TimeoutError as Late

    causes = list(_causes(error))
    if any(isinstance(cause, (Late, TimeoutError)) for cause in causes):
        return Trouble.TIMEOUT
    if any(isinstance(cause, (SSLError, ssl.SSLError)) for cause in causes):
        return Trouble.TLS
    if any(isinstance(cause, (LocationValueError, UnicodeError)) for cause in causes):
        return Trouble.ADDRESS
    return Trouble.CUT if guard.connected else Trouble.CONNECT


def _causes(error: BaseException) -> list[BaseException]:
    """Give an error and what it was made of, outermost first."""
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting and len(seen) < 10:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and each not in seen:
            seen.append(each)
            before = None if each.__suppress_context__ else each.__context__
            waiting += [each.__cause__, before, *each.args]
    return seen


def _detail(error: Exception) -> str:
    """Give the innermost words that say something to people, without addresses of objects."""
    causes = _causes(error)
    for cause in reversed(causes):
        words = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None)
        if isinstance(words, str) and words:
            return shown(words)[1:-1]
    words = str(causes[-1])
    return type(error).__name__ if not words or " at 0x" in words else shown(words)[1:-1]


__all__ = ["MAX_BYTES", "fetch", "status_url"]
