"""A small model of one app with two slots, on a clock of its own: what a swap's loop is tested against."""

from __future__ import annotations

from dataclasses import dataclass, field

from include.airlock.azure.arm import Answer
from include.airlock.azure.sites import SlotState
from include.airlock.azure.swap_decision import World
from include.airlock.errors import Unreachable

OLD, NEW = "2026.11.1", "2026.11.2"


class Killed(BaseException):
    """The worker's process is gone."""


@dataclass
class Region:
    """What the loop knows of a region."""

    app: str = "app"


@dataclass
class CloudModel:
    """Two slots; ``script`` says how the next requests are answered, ``kill_at`` when the worker dies.

    ``swaps`` counts the swaps that really happened.
    """

    script: list[str] = field(default_factory=list)
    duration: float = 5.0
    late_start: float = 0.0
    kill_at: int | None = None
    clock: float = 1_000.0
    acts: int = 0
    swaps: int = 0
    posts: int = 0
    content: list[str] = field(default_factory=lambda: [OLD, NEW])
    ends: float | None = None
    starts: float | None = None
    swapped_at: str | None = None
    outcome: str = "swap"
    preview: bool = False
    region: Region = field(default_factory=Region)

    def now(self) -> float:
        return self.clock

    def sleep(self, seconds: float) -> None:
        self.clock += max(seconds, 0.01)
        self.settle()

    def step(self) -> None:
        """One act of the worker; it may be its last."""
        self.clock += 0.05
        self.settle()
        self.acts += 1
        if self.kill_at is not None and self.acts == self.kill_at:
            raise Killed

    def settle(self) -> None:
        if self.starts is not None and self.clock >= self.starts:
            self.ends, self.starts = self.starts + self.duration, None
        if self.ends is not None and self.clock >= self.ends:
            if self.outcome == "swap":
                self.content.reverse()
                self.swaps += 1
                self.swapped_at = f"t{self.ends}"
            self.ends = None

    def look(self) -> World:
        self.step()
        operation = "op" if self.ends is not None else None
        return World(
            production=self._slot(self.content[0], operation),
            staging=self._slot(self.content[1], operation),
            production_build=self.content[0],
            staging_build=self.content[1],
        )

    def _slot(self, build: str, operation: str | None) -> SlotState:
        return SlotState("Running", "h", (), f"id-{build}", self.swapped_at, operation, None)

    def _begin(self, outcome: str = "swap") -> None:
        self.outcome = outcome
        self.starts = self.clock + self.late_start
        self.settle()

    def swap(self) -> Answer:
        """The swap request: counted as sent, then answered as the script says."""
        self.posts += 1
        kind = self.script.pop(0) if self.script else "accepted"
        if self.ends is not None or self.starts is not None:
            self.step()
            return answer(409, "Cannot modify this site because another operation is in progress.")
        if kind in ("accepted", "lost_after", "gateway_after", "killed_after", "fails"):
            self._begin("nothing" if kind == "fails" else "swap")
        if kind == "lies":
            self._begin("nothing")
            kind = "accepted_lie"
        self._last = kind
        self.step()
        if kind in ("lost_after", "lost_before"):
            raise Unreachable("cut")
        table = {
            "gateway_after": answer(503, "Service Unavailable"),
            "gateway_before": answer(503, "Service Unavailable"),
            "busy": answer(409, "another operation is in progress"),
            "prepared": answer(409, "has already been prepared for swap"),
            "throttled": answer(429, "slow down", {"retry-after": "7"}),
            "ping": answer(417, "did not respond to http ping"),
            "broken": answer(400, "worker process could not be started"),
        }
        return table.get(kind) or answer(202, "", {"location": "https://arm/op/1"})

    def follow(self, location: str) -> Answer:
        self.step()
        if self.ends is not None or self.starts is not None:
            return answer(202, "", {"location": location + "1"})
        if self._last == "fails":
            return answer(417, "did not respond to http ping")
        return answer(200, "{}")

    def reset_preview(self) -> None:
        self.step()


def answer(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    """An answer as App Service writes it: no ``error`` key."""
    return Answer(status, headers or {}, {"Code": "Conflict", "Message": text}, text)
