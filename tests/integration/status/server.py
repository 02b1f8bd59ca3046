"""A server on loopback whose every answer is written by hand, byte by byte where it must be."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import trustme

Answer = Callable[[socket.socket], None]


def says(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> Answer:
    """Answer once, then hang up; ``length`` is the Content-Length that is told."""
    told = len(body) if length is None else length
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {told}", *headers, "", ""])

    def answer(connection: socket.socket) -> None:
        connection.sendall(head.encode() + body)

    return answer


def drips(start: bytes, pause: float) -> Answer:
    """Send a start, then a byte now and then, for ever."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(b"x")
            time.sleep(pause)

    return answer


@dataclass
class Server:
    """What was asked of it, one entry a connection, and where it listens."""

    port: int
    scheme: str
    asked: list[str] = field(default_factory=list)

    def url(self, path: str = "/status", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


@contextmanager
def serving(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Answer every connection the same way until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener.getsockname()[1], "https" if context else "http")

    def serve(connection: socket.socket) -> None:
        # The client may hang up at any time; that is what some tests are about.
        with suppress(OSError):
            wrapped = context.wrap_socket(connection, server_side=True) if context else connection
            with wrapped:
                server.asked.append(wrapped.recv(65536).decode("latin-1"))
                answer(wrapped)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # Closing alone would not wake the thread that waits for a connection.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def certificate(folder: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """Make an authority and a server's certificate; give the authority's file and the server's context."""
    authority = trustme.CA()
    path = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    return path, context
