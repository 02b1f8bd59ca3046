"""The record file: what an auditor asks is in it, and whatever anybody typed stays a value in it."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from include.airlock.model import schema
from include.airlock.model.plan_report import PlannedCall, PlanReport, WayBack
from include.airlock.model.record import (
    Decision,
    Event,
    Outcome,
    Phase,
    RegionRecord,
    ReleaseRecord,
    Rollback,
    Side,
    SwapIntent,
    SwapPhase,
)
from include.airlock.model.record_file import RecordFile, record_schema
from include.airlock.release.ledger import Ledger, Lock, Unlock
from include.airlock.release.looks import KEPT_LOOKS, acted, looked, ruled, seen
from include.airlock.release.record_file import record_file, record_file_of
from include.airlock.release.record_text import render
from tests.integration.rehearsal import MemoryStore

OLD, NEW = "2026.11.1", "2026.11.2"
ASKED_AT = "2026-11-21T20:00:00.000+00:00"


def at(second: int) -> str:
    return f"2026-11-21T20:00:{second:02d}.000+00:00"


def region(**more: Any) -> RegionRecord:
    """A region that was swapped, watched and accepted."""
    swap = SwapIntent(
        phase=SwapPhase.DONE, direction="forward", production=Side(build=OLD), staging=Side(build=NEW),
        expected=NEW, since=0.0, acts=[Event(n=1, at=at(3), text="asks to swap", kind="act")],
    )  # fmt: skip
    made = RegionRecord(
        name="westeurope", phase=Phase.ACCEPTED, old_build=OLD, new_build=NEW, swap=swap,
        started_at=at(2), verified_at=at(6), ended_at=at(9),
        looks=[Event(n=1, at=at(1), text="the preflight: production answers", kind="look")],
        events=[Event(n=1, at=at(9), text="accepted")],
    )  # fmt: skip
    return made.model_copy(update=more)


def release(*regions: RegionRecord, **more: Any) -> ReleaseRecord:
    made = ReleaseRecord(
        release="CHG-1", dag="release_payments", service="payments", build=NEW, reason="new rates",
        change_request="CHG-1", requested_by="ann", on_failure="halt", started_at=ASKED_AT,
        regions=list(regions or [region()]), outcome=Outcome.RELEASED, sentence=f"{NEW} is released",
    )  # fmt: skip
    return made.model_copy(update=more)


def parsed(file: RecordFile) -> Any:
    """What a machine gets, the same whichever YAML it reads; and it is what the schema says."""
    text = render(file)
    found = yaml.safe_load(text)
    assert YAML(typ="safe", pure=True).load(text) == found == file.model_dump(mode="json")
    jsonschema.validate(found, record_schema())
    return found


def test_it_answers_who_why_what_and_each_look_and_act_by_time() -> None:
    # Given a release that was accepted, and a region that was not asked for
    file = parsed(record_file(release(region(), RegionRecord(name="uksouth", phase=Phase.NOT_ASKED))))
    # Then it says who asked for what, how each asked region fared, and all that was done in its order
    assert file["asked"]["by"] == "ann" and file["asked"]["why"] == "new rates"
    assert file["asked"]["places"] == ["westeurope"]
    (place,) = file["places"]
    assert (place["verdict"], place["before"], place["asked"]) == ("accepted", OLD, NEW)
    assert [(entry["kind"], entry["at"]) for entry in file["timeline"]] == [
        ("look", at(1)), ("act", at(3)), ("event", at(9)),
    ]  # fmt: skip


def plan() -> PlanReport:
    call = PlannedCall(
        n=1, place="westeurope", step="swap", call="slotsswap", target="app", body={"targetSlot": "staging"}
    )
    back = WayBack(place="westeurope", text="at once", calls=[])
    return PlanReport(
        hash="abc", service="payments", build=NEW, spec={}, request={}, places=[], calls=[call], stages=[],
        expected_s=60.0, way_back=[back], made_at=at(0), made_by="CHG-1",
    )  # fmt: skip


def test_the_plan_is_in_it_as_far_as_it_is_remembered() -> None:
    record = release(plan="abc", bound="abc")
    # Given the plan is remembered / Then its calls are there
    known = parsed(record_file(record, plan=plan()))["plan"]
    assert known["bound"] == "abc" and known["calls"][0]["sent"] == "targetSlot=staging"
    assert known["way_back"] == [{"place": "westeurope", "text": "at once"}]
    # Given it is not / Then its hash is
    assert parsed(record_file(record))["plan"]["hash"] == "abc"
    assert parsed(record_file(release()))["plan"] is None


def test_what_people_decided_undid_and_unlocked_is_in_it() -> None:
    decisions = [
        Decision(at=at(4), about="westeurope", question="What now?", chosen="Halt", by="bob", why="risky"),
        Decision(at=at(5), about="release", question="May it start?", chosen="Reject", timed_out=True),
    ]
    rollback = Rollback(
        run="back-1", by="cy", reason="paid twice", at=at(20), places=["westeurope"],
        outlook={"westeurope": "at once"},
    )  # fmt: skip
    lock = Lock(kind="rolled_back", reason="paid twice", release="CHG-1", at=at(21))
    unlock = Unlock(lock=lock, by="dee", reason="mended", run="u-1", at=at(30))
    file = parsed(record_file(release(decisions=decisions, rollback=rollback), unlocks=[unlock]))

    assert file["rollback"]["beforehand"] == [{"place": "westeurope", "text": "at once"}]
    assert file["locks"][0]["unlocked_by"] == "dee"
    lines = {entry["kind"]: entry["what"] for entry in file["timeline"] if entry["at"] != at(4)}
    assert lines["decision"] == "May it start? nobody in time chose Reject"
    assert lines["unlock"] == "dee unlocks it: mended" and lines["lock"] == "locked: paid twice"
    (halt,) = [entry for entry in file["timeline"] if entry["at"] == at(4)]
    assert (halt["place"], halt["what"]) == ("westeurope", "What now? bob chose Halt: risky")


def test_a_lock_is_in_the_record_of_its_own_release_only() -> None:
    other = Lock(kind="in_flight", reason="x", release="CHG-2", at=at(1))
    assert parsed(record_file(release(), lock=other))["locks"] == []
    assert (
        len(parsed(record_file(release(), lock=other.model_copy(update={"release": "CHG-1"})))["locks"]) == 1
    )


def test_it_is_made_of_the_ledger_alone() -> None:
    # Given a release in the ledger whose lock somebody took away
    ledger = Ledger(MemoryStore())
    ledger.open(release())
    ledger.set_lock(Lock(kind="rolled_back", reason="bad", release="CHG-1", at=at(1)))
    ledger.unlock(by="dee", reason="mended", run="u-1")
    # Then the file has it, and there is none for a release that is not remembered
    file = record_file_of(ledger, "CHG-1")
    assert file is not None and [lock.unlocked_by for lock in file.locks] == ["dee"]
    assert record_file_of(ledger, "CHG-2") is None


HOSTILE = [
    "no", "null", "~", "1.10", "0o17", "12:30:00", "2026-11-21", "=", "<<", "- a", "a: b", "# c", "&a", "*a",
    "!!python/object/apply:os.system [x]", "'", '"', "\\", "{a: b}", "%YAML 1.1", "---", "...",
    "one\ntwo: three", "\u2028x\u0085y", "\x00\x1b[2J\u202e", "</script>", "é✅\U0001f6d1", "\ud800",
    "a" * 9000,
]  # fmt: skip


def hostile_file(text: str) -> RecordFile:
    """A record in which every text that somebody typed or a server sent is ``text``."""
    place = region(
        name=text,
        failure=text,
        stand=text,
        old_build=text,
        events=[Event(n=1, at=text, text=text, kind=text)],
    )
    lock = Lock(kind=text, reason=text, release="CHG-1", at=text)
    record = release(
        place, reason=text, requested_by=text, change_request=text, warnings=[text], sentence=text, url=text,
        faults=[{"region": text, "code": text, "text": text}], plan=text, bound=text,
        decisions=[Decision(at=text, about=text, question=text, chosen=text, by=text, why=text)],
        rollback=Rollback(run=text, reason=text, at=text, places=[text], outlook={text: text}),
    )  # fmt: skip
    return record_file(record, lock=lock)


def assert_data(text: str) -> None:
    """It reads as it was meant, and has the lines that any record of that shape has."""
    file = hostile_file(text)
    parsed(file)
    assert len(render(file).splitlines()) == len(render(hostile_file("plain")).splitlines())


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_what_others_wrote_stays_a_value(text: str) -> None:
    assert_data(text)


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60))
def test_any_text_stays_a_value(text: str) -> None:
    assert_data(text)


def test_the_schema_is_shipped() -> None:
    assert schema.RECORD_FILE in schema.files()
    jsonschema.Draft202012Validator.check_schema(record_schema())


def test_looks_are_noted_and_the_newest_kept() -> None:
    place, whole = region(looks=[]), release()
    looked(place, "first")
    for number in range(KEPT_LOOKS):
        looked(place, f"look {number}")
    assert len(place.looks) == KEPT_LOOKS and place.looks[-1].n == KEPT_LOOKS + 1
    ruled(whole, "released")
    assert (whole.looks[-1].kind, whole.looks[-1].text) == ("verdict", "released")


def test_what_an_earlier_try_did_stays_when_a_region_begins_afresh() -> None:
    place = region()
    assert place.swap is not None
    acted(place.swap, "the answer: accepted")
    place.begin_afresh()
    kinds = [entry.kind for entry in record_file(release(place)).timeline]
    assert place.swap is None and sorted(kinds) == ["act", "act", "event", "look"]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (
            RegionRecord(name="w", production=Side(build=OLD), staging=Side(build=NEW), old_build=OLD),
            f"production answers {OLD}, staging answers {NEW}",
        ),
        (RegionRecord(name="w", old_build=OLD), f"{OLD} answers"),
        (RegionRecord(name="w"), "nothing was read"),
    ],
)
def test_what_the_preflight_read_is_told_in_a_few_words(place: RegionRecord, words: str) -> None:
    assert seen(place) == words
