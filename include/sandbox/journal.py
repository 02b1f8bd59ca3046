"""The sandbox's own record of what was asked of it and of what then happened.

Tests and people judge a client by this record, never by the client's own word. It holds
every changing request in the order of arrival, and the events of the world in between.
Reads are only counted.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

Entry = dict[str, Any]

REDACTED = "***"
_SECRET_KEY = re.compile(
    r"pass(word|wd)?$|secret|token|credential|authorization|api_?key|accesskey|connectionstring|sas$", re.I
)
_QUERY = re.compile(r"(https?://[^\s?#]+)\?[^\s#]*", re.I)
_USERINFO = re.compile(r"\b([a-z][a-z0-9+.-]{0,30}://)[^/@\s]+@", re.I)
_TEXT_LIMIT = 4000


def redacted(value: Any) -> Any:
    """Return a copy of a JSON value in which no secret is left.

    Values of keys that name a secret, credentials inside an address and the query of an
    address (where shared access signatures live) become ``***``; long texts are cut.
    """
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if _SECRET_KEY.search(str(key)) and held not in (None, "") else redacted(held)
            for key, held in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(held) for held in value]
    if isinstance(value, str):
        bare = _USERINFO.sub(rf"\1{REDACTED}@", _QUERY.sub(rf"\1?{REDACTED}", value))
        return bare if len(bare) <= _TEXT_LIMIT else bare[:_TEXT_LIMIT] + "…"
    return value


class Journal:
    """Changing requests and events, in order, with a number that only ever grows."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._requests: Counter[tuple[str, str]] = Counter()
        self._number = 0

    def record(self, **fields: Any) -> Entry:
        """Add an entry and return it; the caller may set ``status`` and ``fault`` once they are known.

        A request gives ``method``, ``path``, ``operation``, ``service``, ``region``, ``slot``, ``body``,
        ``status``, ``client`` and ``fault`` (those it has); an event of the world gives ``event`` instead
        of ``method``. ``n`` and ``at`` (seconds since the epoch) are added here and the body is redacted.
        A request recorded here is counted too.
        """
        self._number += 1
        entry: Entry = {"n": self._number, "at": time.time()}
        if "event" not in fields:
            blank = (
                "method",
                "path",
                "operation",
                "service",
                "region",
                "slot",
                "body",
                "status",
                "client",
                "fault",
            )
            entry.update(dict.fromkeys(blank))
            self.count(str(fields.get("operation")), service=fields.get("service"))
        entry.update(fields)
        if entry.get("body") is not None:
            entry["body"] = redacted(entry["body"])
        self._entries.append(entry)
        return entry

    def event(self, name: str, **fields: Any) -> Entry:
        """Add an event of the world, e.g. ``routing_switched``."""
        return self.record(event=name, **fields)

    def count(self, operation: str, *, service: str | None = None) -> None:
        """Count a request that changes nothing, so that it is not recorded."""
        self._requests[(operation, service or "")] += 1

    def entries(
        self,
        *,
        service: str | None = None,
        region: str | None = None,
        operation: str | None = None,
        event: str | None = None,
        since: int = 0,
    ) -> list[Entry]:
        """Return the entries after number ``since`` that match every filter given, oldest first."""
        wanted = {"service": service, "region": region, "operation": operation, "event": event}
        filters = {key: value for key, value in wanted.items() if value is not None}
        return [
            entry
            for entry in self._entries
            if entry["n"] > since and all(entry.get(key) == value for key, value in filters.items())
        ]

    def counts(self) -> dict[str, Any]:
        """Return how many requests came, reads included: in all, by operation, by service and operation."""
        operations: Counter[str] = Counter()
        services: dict[str, Counter[str]] = {}
        for (operation, service), number in self._requests.items():
            operations[operation] += number
            services.setdefault(service, Counter())[operation] += number
        return {
            "requests": sum(operations.values()),
            "operations": dict(sorted(operations.items())),
            "services": {name: dict(sorted(held.items())) for name, held in sorted(services.items())},
        }

    def reset(self) -> None:
        """Forget everything; numbers start again at 1."""
        self._entries.clear()
        self._requests.clear()
        self._number = 0
