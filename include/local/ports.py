"""Free ports on loopback."""

from __future__ import annotations

import os
import random
import socket

# Below the range from which Linux and macOS take the ports of outgoing connections. A port of that range
# may be free when it is chosen and taken by a client seconds later, when the server comes to listen.
_SERVERS = range(15_000, 32_000)
_TRIES = 200


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on; raises OSError when none is found."""
    for port in random.sample(_SERVERS, _TRIES):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"none of {_TRIES} ports of 127.0.0.1 is free")


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
