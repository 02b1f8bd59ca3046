"""The sandbox's certificate authority, and the one certificate of its https doors."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Certificates:
    """A new authority for each run; every door shares one certificate for 127.0.0.1 and localhost."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._leaf = self._authority.issue_cert("127.0.0.1", "localhost")

    def context(self) -> ssl.SSLContext:
        """Return the server side's TLS context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._leaf.configure_cert(context)
        return context

    def write(self, path: Path) -> None:
        """Write the authority's certificate, which clients trust."""
        self._authority.cert_pem.write_to_path(str(path))
