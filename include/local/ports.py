"""Free ports on loopback."""

from __future__ import annotations

import os
import socket


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def chosen_port(variable: str) -> int:
    """Return the port that an environment variable asks for, else a free one; raises ValueError."""
    asked = asked_port(variable)
    if asked is None:
        return free_port()
    with socket.socket() as probe:
        # A port that was used a moment ago is free; one that somebody listens on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", asked))
        except OSError as error:
            raise ValueError(f"{variable}={asked}: this port is taken ({error.strerror})") from error
    return asked


def asked_port(variable: str) -> int | None:
    """Return the port that an environment variable asks for, None when it does not; raises ValueError."""
    asked = os.environ.get(variable)
    if not asked:
        return None
    if not asked.isdigit() or not 1024 <= int(asked) <= 65535:
        raise ValueError(f"{variable}={asked!r} is not a port; ask for one between 1024 and 65535")
    return int(asked)
