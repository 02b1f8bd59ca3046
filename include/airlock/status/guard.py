"""A time limit for one whole HTTP exchange.

Socket timeouts start anew with each byte, so a slow enough server would never run into them.
The guard keeps a second handle of each connection and shuts it down when time is up, whatever the
first handle is doing: connecting TLS, waiting for headers or reading a body.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class Guard:
    """Ends what happens inside its ``with`` block after ``seconds``; ``expired`` says that it did."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.connected = False
        self.expired = False
        self._ends = time.monotonic() + seconds
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to the first address that answers, all tries together within the time left.

        Raises:
            OSError: none did, or the name has no address.
        """
        last: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(max(0.001, self._ends - time.monotonic()))
                connection.connect(address)
            except OSError as error:
                connection.close()
                last = error
                continue
            self._keep(connection)
            return connection
        raise last or OSError(f"{host} has no address")

    def _keep(self, connection: socket.socket) -> None:
        # A second handle of the same connection: TLS takes the first one over.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self.connected = True
            self._handles.append(connection.dup())

    def _expire(self) -> None:
        with self._lock:
            self.expired = True
            for handle in self._handles:
                # The other side may have closed it already.
                with suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)


def guarded(guard: Guard) -> dict[str, Any]:
    """Give urllib3's pools by scheme, with connections made by the guard."""

    class GuardedHTTP(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self._dns_host, self.port)

    class GuardedHTTPS(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self._dns_host, self.port)

    class Plain(HTTPConnectionPool):
        ConnectionCls = GuardedHTTP

    class Secure(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPS

    return {"http": Plain, "https": Secure}
