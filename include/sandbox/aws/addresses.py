"""The loopback addresses of one sandbox: a /24 of 127.80.0.0/16 that no other sandbox here uses."""

from __future__ import annotations

import errno
import ipaddress
import socket

ZONES = ("a", "b", "c")
_ZONE_SIZE = 64
_CLAIM_PORT = 8079
_FIRST_BALANCER = 200


class Block:
    """A /24: each zone's machines have 64 addresses, and the load balancers share the last 56.

    The claim is a socket that is bound and never listens; it ends with this program.
    """

    def __init__(self, claim: socket.socket, number: int) -> None:
        self._claim = claim
        self._prefix = f"127.80.{number}"
        self._balancers: dict[str, str] = {}

    @classmethod
    def claimed(cls) -> Block:
        """Take the first free block. Raises OSError when none is free, or this system has only 127.0.0.1."""
        for number in range(256):
            claim = socket.socket()
            try:
                claim.bind((f"127.80.{number}.255", _CLAIM_PORT))
            except OSError as error:
                claim.close()
                if error.errno != errno.EADDRINUSE:
                    raise
            else:
                return cls(claim, number)
        raise OSError(errno.EADDRINUSE, "every block of 127.80.0.0/16 is in use")

    @property
    def network(self) -> str:
        """The block, for the VPC."""
        return f"{self._prefix}.0/24"

    def subnet(self, zone: str) -> str:
        """Return the part of a zone (a, b, c)."""
        return f"{self._prefix}.{ZONES.index(zone) * _ZONE_SIZE}/26"

    def holds(self, address: str | None) -> bool:
        """Tell whether an address is in the block."""
        return address is not None and ipaddress.ip_address(address) in ipaddress.ip_network(self.network)

    def balancer(self, key: str) -> str:
        """Return the address of a load balancer, the same at every call. OSError: none is left."""
        if key not in self._balancers:
            number = _FIRST_BALANCER + len(self._balancers)
            if number > 254:
                raise OSError(errno.EADDRNOTAVAIL, "no address is left for another load balancer")
            self._balancers[key] = f"{self._prefix}.{number}"
        return self._balancers[key]

    def forget(self) -> None:
        """Give the load balancers' addresses anew."""
        self._balancers.clear()

    def close(self) -> None:
        """Let the block go."""
        self._claim.close()
