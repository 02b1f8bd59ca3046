"""docs/record.md shows a record as Airlock writes it, and calls that can be made.

``python -m tests.unit.test_docs_record`` writes the example into the page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml

from include.airlock.model.plan_report import PlannedCall, PlanReport, WayBack
from include.airlock.model.record import (
    Decision,
    Event,
    Outcome,
    Phase,
    RegionRecord,
    ReleaseRecord,
    SwapIntent,
    SwapPhase,
)
from include.airlock.model.record_file import record_schema
from include.airlock.release.ledger import Lock, Unlock
from include.airlock.release.record_file import record_file
from include.airlock.release.record_text import render
from include.airlock.release.verdict import outcome_of
from tests.unit.pages import ROOT, blocks, commands, curls, text

PAGE = "docs/record.md"
BEGIN, END = "<!-- example:begin -->\n", "<!-- example:end -->"
OLD, NEW = "2026.11.1", "2026.11.2"
AIRFLOW = "https://airflow.example"
BAD = "the page answers 2026.11.2, but the dependency database is not connected"


def at(clock: str) -> str:
    return f"2026-11-24T{clock}.000+00:00"


def event(number: int, clock: str, what: str, kind: str = "info") -> Event:
    return Event(n=number, at=at(clock), text=what, kind=kind)


def swap(direction: str, place: str, clock: str, seen: str, expected: str) -> SwapIntent:
    acts = [
        event(1, f"{clock}:05", f"asks to swap payments-{place}, {direction} (request 1)", "act"),
        event(2, f"{clock}:06", "the answer: finished", "act"),
        event(3, f"{clock}:48", seen, "look"),
    ]
    return SwapIntent(phase=SwapPhase.DONE, direction=direction, production={}, staging={}, expected=expected,
                      since=0.0, acts=acts)  # fmt: skip


def west() -> RegionRecord:
    looks = [
        event(1, "20:00:02", f"the preflight: production answers {OLD}, staging answers {NEW}", "look"),
        event(2, "20:03:05", "right before: all is as at the preflight", "look"),
        event(3, "20:04:02", f"{NEW}, as clients reach it: healthy 3 times in a row", "look"),
        event(4, "20:09:05", f"{NEW} over the bake of 300 s: healthy 151 times in a row", "look"),
    ]
    events = [
        event(1, "20:03:49", f"{NEW} answers (before: {OLD})"),
        event(2, "20:04:02", f"{NEW} is verified; {OLD} can be brought back"),
        event(3, "20:09:05", f"accepted with {NEW}"),
    ]
    return RegionRecord(
        name="westeurope", phase=Phase.ACCEPTED, old_build=OLD, new_build=NEW, events=events, looks=looks,
        swap=swap("forward", "westeurope", "20:03", f"{NEW} answers in production", NEW),
        started_at=at("20:03:05"), verified_at=at("20:04:02"), ended_at=at("20:09:05"),
    )  # fmt: skip


def north() -> RegionRecord:
    looks = [
        event(1, "20:00:02", f"the preflight: production answers {OLD}, staging answers {NEW}", "look"),
        event(2, "20:09:06", "right before: all is as at the preflight", "look"),
        event(3, "20:12:02", f"{OLD}, as clients reach it: healthy 3 times in a row", "look"),
    ]
    events = [
        event(1, "20:10:49", f"{NEW} answers (before: {OLD})"),
        event(2, "20:11:01", f"failed at verify: unhealthy 5 times in a row: {BAD}"),
        event(3, "20:11:04", f"bringing {OLD} back"),
        event(4, "20:12:02", f"{OLD} serves again, proved"),
    ]
    return RegionRecord(
        name="northeurope", phase=Phase.ROLLED_BACK, old_build=OLD, new_build=NEW, events=events, looks=looks,
        swap=swap("forward", "northeurope", "20:10", f"{NEW} answers in production", NEW),
        way_back=swap("back", "northeurope", "20:11", f"{OLD} answers in production", OLD),
        started_at=at("20:09:06"), ended_at=at("20:12:02"),
        failure=f"verify: unhealthy 5 times in a row: {BAD}",
    )  # fmt: skip


def plan() -> PlanReport:
    calls = [
        PlannedCall(
            n=n, place=place, step="swap", call="Microsoft.Web/sites/slotsswap", target=f"payments-{place}",
            body={"targetSlot": "production", "preserveVnet": True}, expected_s=46.0,
        )
        for n, place in enumerate(("westeurope", "northeurope"), start=1)
    ]  # fmt: skip
    back = [
        WayBack(place=place, text="the slots are swapped again", calls=[])
        for place in ("westeurope", "northeurope")
    ]
    return PlanReport(
        hash="5f0c1d9a2b7e4c33", service="payments", build=NEW, spec={}, request={}, places=[], calls=calls,
        stages=[], expected_s=742.0, way_back=back, made_at=at("20:00:02"), made_by="CHG-1001",
    )  # fmt: skip


def example() -> str:
    """The record of a release that was approved, went bad in its second region and was brought back there."""
    approval = Decision(
        at=at("20:03:01"), about="release", question="Shall payments 2026.11.2 be released?",
        chosen="Approve", by="bob", why="tested on staging",
    )  # fmt: skip
    record = ReleaseRecord(
        release="CHG-1001", dag="release_payments", service="payments", build=NEW, change_request="CHG-1001",
        reason="new rates for card payments", requested_by="ann", on_failure="roll_back_region",
        started_at=at("20:00:00"), ended_at=at("20:12:03"), plan="5f0c1d9a2b7e4c33", decisions=[approval],
        url=f"{AIRFLOW}/dags/release_payments/runs/CHG-1001", regions=[west(), north()],
        looks=[event(1, "20:00:02", "the preflight passed in westeurope, northeurope", "look")],
    )  # fmt: skip
    record.outcome, record.sentence = outcome_of(record)
    assert record.outcome is Outcome.ROLLED_BACK
    record.looks.append(event(2, "20:12:03", f"{record.outcome}: {record.sentence}", "verdict"))
    reason = f"{NEW} was rolled back in northeurope: verify: unhealthy 5 times in a row: {BAD}"
    lock = Lock(kind="rolled_back", reason=reason, release="CHG-1001", at=at("20:11:04"))
    unlock = Unlock(
        lock=lock, by="ann", reason="the firewall rule is mended", run="unlock-7", at=at("21:30:00")
    )
    return render(record_file(record, plan=plan(), unlocks=[unlock]))


def shown() -> str:
    return f"{BEGIN}```yml\n{example()}```\n{END}"


def test_the_record_shown_is_one_that_is_written() -> None:
    page = text(PAGE)
    assert page[page.index(BEGIN) : page.index(END) + len(END)] == shown(), (
        "run python -m tests.unit.test_docs_record"
    )
    jsonschema.validate(yaml.safe_load(example()), record_schema())


def test_its_calls_can_be_made() -> None:
    from include.airlock.web.app import app
    from include.airlock.web.mount import PREFIX

    paths = [re.sub(r"\{[^}]*\}", "[^/]+", PREFIX + route.path) for route in _routes(app)]
    calls = curls(PAGE)
    assert len(calls) == 2
    for method, url, _ in calls:
        path = urlsplit(url.removeprefix("$AIRFLOW")).path
        assert method == "GET" and any(re.fullmatch(known, path) for known in paths), path


def _routes(app: Any) -> list[Any]:
    from fastapi.routing import APIRoute

    found = [route for route in app.routes if isinstance(route, APIRoute)]
    return found or [route for each in app.routes for route in getattr(each, "routes", [])]


def test_the_check_of_a_record_finds_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given the page's Python, when it reads the example and a broken one, then it tells them apart."""
    (code,) = blocks(PAGE, "python")
    monkeypatch.chdir(ROOT)
    record = tmp_path / "CHG-1001.yaml"
    code = code.replace('"CHG-1001.yaml"', repr(str(record)))
    record.write_text(example(), encoding="utf-8")
    exec(compile(code, PAGE, "exec"), {})
    record.write_text(example().replace("airlock_record: 1", "airlock_record: 2"), encoding="utf-8")
    with pytest.raises(jsonschema.ValidationError):
        exec(compile(code, PAGE, "exec"), {})


def test_the_setting_shown_is_the_one_that_is_read() -> None:
    source = (ROOT / "include/airlock/release/record_keeping.py").read_text(encoding="utf-8")
    assert 'conf.get("airlock", "records"' in source
    exported = [word for block in blocks(PAGE, "bash") for words in commands(block) for word in words]
    assert "AIRFLOW__AIRLOCK__RECORDS=s3://aws_default@release-records/airlock" in exported


def main() -> None:
    """Write the example into the page."""
    file = ROOT / PAGE
    page = file.read_text(encoding="utf-8")
    file.write_text(
        page[: page.index(BEGIN)] + shown() + page[page.index(END) + len(END) :], encoding="utf-8"
    )


if __name__ == "__main__":
    main()
