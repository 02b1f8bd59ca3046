"""When ``ReleaseWindow`` starts a run: asked as the scheduler asks, at moments that the test sets."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.exceptions import AirflowTimetableInvalid
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction

from include.airlock import timetable
from include.airlock.model.opening import Calendar
from include.airlock.timetable import ReleaseWindow

PROJECT = Path(__file__).resolve().parents[2]
FORTNIGHTLY = {
    "days": ["tuesday"],
    "opens": "20:00",
    "closes": "22:00",
    "time_zone": "Europe/London",
    "every_weeks": 2,
    "anchor": "2026-11-03",
}
CHRISTMAS = {"dates": ["12-20..01-03"], "time_zone": "Europe/London", "reason": "Christmas"}
FIRST, SECOND, THIRD = "2026-11-03 20:00", "2026-11-17 20:00", "2026-12-01 20:00"


def at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


def ask(
    monkeypatch: pytest.MonkeyPatch,
    now: str,
    last: str | None = None,
    *,
    catchup: bool = False,
    **between: str,
) -> str | None:
    """Ask for the next run at a moment; give its time, or None."""
    monkeypatch.setattr(timetable, "_now", lambda: at(now))
    limits = {key: pendulum.instance(at(value)) for key, value in between.items()}
    restriction = TimeRestriction(limits.get("earliest"), limits.get("latest"), catchup)
    interval = DataInterval.exact(pendulum.instance(at(last))) if last else None
    found = ReleaseWindow([FORTNIGHTLY], [CHRISTMAS]).next_dagrun_info(
        last_automated_data_interval=interval, restriction=restriction
    )
    if found is None:
        return None
    assert isinstance(found, DagRunInfo) and isinstance(found.run_after, pendulum.DateTime)
    assert found.data_interval == DataInterval.exact(found.run_after)
    return found.run_after.in_timezone("UTC").format("YYYY-MM-DD HH:mm")


@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        # never ran: the next opening, and one that is a moment old, since the scheduler may be busy
        ("2026-11-01 00:00", None, FIRST),
        ("2026-11-03 20:00", None, FIRST),
        ("2026-11-03 20:00:59", None, FIRST),
        ("2026-11-03 20:01:01", None, SECOND),
        # ran before: an opening that was missed counts as long as the window is open
        ("2026-11-03 20:00:01", FIRST, SECOND),
        ("2026-11-17 19:00", FIRST, SECOND),
        ("2026-11-17 21:59", FIRST, SECOND),
        ("2026-11-17 22:00", FIRST, THIRD),
        # over Christmas, and with summer time
        ("2026-12-15 22:00", "2026-12-15 20:00", "2027-01-12 20:00"),
        ("2027-03-30 00:00", "2027-03-23 20:00", "2027-04-06 19:00"),
    ],
)
def test_the_next_run_is_at_the_next_opening(
    monkeypatch: pytest.MonkeyPatch, now: str, last: str | None, expected: str
) -> None:
    assert ask(monkeypatch, now, last) == expected


def test_a_start_date_says_from_when_openings_count(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, "2026-11-03 21:00", earliest="2026-11-01 00:00") == FIRST
    assert ask(monkeypatch, "2026-11-03 21:00", earliest="2026-11-03 20:30") == SECOND
    assert ask(monkeypatch, "2026-11-01 00:00", earliest=SECOND) == SECOND


def test_with_catchup_each_opening_has_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = "2027-06-01 00:00"
    assert ask(monkeypatch, now, catchup=True, earliest=FIRST) == FIRST
    assert ask(monkeypatch, now, FIRST, catchup=True, earliest=FIRST) == SECOND
    assert ask(monkeypatch, now, SECOND, catchup=True) == THIRD
    assert ask(monkeypatch, "2026-11-01 00:00", catchup=True) == FIRST


def test_after_the_end_date_there_is_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, "2026-11-04 00:00", latest=SECOND) == SECOND
    assert ask(monkeypatch, "2026-11-04 00:00", latest="2026-11-17 19:59") is None


def test_asked_again_and_again_it_starts_each_opening_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a scheduler that asks every 50 minutes for half a year, then the runs are the openings."""
    now, last, runs = at("2026-10-21 00:00"), None, []
    while now < at("2027-04-21 00:00"):
        due = ask(monkeypatch, now.isoformat(" ")[:16], last)
        assert due is not None
        if at(due) <= now + timedelta(minutes=50):
            last = due
            runs.append(due)
        now += timedelta(minutes=50)
    calendar = ReleaseWindow([FORTNIGHTLY], [CHRISTMAS]).calendar
    opened = calendar.intervals(at("2026-10-21 00:00"), at("2027-04-21 00:00"))
    assert [at(each) for each in runs] == [each.start for each in opened]


def test_a_manual_run_stands_for_its_moment() -> None:
    moment = pendulum.datetime(2026, 11, 5, 12)
    interval = ReleaseWindow([FORTNIGHTLY]).infer_manual_data_interval(run_after=moment)
    assert interval == DataInterval.exact(moment)


def test_what_is_stored_comes_back_the_same() -> None:
    """Given a timetable, when it goes through JSON, then it says the same; the keys are a wire format."""
    original = ReleaseWindow([FORTNIGHTLY], [CHRISTMAS])
    stored = json.loads(json.dumps(original.serialize()))
    assert set(stored) == {"windows", "freezes"}
    again = ReleaseWindow.deserialize(stored)
    assert again.serialize() == stored and again.calendar == original.calendar
    assert ReleaseWindow.of(original.calendar).calendar == original.calendar


def test_people_read_what_it_does() -> None:
    told = ReleaseWindow([FORTNIGHTLY], [CHRISTMAS])
    assert told.summary == "tuesday 20:00–22:00 Europe/London, every 2 weeks"
    assert told.description == (f"{told.summary} – not while frozen: Christmas (12-20..01-03 Europe/London)")
    many = ReleaseWindow([FORTNIGHTLY], [{**CHRISTMAS, "reason": "x" * 200}] * 50)
    assert len(many.description) == 1000


@pytest.mark.parametrize(
    ("windows", "freezes", "said"),
    [
        ([], [], "at least one window"),
        ([{**FORTNIGHTLY, "time_zone": "London"}], [], "time_zone"),
        ([FORTNIGHTLY], [{**CHRISTMAS, "dates": ["every tuesday"]}], "leave nothing"),
    ],
)
def test_one_that_could_start_nothing_is_refused(windows: Any, freezes: Any, said: str) -> None:
    with pytest.raises(AirflowTimetableInvalid, match=said):
        ReleaseWindow(windows, freezes).validate()
    ReleaseWindow([FORTNIGHTLY], [CHRISTMAS]).validate()
    assert Calendar().about == "always"


def test_importing_and_making_one_reads_no_time_zone() -> None:
    """A fresh interpreter: a DAG file that makes one loads neither the models nor dateutil for it."""
    program = (
        "import sys; import airflow.timetables.base; before = set(sys.modules)\n"
        "from include.airlock.timetable import ReleaseWindow\n"
        f"ReleaseWindow([{FORTNIGHTLY!r}], [{CHRISTMAS!r}]).serialize()\n"
        "print([each for each in set(sys.modules) - before if each.split('.')[0] in "
        "('zoneinfo', 'dateutil', 'tzdata', 'pydantic') or each.startswith('include.airlock.model')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"
