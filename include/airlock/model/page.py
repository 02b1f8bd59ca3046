"""One answer, or none, to one look at a status page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """Why there is no usable answer; the value is how it is said."""

    CONNECT = "could not connect"
    TLS = "no secure connection"
    TIMEOUT = "no complete answer in time"
    CUT = "the answer was cut off"
    ADDRESS = "the address is not usable"


@dataclass(frozen=True)
class Page:
    """What came back: ``status`` is None when nothing did, and ``trouble`` says why.

    ``body`` holds at most as many bytes as were allowed; ``truncated`` says that there were more.
    ``elapsed_s`` is the time from connecting to the last byte, ``location`` where a redirect points.
    """

    status: int | None
    body: bytes = b""
    content_type: str = ""
    truncated: bool = False
    elapsed_s: float = 0.0
    location: str | None = None
    trouble: Trouble | None = None
    detail: str = ""
