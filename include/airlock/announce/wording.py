"""What people are told of a release, as plain words; each medium adds its own markup."""

from __future__ import annotations

from datetime import UTC, datetime

from include.airlock.model.record import (
    Event,
    Outcome,
    Phase,
    Question,
    RegionRecord,
    ReleaseRecord,
    Rollback,
)
from include.airlock.model.visible import clipped as clipped
from include.airlock.model.visible import plain as plain

PHASES: dict[Phase, tuple[str, str]] = {
    Phase.NOT_ASKED: ("⚪", "not asked for"),
    Phase.WAITING: ("⏳", "waits for its turn"),
    Phase.CHECKED: ("🔎", "checked"),
    Phase.CHANGING: ("🔄", "being changed"),
    Phase.CHANGED: ("🔀", "changed, not yet verified"),
    Phase.VERIFIED: ("🔬", "verified, still watched"),
    Phase.ACCEPTED: ("✅", "accepted"),
    Phase.FAILED: ("❌", "failed"),
    Phase.ROLLING_BACK: ("⏪", "being rolled back"),
    Phase.ROLLED_BACK: ("↩️", "rolled back"),
    Phase.STUCK: ("🚨", "stuck: a person must look"),
}

OUTCOMES: dict[Outcome, tuple[str, str]] = {
    Outcome.RUNNING: ("🚀", "is being released"),
    Outcome.RELEASED: ("✅", "is released"),
    Outcome.REFUSED: ("🚫", "was refused; nothing was touched"),
    Outcome.HALTED: ("🛑", "was halted"),
    Outcome.ROLLED_BACK: ("↩️", "was rolled back"),
    Outcome.NOTHING: ("💤", "was not needed"),
    Outcome.PLANNED: ("📋", "was only planned"),
}

