"""Looks and acts as a release notes them for its record file; nobody is told of them."""

from __future__ import annotations

from include.airlock.model.record import Event, RegionRecord, ReleaseRecord, SwapIntent
from include.airlock.release.ledger import now

KEPT_LOOKS = 300
"""The newest that are kept of one region or release: a step may be cleared again and again."""


def looked(of: RegionRecord | ReleaseRecord | SwapIntent, text: str) -> None:
    """Note what a look saw; it is stored with whatever is stored next of the record."""
    _note(of.acts if isinstance(of, SwapIntent) else of.looks, text, "look")


def ruled(of: ReleaseRecord, text: str) -> None:
    """Note a verdict: a step that is cleared brings another one."""
    _note(of.looks, text, "verdict")


def acted(intent: SwapIntent, text: str) -> None:
    """Note a request or what was answered, with the intent that is stored next."""
    _note(intent.acts, text, "act")


def seen(region: RegionRecord) -> str:
    """What the preflight read of a region, in a few words."""
    sides = {"production": region.production, "staging": region.staging}
    parts = [f"{slot} answers {side.build}" for slot, side in sides.items() if side and side.build]
    if not parts and region.old_build:
        parts.append(f"{region.old_build} answers")
    if region.machines:
        parts.append(f"{len(region.machines)} machines")
    return ", ".join(parts) or "nothing was read"


def _note(notes: list[Event], text: str, kind: str) -> None:
    notes.append(Event(n=notes[-1].n + 1 if notes else 1, at=now(), text=text, kind=kind))
    del notes[:-KEPT_LOOKS]
