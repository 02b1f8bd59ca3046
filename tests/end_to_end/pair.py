"""Two target groups behind one listener, seen from outside: by the sandbox's state and by its journal."""

from __future__ import annotations

from dataclasses import dataclass

import requests

from tests.end_to_end.farm import Farm, asked
from tests.end_to_end.release import Release
from tests.sandbox_client import Json

MODIFY = "elasticloadbalancing:ModifyListener"


@dataclass(frozen=True)
class Pair(Farm):
    """The blue and the green machines of a service; blue is live at first."""

    @property
    def listener(self) -> str:
        """The listener's ARN."""
        return str(self.told["listener"])

    def machines_of(self, colour: str) -> list[str]:
        """Return the machines of one group."""
        return sorted(target.partition(":")[0] for target in self.standings()[self._group(colour)])

    def states_of(self, colour: str) -> set[str]:
        """Return the states of one group's machines."""
        return set(self.standings()[self._group(colour)].values())

    def builds_of(self, colour: str) -> set[str]:
        """Return the builds on one group's machines."""
        known = self.sandbox.aws_state("machines")
        return {known[machine]["build"] for machine in self.machines_of(colour)}

    def answers(self) -> set[str]:
        """Return the builds that answer twenty clients at the load balancer."""
        (url,) = self.told["public"].values()
        return {requests.get(url, timeout=10).json()["build"] for _ in range(20)}

    def green_share(self) -> int:
        """Return the percentage of the requests that goes to green now."""
        return self._share(self.sandbox.aws_state("listeners")[self.listener])

    def shares(self, release: Release) -> list[int]:
        """Return the percentages that went to green during a release, in order."""
        changes = self.sandbox.journal(event="listener_changed", since=release.since)
        return [self._share(entry) for entry in changes if entry["listener"] == self.listener]

    def modified(self, release: Release) -> list[Json]:
        """Return the requests that changed the listener during a release, in order."""
        entries = asked(self.sandbox.journal(since=release.since), MODIFY)
        return [entry for entry in entries if self.listener in str(entry["body"])]

    def _group(self, colour: str) -> str:
        return f"{self.service}-{colour}"

    def _share(self, told: Json) -> int:
        weights: dict[str, int] = told["weights"]
        return 100 * weights.get(self.told["target_groups"][self._group("green")], 0) // sum(weights.values())