_MINUTE, _HOUR = 60, 3600


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Seconds from one ISO 8601 moment to another, or None where either can't be read."""
    first, last = _moment(start), _moment(end)
    return None if first is None or last is None else max(0.0, (last - first).total_seconds())


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def duration(seconds: float) -> str:
    """Seconds as people say them: ``8 s``, ``3 min 20 s``, ``1 h 05 min``."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def time_of_day(at: str) -> str:
    """An ISO 8601 moment as UTC time of day, or what stands there where it is none."""
    moment = _moment(at)
    return plain(at, 30) if moment is None else f"{moment.astimezone(UTC):%H:%M:%S} UTC"


def date_and_time(at: str) -> str:
    """An ISO 8601 moment as UTC date and time, or what stands there where it is none."""
    moment = _moment(at)
    return plain(at, 30) if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def name(record: ReleaseRecord) -> str:
    """What is released: service and build."""
    return f"{plain(record.service, 40)} {plain(record.build, 64)}".strip()


def state(record: ReleaseRecord) -> tuple[str, str]:
    """An emoji and words for where the release stands; of one that is undone, by whom."""
    if record.rollback is not None:
        return _undone(record.rollback, record.outcome)
    return OUTCOMES[record.outcome]


def _undone(rollback: Rollback, outcome: Outcome) -> tuple[str, str]:
    if outcome is Outcome.REFUSED:
        asker = plain(rollback.by, 80) or "somebody"
        return OUTCOMES[outcome][0], f"is not rolled back, though {asker} asked; nothing was touched"
    by = plain(rollback.by_whom, 80)
    by = f" {by}" if by else ""
    if outcome is Outcome.RUNNING:
        return "⏪", f"is being rolled back{by}"
    if outcome is Outcome.ROLLED_BACK:
        return OUTCOMES[outcome][0], f"is rolled back{by}"
    return "🚨", f"could not be rolled back{by}"


def address(record: ReleaseRecord) -> str | None:
    """Where the run is to be looked at: the one that is or was at work last."""
    return (record.rollback.url if record.rollback else None) or record.url


def asked(record: ReleaseRecord) -> list[RegionRecord]:
    """The regions that this release is for, in order."""
    return [region for region in record.regions if region.phase is not Phase.NOT_ASKED]


def who(record: ReleaseRecord) -> str:
    """Who asked, under which change request, and what a failure leads to."""
    asker = plain(record.requested_by, 80)
    parts = [f"asked for by {asker}" if asker else "nobody's name was given"]
    if record.change_request:
        parts.append(f"change request {plain(record.change_request, 64)}")
    if record.train:
        parts.append(f"with the train {plain(record.train, 40)}")
    parts.append(f"on failure: {plain(record.on_failure, 40).replace('_', ' ')}")
    return " · ".join(parts)


def progress(record: ReleaseRecord) -> str:
    """How far the release is, in regions, with its time where it has ended."""
    regions = asked(record)
    done = sum(region.phase is Phase.ACCEPTED for region in regions)
    parts = [f"{done} of {len(regions)} {'region' if len(regions) == 1 else 'regions'} accepted"]
    if not regions:
        parts = ["no region was to be changed"]
    started = record.started_at
    if record.rollback is not None:
        back = sum(r.phase is Phase.ROLLED_BACK for r in regions if r.name in record.rollback.places)
        parts = [f"{back} of {len(record.rollback.places)} rolled back"]
        started = record.rollback.at
    seconds = seconds_between(started, record.ended_at)
    if seconds is not None:
        parts.append(duration(seconds))
    if record.waited_s:
        parts.append(f"waited {duration(record.waited_s)} for its turn")
    return " · ".join(parts)


def region_state(record: ReleaseRecord, region: RegionRecord) -> tuple[str, str]:
    """An emoji and words for where a region stands: phase, builds, time, fault, staging."""
    emoji, words = PHASES[region.phase]
    if record.outcome is not Outcome.RUNNING and region.phase in (Phase.WAITING, Phase.CHECKED):
        emoji, words = "⚪", "not touched"
    elif region.waits_until and region.phase is Phase.WAITING:
        words = f"waits for its window until {date_and_time(region.waits_until)}"
    parts = [words]
    if region.old_build or region.new_build:
        builds = [plain(build, 64) or "?" for build in (region.old_build, region.new_build)]
        parts.append(" → ".join(reversed(builds) if region.phase is Phase.ROLLED_BACK else builds))
    seconds = seconds_between(region.started_at, region.ended_at)
    if seconds is not None:
        parts.append(duration(seconds))
    if region.closed:
        parts.append(plain(region.closed, 300))
    if region.failure:
        parts.append(plain(region.failure, 300))
    if region.stand:
        parts.append(plain(region.stand, 300))
    if region.refresh:
        parts.append(f"staging: {plain(region.refresh, 120)}")
    return emoji, " · ".join(parts)


def question(asked: Question) -> str:
    """What waits for an answer: the question, who may answer, until when, and what is done else."""
    who = f" by {plain(', '.join(asked.who), 200)}" if asked.who else ""
    ends = f"until {date_and_time(asked.until)}, else: {plain(asked.otherwise, 60)}"
    return f"❓ {plain(asked.text, 400)} Waits for an answer{who} {ends}"


def event_line(region: str, event: Event, limit: int = 800) -> str:
    """One event with its time and place; ``region`` is empty for the release's own."""
    place = f"{plain(region, 40)}: " if region else ""
    mark = {"info": "", "warning": "⚠️ "}.get(event.kind, "❗ ")
    return clipped(f"{time_of_day(event.at)} {mark}{place}{plain(event.text, limit)}", limit)


def ending(record: ReleaseRecord) -> str:
    """How a release ended, in one sentence."""
    emoji, words = state(record)
    start = f"{emoji} {name(record)} {words}"
    reason = plain(record.sentence, 600)
    return f"{start}: {reason}" if reason else f"{start} ({progress(record)})"


def summary(record: ReleaseRecord) -> str:
    """The whole state of a release in a few plain lines, for notifications and screen readers."""
    emoji, words = state(record)
    lines = [f"{emoji} {name(record)} {words}", who(record)]
    if record.reason:
        lines.append(f"why: {plain(record.reason, 500)}")
    if record.rollback:
        lines.append(f"why back: {plain(record.rollback.reason, 500)}")
    if record.window_override:
        lines.append(f"⚠️ windows and freezes are overridden: {plain(record.window_override, 500)}")
    if record.question and record.outcome is Outcome.RUNNING:
        lines.append(question(record.question))
    for region in asked(record):
        mark, stand = region_state(record, region)
        lines.append(f"{mark} {plain(region.name, 40)}: {clipped(stand, 200)}")
    lines += [f"⚠️ {plain(warning, 200)}" for warning in record.warnings[:5]]
    if record.sentence:
        lines.append(plain(record.sentence, 600))
    return "\n".join(lines)
