"""What the record file of a release says, made from the ledger alone; ``record_text`` writes it down.

Every text in it is one that somebody typed or a server sent: it is put on one line, without anything
invisible, and cut at a limit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from include.airlock.model.plan_report import PlannedCall, PlanReport
from include.airlock.model.record import Decision, Event, Phase, RegionRecord, ReleaseRecord, Rollback
from include.airlock.model.record_file import (
    TEXT_LIMIT,
    Answer,
    Asked,
    Beforehand,
    Call,
    Entry,
    Fault,
    LockPart,
    PlacePart,
    PlanPart,
    RecordFile,
    RollbackPart,
)
from include.airlock.model.visible import plain
from include.airlock.release.ledger import Ledger, Lock, Unlock

_KINDS = {"info": "event", "warning": "warning", "look": "look", "act": "act", "verdict": "verdict"}


def record_file_of(ledger: Ledger, release: str) -> RecordFile | None:
    """The record file of a release as the ledger knows it now; None where it knows it no more."""
    record = ledger.release(release)
    return None if record is None else file_of(ledger, record)


def file_of(ledger: Ledger, record: ReleaseRecord) -> RecordFile:
    """The record file of a record, with what else the ledger knows of it."""
    plan = ledger.plan(record.plan) if record.plan else None
    return record_file(record, plan=plan, lock=ledger.lock(), unlocks=ledger.unlocks_of(record.release))


def record_file(
    record: ReleaseRecord,
    *,
    plan: PlanReport | None = None,
    lock: Lock | None = None,
    unlocks: Iterable[Unlock] = (),
) -> RecordFile:
    """What the file says: of the record, its plan where that is remembered, and the locks in its name."""
    asked = [region for region in record.regions if region.phase is not Phase.NOT_ASKED]
    decisions = [_answer(each) for each in record.decisions]
    locks = [*map(_unlocked, unlocks), *([_held(lock)] if lock and lock.release == record.release else [])]
    return RecordFile(
        airlock_record=1,
        said=_text(record.sentence),
        outcome=record.outcome.value,
        service=_line(record.service),
        build=_line(record.build),
        release=_line(record.release),
        dag=_line(record.dag),
        train=_text(record.train),
        started_at=_line(record.started_at),
        ended_at=_text(record.ended_at),
        waited_s=record.waited_s,
        url=_text(record.url),
        question=_text(record.question.text) if record.question else None,
        asked=_asked(record, asked),
        warnings=[_line(warning) for warning in record.warnings],
        refused=[_fault(found) for found in record.faults],
        plan=_plan(record, plan),
        decisions=decisions,
        places=[_place(region) for region in asked],
        rollback=_rollback(record.rollback) if record.rollback else None,
        locks=locks,
        timeline=sorted([*_noted(record), *_around(decisions, locks)], key=lambda entry: entry.at),
    )


def _line(value: object) -> str:
    return plain(str(value), TEXT_LIMIT)


def _text(value: object) -> str | None:
    return None if value is None else _line(value)


def _asked(record: ReleaseRecord, asked: list[RegionRecord]) -> Asked:
    return Asked(
        by=_text(record.requested_by),
        why=_text(record.reason),
        change_request=_text(record.change_request),
        places=[_line(region.name) for region in asked],
        on_failure=_line(record.on_failure),
        window_override=_text(record.window_override),
    )


def _fault(found: dict[str, str]) -> Fault:
    return Fault(**{key: _line(found.get(name, "")) for key, name in _FAULT.items()})


_FAULT = {"place": "region", "code": "code", "text": "text"}


def _plan(record: ReleaseRecord, plan: PlanReport | None) -> PlanPart | None:
    """The plan, as far as it is remembered: its hash always, its calls while the ledger has them."""
    if record.plan is None:
        return None
    return PlanPart(
        hash=_line(record.plan),
        bound=_text(record.bound),
        expected_s=plan.expected_s if plan else None,
        calls=[_call(call) for call in plan.calls] if plan else [],
        way_back=[_beforehand(back.place, back.text) for back in plan.way_back] if plan else [],
    )


def _beforehand(place: str, text: str) -> Beforehand:
    return Beforehand(place=_line(place), text=_line(text))


def _call(call: PlannedCall) -> Call:
    words = {key: _line(getattr(call, key)) for key in ("place", "step", "call", "target")}
    sent = ", ".join(f"{key}={_word(value)}" for key, value in (call.body or {}).items())
    return Call(n=call.n, expected_s=call.expected_s, sent=_line(sent) if sent else None, **words)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _answer(decision: Decision) -> Answer:
    return Answer(
        at=_line(decision.at),
        about=_line(decision.about),
        question=_line(decision.question),
        chosen=_line(decision.chosen),
        by=_text(decision.by),
        why=_text(decision.why),
        timed_out=decision.timed_out,
        refused=_text(decision.refused),
    )


def _place(region: RegionRecord) -> PlacePart:
    return PlacePart(
        name=_line(region.name),
        verdict=region.phase.value,
        before=_text(region.old_build),
        asked=_text(region.new_build),
        started_at=_text(region.started_at),
        verified_at=_text(region.verified_at),
        ended_at=_text(region.ended_at),
        failure=_text(region.failure),
        left_as=_text(region.stand),
        window=_text(region.closed),
        staging=_text(region.refresh),
    )


def _rollback(rollback: Rollback) -> RollbackPart:
    return RollbackPart(
        run=_line(rollback.run),
        by=_text(rollback.by),
        why=_line(rollback.reason),
        at=_line(rollback.at),
        places=[_line(place) for place in rollback.places],
        beforehand=[_beforehand(place, text) for place, text in rollback.outlook.items()],
        url=_text(rollback.url),
    )


def _held(lock: Lock, unlock: Unlock | None = None) -> LockPart:
    return LockPart(
        kind=_line(lock.kind),
        why=_line(lock.reason),
        at=_line(lock.at),
        unlocked_at=_text(unlock.at) if unlock else None,
        unlocked_by=_text(unlock.by) if unlock else None,
        unlocked_why=_text(unlock.reason) if unlock else None,
        unlocked_run=_text(unlock.run) if unlock else None,
    )


def _unlocked(unlock: Unlock) -> LockPart:
    return _held(unlock.lock, unlock)


def _noted(record: ReleaseRecord) -> Iterator[Entry]:
    """What the steps noted themselves: told events, and looks and acts that were told to nobody."""
    yield from _entries(None, [*record.looks, *record.events])
    for region in record.regions:
        intents = [intent for intent in (region.swap, region.way_back) if intent]
        acts = [act for intent in intents for act in intent.acts]
        yield from _entries(region.name, [*region.looks, *acts, *region.events])


def _entries(place: str | None, events: Iterable[Event]) -> Iterator[Entry]:
    for event in events:
        kind: Any = _KINDS.get(event.kind, "warning")
        yield Entry(at=_line(event.at), place=_text(place), kind=kind, what=_line(event.text))


def _around(decisions: Iterable[Answer], locks: Iterable[LockPart]) -> Iterator[Entry]:
    """What stands elsewhere in the file and has a time as well."""
    for answer in decisions:
        by = "nobody in time" if answer.timed_out else answer.by or "somebody unnamed"
        why = f": {answer.why}" if answer.why else ""
        place = None if answer.about == "release" else answer.about
        not_taken = f" (not taken: {answer.refused})" if answer.refused else ""
        what = plain(f"{answer.question} {by} chose {answer.chosen}{why}{not_taken}", TEXT_LIMIT)
        yield Entry(at=answer.at, place=place, kind="decision", what=what)
    for lock in locks:
        yield Entry(at=lock.at, place=None, kind="lock", what=plain(f"locked: {lock.why}", TEXT_LIMIT))
        if lock.unlocked_at:
            by = lock.unlocked_by or "somebody unnamed"
            what = plain(f"{by} unlocks it: {lock.unlocked_why}", TEXT_LIMIT)
            yield Entry(at=lock.unlocked_at, place=None, kind="unlock", what=what)
