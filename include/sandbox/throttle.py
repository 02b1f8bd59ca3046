"""The resource manager's token buckets: how many calls a caller has left.

Source: learn.microsoft.com, "Understand how Azure Resource Manager throttles requests": per
subscription and caller, a bucket of 250 reads refilled by 25 a second and of 200 writes refilled by
10 a second; the bucket of the whole subscription is 15 times as large.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from include.sandbox.config import Limits

GLOBAL_FACTOR = 15


@dataclass
class Bucket:
    """A token bucket."""

    size: float
    per_second: float
    tokens: float
    at: float

    def take(self, now: float) -> float:
        """Take one token; return 0, or the seconds until there is one."""
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.per_second)
        self.at = now
        if self.tokens < 1:
            return (1 - self.tokens) / self.per_second
        self.tokens -= 1
        return 0.0


class Throttle:
    """A pair of buckets per caller, and one pair for all."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._buckets: dict[tuple[str, bool], Bucket] = {}

    def _bucket(self, caller: str, write: bool, factor: int) -> Bucket:
        limits = self._limits
        size = (limits.writes_burst if write else limits.reads_burst) * factor
        rate = (limits.writes_per_second if write else limits.reads_per_second) * factor
        return self._buckets.setdefault((caller, write), Bucket(size, rate, size, time.monotonic()))

    def take(self, caller: str, write: bool) -> tuple[int, dict[str, str]]:
        """Count a call; return the seconds of Retry-After (0: go on), and the headers of what is left."""
        now = time.monotonic()
        own, everybody = self._bucket(caller, write, 1), self._bucket("", write, GLOBAL_FACTOR)
        wait = max(own.take(now), everybody.take(now))
        word = "writes" if write else "reads"
        headers = {
            f"x-ms-ratelimit-remaining-subscription-{word}": str(int(own.tokens)),
            f"x-ms-ratelimit-remaining-subscription-global-{word}": str(int(everybody.tokens)),
        }
        return (math.ceil(wait) if wait and self._limits.on else 0), headers
