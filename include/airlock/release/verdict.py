"""How a release ended, in one sentence: a pure reading of its record."""

from __future__ import annotations

from include.airlock.model.record import Outcome, Phase, RegionRecord, ReleaseRecord

_TOUCHED = (Phase.SWAPPING, Phase.SWAPPED, Phase.VERIFIED)


def outcome_of(record: ReleaseRecord) -> tuple[Outcome, str]:
    """The outcome and the sentence that says why.

    Released only when every asked region is accepted; nothing is green by absence.
    """
    asked = [region for region in record.regions if region.phase is not Phase.NOT_ASKED]
    if asked and all(region.phase is Phase.ACCEPTED for region in asked):
        return Outcome.RELEASED, _released(record, asked)
    back = [region for region in asked if region.phase is Phase.ROLLED_BACK]
    stuck = [region for region in asked if region.phase in (Phase.STUCK, Phase.ROLLING_BACK)]
    if back and not stuck:
        return Outcome.ROLLED_BACK, _sentence(record, asked, back)
    begun = any(
        region.swap or region.way_back or region.phase in (*_TOUCHED, Phase.ACCEPTED) for region in asked
    )
    failed = next((region for region in asked if region.failure), None)
    if not begun and failed is None:
        why = record.refusal or "see the step preflight"
        return Outcome.REFUSED, f"{record.build} was refused before anything was touched: {why}"
    return Outcome.HALTED, _sentence(record, asked, back)


def _released(record: ReleaseRecord, asked: list[RegionRecord]) -> str:
    names = ", ".join(f"{region.name} (before: {region.old_build})" for region in asked)
    stale = [f"{r.name}'s staging {r.refresh}" for r in asked if r.refresh and "could not" in r.refresh]
    tail = f"; {'; '.join(stale)}" if stale else ""
    return f"{record.build} is released in {names}{tail}"


def _sentence(record: ReleaseRecord, asked: list[RegionRecord], back: list[RegionRecord]) -> str:
    """Why it stopped, what was brought back, what keeps the new build, what was not touched."""
    failed = next((region for region in asked if region.failure), None)
    doubt = next((r for r in asked if r.phase not in (Phase.ACCEPTED, Phase.ROLLED_BACK)), None)
    where = failed or doubt
    why = where.failure if where and where.failure else "a step did not finish; see its log"
    parts = [f"{record.build} stopped in {where.name if where else 'no region'}: {why}"]
    parts += [f"{region.name} was swapped back and {region.old_build} serves again" for region in back]
    parts += [
        f"{r.name} could not be proved to be back"
        for r in asked
        if r.phase in (Phase.STUCK, Phase.ROLLING_BACK)
    ]
    kept = [region.name for region in asked if region.phase is Phase.ACCEPTED]
    parts += [f"{', '.join(kept)} keeps {record.build}"] if kept else []
    waiting = [region.name for region in asked if region.phase in (Phase.WAITING, Phase.CHECKED)]
    parts += [f"{', '.join(waiting)} was not touched"] if waiting else []
    if back:
        parts.append(f"{record.service} is locked")
    return "; ".join(parts)
