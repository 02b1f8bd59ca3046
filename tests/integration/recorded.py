"""Whether a record tells what was asked of the cloud: compared with the sandbox's own journal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from include.airlock.model.record_file import Entry
from include.airlock.release.record_file import record_file_of
from tests.integration.rehearsal import Rehearsal
from tests.sandbox_client import Json

_NEAR_S = 3.0
"""Seconds within which a record and the journal speak of the same moment."""


def timeline(release: Rehearsal) -> list[Entry]:
    """Every look and act of a release, from its record."""
    file = record_file_of(release.ledger, release.release)
    assert file is not None
    return file.timeline


def unrecorded(timeline: list[Entry], asked: Iterable[Json], words: dict[str, tuple[str, ...]]) -> list[Json]:
    """The requests of the journal that no entry of the record tells, near their moment.

    ``words``: for an operation what an entry says of it; one that is not named must not be there.
    """
    return [entry for entry in asked if not any(_tells(told, entry, words) for told in timeline)]


def _tells(told: Entry, asked: Json, words: dict[str, tuple[str, ...]]) -> bool:
    operation = str(asked["operation"]).rpartition(":")[2]
    near = abs(datetime.fromisoformat(told.at).timestamp() - asked["at"]) < _NEAR_S
    return near and told.kind in ("act", "event") and any(word in told.what for word in words[operation])
