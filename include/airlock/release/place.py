"""Where strategies differ: what a region's lane asks of the place that it changes.

The lane itself (its order, its proofs, its record, its way back) is the same for all and lives in
``lane`` and ``back``. A place is one region (or one farm of it) with its connection opened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

from include.airlock.errors import Refused
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.health import Reading
from include.airlock.model.plan_report import Foreseen
from include.airlock.model.record import RegionRecord
from include.airlock.model.rollback import Outlook
from include.airlock.model.service import Service
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it must be. ``code`` is for machines, ``text`` a sentence for people."""

    region: str
    code: str
    text: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.region}: {self.text}"


class FaultsFound(Refused):
    """A look's report: every fault of every region; nothing was touched."""

    def __init__(self, faults: list[Fault]) -> None:
        several = "s" if len(faults) > 1 else ""
        head = f"the preflight found {len(faults)} fault{several}; nothing was touched:"
        super().__init__("\n".join([head, *(f"  - {fault}" for fault in faults)]))
        self.faults = faults


@dataclass(frozen=True)
class Pages:
    """The status page as clients reach it: at each of ``urls``; ``ca_file`` to trust, or None."""

    urls: tuple[str, ...]
    ca_file: str | None


Keep = Callable[[RegionRecord], None]
"""Puts what a look saw into a region's record."""


class Place(Protocol):
    """One region of a service, opened. Every method starts by looking and may be called again."""

    service: Service

    def __enter__(self) -> Self:
        """The place itself."""

    def __exit__(self, *_: object) -> None:
        """Close the connection."""

    def inspect(self, build: str) -> tuple[Keep, list[Fault]]:
        """What is wrong with the region, and what puts what was read into its record.

        Only reads; runs in a thread.
        """

    def foresee(self, region: RegionRecord, request: ChangeRequest) -> Foreseen:
        """What a release would do here, by what ``inspect`` has just read and put into ``region``.

        Asks for nothing more; the same for the same world.
        """

    def compare(self, region: RegionRecord, build: str) -> None:
        """Look again, right before the region is touched.

        Raises:
            Drifted: names all that is not as at the preflight.
        """

    def prepare(self, run: ReleaseRun, region: RegionRecord) -> None:
        """Look, and put what is meant into the record, which is then stored before anything is sent."""

    def carry_out(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Do what was meant, to its proved end."""

    def pages(self) -> Pages:
        """Where clients reach the region."""

    def reading(self, build: str | None = None) -> Reading:
        """One reading of the page as clients reach it; of several addresses the first that is not well."""

    def complete_proof(self, region: RegionRecord) -> None:
        """What else must be seen before the region is verified, such as the way back being open.

        Raises:
            NotProven, NotHealthy, Drifted: it is not so.
        """

    def alone(self, region: RegionRecord, build: str) -> str | None:
        """``build`` where it alone must answer clients then; None where others rightly answer beside it."""

    def make_safe(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """The release stops here and stays: leave nothing half-done that can be ended without a way back."""

    def bring_back(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Bring the region back to its old build; the lane proves it afterwards."""

    def outlook(self, region: RegionRecord) -> Outlook:
        """How the region, as a release left it, would get its old build back; only reads, in a thread."""

    def ready_way_back(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> Later | None:
        """Before ``bring_back`` of a release that ended: put within reach what stands by no more.

        Raises:
            Refused: it can't be; says what to do instead.
        """

    def withdraw(self, run: ReleaseRun, region: RegionRecord) -> None:
        """The step was killed by a person: cancel what would go on without it."""


OpenPlace = Callable[[Service, str], Place]
"""Opens a place of a service by its name in the lanes.

Raises:
    ConnectionMissing: the connection is absent or incomplete.
"""
