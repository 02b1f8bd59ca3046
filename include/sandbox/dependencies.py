"""What the applications depend on: small TCP listeners, and one address where nothing answers."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9-]*)\}")
CLOSED = "closed"


class Dependencies:
    """Listeners by name; a placeholder ``{name}`` in a setting becomes ``127.0.0.1:port`` of its listener."""

    def __init__(self) -> None:
        self._servers: dict[str, asyncio.Server] = {}
        self._closed = socket.socket()
        # Bound but never listening: the port stays ours, and every connection to it is refused.
        self._closed.bind(("127.0.0.1", 0))

    async def resolve(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the settings with every placeholder replaced, opening the listeners that are new."""
        for value in settings.values():
            for name in _PLACEHOLDER.findall(value):
                await self._open(name)
        return {
            key: _PLACEHOLDER.sub(lambda found: self.address(found[1]), value)
            for key, value in settings.items()
        }

    def address(self, name: str) -> str:
        """Return ``127.0.0.1:port`` of a listener that is open, or of the closed port."""
        holder = self._closed if name == CLOSED else self._servers[name].sockets[0]
        return f"127.0.0.1:{holder.getsockname()[1]}"

    async def _open(self, name: str) -> None:
        if name != CLOSED and name not in self._servers:
            self._servers[name] = await asyncio.start_server(_hang_up, "127.0.0.1", 0)

    async def close(self) -> None:
        """Close every listener."""
        self._closed.close()
        for server in self._servers.values():
            server.close()
            await server.wait_closed()


async def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def connects(address: str, timeout: float = 1.0) -> bool:
    """Tell whether a TCP connection to an address (``host:port``, or a URL with both) really opens."""
    try:
        parts = urlsplit(address if "//" in address else f"//{address}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or not port:
        return False
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
