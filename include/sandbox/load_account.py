"""What the load saw of one host: every failure, the longest gap, latencies, builds."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

FAILURES_KEPT = 1000
"""Failures told one by one, per host; beyond that they are only counted."""


class Latencies:
    """Durations in steps of 2 %, so that hours of load cost no memory and a percentile is 2 % exact."""

    STEP = math.log(1.02)

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._number = 0

    def add(self, seconds: float) -> None:
        """Count one duration in seconds."""
        self._counts[round(math.log(max(seconds, 1e-6)) / self.STEP)] += 1
        self._number += 1

    def percentile_ms(self, share: float) -> float | None:
        """Return the duration in milliseconds that ``share`` (0 to 1) of all stay within, or None."""
        wanted = math.ceil(share * self._number)
        for step in sorted(self._counts):
            wanted -= self._counts[step]
            if wanted <= 0:
                return round(1000 * math.exp(step * self.STEP), 1)
        return None


@dataclass
class BuildSeen:
    """One build that answered: when first, when last (epoch seconds), how often."""

    first: float
    last: float
    requests: int = 0


@dataclass
class HostAccount:
    """One host's account. A gap is the time between two successes, or before the first, or since the last."""

    service: str
    region: str
    inside: str = ""
    since: float = field(default_factory=time.monotonic)
    requests: int = 0
    failed: int = 0
    slow_requests: int = 0
    abandoned: int = 0

    def __post_init__(self) -> None:
        self._failures: list[Json] = []
        self._builds: dict[str, BuildSeen] = {}
        self._latencies = Latencies()
        self._longest_gap = 0.0
        self._last_success = self.since
        self._closed = False

    @property
    def name(self) -> str:
        """The host's name in reports: service and region, on AWS also farm and balancer, by slashes."""
        return "/".join(filter(None, (self.service, self.region, self.inside)))

    def succeed(self, build: str, seconds: float, *, slow: bool = False) -> None:
        """Count an answer as it should be.

        A slow request's duration is no latency, and its end closes no gap: it began long before.
        """
        self.requests += 1
        self.slow_requests += slow
        if not slow:
            self._latencies.add(seconds)
        if not slow and not self._closed:
            self._longest_gap = self._gap()
            self._last_success = time.monotonic()
        at = time.time()
        seen = self._builds.setdefault(build, BuildSeen(at, at))
        seen.last = at
        seen.requests += 1

    def fail(self, kind: str, detail: str, *, slow: bool = False) -> None:
        """Count a request that got no answer, or not the right one."""
        self.requests += 1
        self.slow_requests += slow
        self.failed += 1
        if len(self._failures) < FAILURES_KEPT:
            self._failures.append({"at": time.time(), "kind": kind, "detail": detail[:300]})

    def abandon(self) -> None:
        """Count a request that was still unanswered when the load was told to stop: neither good nor bad."""
        self.abandoned += 1

    def close(self) -> None:
        """No more requests are sent: the gap since the last success ends here."""
        self._longest_gap = self._gap()
        self._closed = True

    def _gap(self) -> float:
        since_last = 0.0 if self._closed else time.monotonic() - self._last_success
        return max(self._longest_gap, since_last)

    def json(self) -> Json:
        """Return the account; while it is open, the gap since the last success counts up to this moment."""
        return {
            "requests": self.requests,
            "failed": self.failed,
            "failures": list(self._failures),
            "longest_gap_s": round(self._gap(), 3),
            "p50_ms": self._latencies.percentile_ms(0.5),
            "p99_ms": self._latencies.percentile_ms(0.99),
            "builds": {build: vars(seen) for build, seen in self._builds.items()},
            "slow_requests": self.slow_requests,
            "abandoned": self.abandoned,
        }
