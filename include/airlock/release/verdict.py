"""How a release ended, in one sentence: a pure reading of its record."""

from __future__ import annotations

from include.airlock.model.record import Outcome, Phase, RegionRecord, ReleaseRecord, Rollback

_BEGUN = (Phase.CHANGING, Phase.CHANGED, Phase.VERIFIED, Phase.ACCEPTED)


def outcome_of(record: ReleaseRecord) -> tuple[Outcome, str]:
    """The outcome and the sentence that says why.

    Released only when every asked region is accepted; nothing is green by absence.
    """
    asked = [region for region in record.regions if region.phase is not Phase.NOT_ASKED]
    if record.nothing:
        return Outcome.NOTHING, record.nothing
    if record.plan_only and record.plan and not record.refusal:
        return Outcome.PLANNED, _planned(record, asked)
    if record.rollback is not None:
        return _undone(record, record.rollback)
    if asked and all(region.phase is Phase.ACCEPTED and not region.failure for region in asked):
        return Outcome.RELEASED, _released(record, asked)
    back = [region for region in asked if region.phase is Phase.ROLLED_BACK]
    stuck = [region for region in asked if region.phase in (Phase.STUCK, Phase.ROLLING_BACK)]
    if back and not stuck:
        return Outcome.ROLLED_BACK, _sentence(record, asked, back)
    begun = any(region.touched or region.phase in _BEGUN for region in asked)
    failed = next((region for region in asked if region.failure), None)
    if not begun and failed is None:
        why = record.refusal or _closed(asked) or record.stopped or "see the step preflight"
        return Outcome.REFUSED, f"{record.build} was refused before anything was touched: {why}"
    return Outcome.HALTED, _sentence(record, asked, back)


def _undone(record: ReleaseRecord, rollback: Rollback) -> tuple[Outcome, str]:
    """How a rollback of the release ended: rolled back only when every place of it is."""
    places = [region for region in record.regions if region.name in rollback.places]
    back = [region for region in places if region.phase is Phase.ROLLED_BACK]
    stopped = next((r for r in reversed(places) if r.phase is not Phase.ROLLED_BACK), None)
    parts = [f"{record.build} is rolled back{rollback.by_whom}: {rollback.reason}"]
    if stopped is not None:
        why = stopped.failure or "a step did not finish; see its log"
        parts = [f"the rollback of {record.build}{rollback.by_whom} stopped in {stopped.name}: {why}"]
    parts += [f"{r.name} serves {r.old_build} again" for r in back]
    left = [r for r in record.regions if r.phase is Phase.ACCEPTED and r is not stopped]
    names = [r.name for r in left]
    parts += [f"{', '.join(names)} {_verb(names, 'keeps', 'keep')} {record.build}"] if names else []
    outcome = Outcome.HALTED if stopped else Outcome.ROLLED_BACK
    return outcome, "; ".join([*parts, f"{record.service} is locked"])


def _planned(record: ReleaseRecord, asked: list[RegionRecord]) -> str:
    names = ", ".join(region.name for region in asked)
    return f"{record.build} was only planned for {names}, nothing was touched; plan {record.plan}"


def _released(record: ReleaseRecord, asked: list[RegionRecord]) -> str:
    names = ", ".join(f"{region.name} (before: {region.old_build})" for region in asked)
    stale = [f"{r.name}'s staging {r.refresh}" for r in asked if r.refresh and " not " in f" {r.refresh} "]
    in_spite = [_although(region) for region in asked if region.although]
    tail = "".join(f"; {part}" for part in (*in_spite, *stale))
    return f"{record.build} is released in {names}{tail}"


def _sentence(record: ReleaseRecord, asked: list[RegionRecord], back: list[RegionRecord]) -> str:
    """Why it stopped, what was brought back, what keeps the new build, what was not touched."""
    waiting = [r for r in asked if r.phase in (Phase.WAITING, Phase.CHECKED) and not r.failure]
    touched = [r for r in asked if r not in waiting]
    open_ones = [r for r in touched if r.phase not in (Phase.ACCEPTED, Phase.ROLLED_BACK, Phase.STUCK)]
    kept = [r.name for r in asked if r.phase is Phase.ACCEPTED and not r.failure]
    doubt = [r for r in open_ones if r.touched]
    parts = [f"{record.build} {_where(record, asked, touched)}"]
    parts += [f"{r.name} was brought back and {r.old_build} serves again" for r in back]
    stuck = [r for r in asked if r.phase is Phase.STUCK]
    parts += [f"{r.name} could not be proved to be back{f' ({r.stand})' if r.stand else ''}" for r in stuck]
    parts += [_between(r, record.build) for r in doubt]
    parts += [f"{', '.join(kept)} {_verb(kept, 'keeps', 'keep')} {record.build}"] if kept else []
    parts += _untouched(waiting)
    parts += [f"{record.service} is locked"] if back or doubt or _stuck(asked) else []
    return "; ".join(parts)


def _untouched(waiting: list[RegionRecord]) -> list[str]:
    """What was not touched; where a window ended the release, also what that keeps."""
    names = [r.name for r in waiting]
    if not names:
        return []
    parts = [f"{', '.join(names)} {_verb(names, 'was', 'were')} not touched"]
    kept = {r.old_build: [each.name for each in waiting if each.old_build == r.old_build] for r in waiting}
    if _closed(waiting):
        parts += [f"{', '.join(n)} {_verb(n, 'keeps', 'keep')} {build}" for build, n in kept.items() if build]
    return parts


def _closed(asked: list[RegionRecord]) -> str | None:
    """Why no window let the next region start, and when it could; None when that is not what ended it."""
    return next((f"{region.name}: {region.closed}" for region in asked if region.closed), None)


def _where(record: ReleaseRecord, asked: list[RegionRecord], touched: list[RegionRecord]) -> str:
    """The region that stopped the release, and why: the one with a failure, else the last one touched."""
    failed = next((r for r in asked if r.failure and r.phase is not Phase.ACCEPTED), None)
    failed = failed or next((region for region in asked if region.failure), None)
    where = failed or next((r for r in touched if r.phase is not Phase.ACCEPTED), None)
    if where is None and (closed := _closed(asked)):
        return f"stopped between regions, before {closed}"
    if where is None:
        return f"stopped between regions: {_unknown(record)}"
    chosen = f"; {where.decision.said}" if where.decision else ""
    return f"stopped in {where.name}: {where.failure or _unknown(record)}{chosen}"


def _unknown(record: ReleaseRecord) -> str:
    """Why a release stopped where none of its regions says it: its train did, or a step was lost."""
    return record.stopped or "a step did not finish; see its log"


def _although(region: RegionRecord) -> str:
    """By whom a region was accepted, with which failure, and why."""
    by = (region.decision.by if region.decision else None) or "somebody"
    why = f" ({region.decision.why})" if region.decision and region.decision.why else ""
    return f"{region.name} was accepted by {by} although {region.although}{why}"


def _between(region: RegionRecord, build: str) -> str:
    """What is known of a region that was left where it stopped."""
    if region.stand:
        return f"{region.name} was left between {region.old_build} and {build}: {region.stand}"
    return f"{region.name} is in doubt between {region.old_build} and {build}"


def _stuck(asked: list[RegionRecord]) -> bool:
    return any(region.phase is Phase.STUCK for region in asked)


def _verb(names: list[str], one: str, several: str) -> str:
    return one if len(names) == 1 else several
