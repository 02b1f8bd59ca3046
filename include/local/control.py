"""The sandbox's own door, as far as the demo and the figures look through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from include.local.machines import Machine, machines_of

Builds = dict[str, dict[str, str]]
Farms = dict[str, dict[str, Machine]]


class SandboxControl:
    """Reads what is true in the sandbox; raises requests' errors."""

    def __init__(self, endpoints: Mapping[str, Any]) -> None:
        """Take the door's address from the sandbox's endpoints."""
        self._door = f"{endpoints['control']}/sandbox"
        self._session = requests.Session()
        self._session.trust_env = False
        self._services: Mapping[str, Any] = endpoints["services"]

    def builds(self, service: str) -> Builds:
        """Return region -> slot -> the build that is routed there now."""
        regions = self._get("state")["services"][service]
        return {
            region: {slot: slots[slot]["build"] for slot in ("production", "staging")}
            for region, slots in regions.items()
        }

    def farms(self, service: str) -> Farms:
        """Return `<region>.<farm>` -> machine -> what is true of it now, for a service on AWS machines."""
        state = self._get("state")["aws"]
        return {
            f"{region}.{name}": machines_of(
                state, farm["instances"], [*farm["target_groups"], *farm["classic_load_balancers"]]
            )
            for region, held in self._services[service]["regions"].items()
            for name, farm in held["farms"].items()
        }

    def reset(self) -> None:
        """Put the sandbox back to its start; the journal begins again."""
        self._session.post(f"{self._door}/reset", timeout=30).raise_for_status()

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the journal's entries that follow number `since`."""
        entries: list[dict[str, Any]] = self._get("journal", since=since)["entries"]
        return [entry for entry in entries if entry["n"] > since]

    def last_entry(self) -> int:
        """Return the number of the journal's last entry, 0 when it is empty."""
        entries = self.journal()
        return entries[-1]["n"] if entries else 0

    def counts(self) -> dict[str, Any]:
        """Return how many requests came, reads included."""
        counts: dict[str, Any] = self._get("journal/counts")
        return counts

    def slack(self) -> dict[str, list[dict[str, Any]]]:
        """Return channel -> messages."""
        channels: dict[str, list[dict[str, Any]]] = self._get("slack")["channels"]
        return channels

    def hooks(self) -> list[dict[str, Any]]:
        """Return what the webhook's receiver got."""
        hooks: list[dict[str, Any]] = self._get("hooks")["hooks"]
        return hooks

    def _get(self, path: str, **params: Any) -> Any:
        answer = self._session.get(f"{self._door}/{path}", params=params, timeout=10)
        answer.raise_for_status()
        return answer.json()
