"""The least that a release can take: the cloud's own times, the bakes, and the required checks' pauses.

All of it is read from the sandbox's journal and the spec; nothing is assumed of the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Entry = Mapping[str, Any]


def swap_seconds(journal: Iterable[Entry]) -> dict[str, float]:
    """Return region -> seconds from the first swap's start to its end, by the platform's own events."""
    started: dict[str, float] = {}
    took: dict[str, float] = {}
    for entry in journal:
        region = str(entry.get("region"))
        if entry.get("event") == "swap_started":
            started.setdefault(region, entry["at"])
        if entry.get("event") == "swap_ended" and region in started:
            took.setdefault(region, entry["at"] - started[region])
    return took


def deploy_seconds(journal: Iterable[Entry]) -> float:
    """Return the longest time from a deployment's request to its content; they run side by side."""
    asked: dict[str, float] = {}
    longest = 0.0
    for entry in journal:
        region = str(entry.get("region"))
        if entry.get("operation") == "one_deploy":
            asked.setdefault(region, entry["at"])
        if entry.get("event") == "content_changed" and region in asked:
            longest = max(longest, entry["at"] - asked[region])
    return longest


def floor_seconds(journal: list[Entry], *, consecutive: int, interval_s: float, bake_s: float) -> float:
    """Return the floor of one release: swaps and bakes one after the other, the refresh side by side."""
    swaps = swap_seconds(journal)
    checks = (consecutive - 1) * interval_s
    return sum(swaps.values()) + len(swaps) * (checks + bake_s) + deploy_seconds(journal) + checks
