"""The gate before a place: by table, by properties, and what becomes of its answers in the ledger."""

# ruff: noqa: E501 (the table is read by its rows)

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.errors import WindowClosed
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.loading import parse_service
from include.airlock.model.opening import Calendar
from include.airlock.model.record import Outcome, Phase, RegionRecord, ReleaseRecord
from include.airlock.model.service_base import WhenClosed
from include.airlock.model.windows import Freeze, Window
from include.airlock.release import window_gate
from include.airlock.release.back import reached
from include.airlock.release.ledger import Ledger
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later
from include.airlock.release.verdict import outcome_of
from include.airlock.release.window_gate import Go, Stop, WaitUntil, expected_seconds, gate, hold, remark
from tests.unit.model.specs import SMALLEST
from tests.unit.release.test_ledger import Store

TUESDAYS = Window.model_validate(
    {"days": ["tuesday"], "opens": "20:00", "closes": "22:00", "time_zone": "Europe/London"}
)
AUDIT = Freeze.model_validate({"dates": ["2026-12-01"], "time_zone": "Europe/London", "reason": "the audit"})
CALENDAR = Calendar((TUESDAYS,), (AUDIT,))
HOUR = 3600.0
OPEN, LATE = "2026-11-24 20:30", "2026-11-24 21:30"
NEXT = datetime(2026, 12, 8, 20, tzinfo=UTC)
"""The Tuesday after the frozen one."""

WINDOWED = f"""\
{SMALLEST}bake: 5m
windows:
  - days: [tuesday]
    opens: 20:00
    closes: 22:00
    time_zone: Europe/London
freezes:
  - dates: [2026-12-01]
    time_zone: Europe/London
    reason: the audit
"""
TWO_REGIONS = WINDOWED.replace(
    "status_page:",
    """  - name: northeurope
    connection: azure_northeurope
    resource_group: rg-payments
    app: payments-northeurope
status_page:""",
)


def at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "expected_s", "override", "when_closed", "answer"),
    [
        (OPEN, HOUR, None, "stop", Go()),
        (OPEN, 1.5 * HOUR, None, "stop", Go()),  # the end may touch
        (OPEN, HOUR, "urgent", "stop", Go()),
        (LATE, HOUR, "urgent", "stop", Go("its expected 60 min do not fit before the window closes at 2026-11-24 22:00 UTC")),
        (LATE, HOUR, None, "wait", WaitUntil(NEXT, "its expected 60 min do not fit before the window closes at 2026-11-24 22:00 UTC")),
        (LATE, HOUR, None, "stop", Stop("its expected 60 min do not fit before the window closes at 2026-11-24 22:00 UTC; it can start next at 2026-12-08 20:00 UTC")),
        ("2026-11-25 12:00", 60, None, "wait", WaitUntil(NEXT, "outside the windows: tuesday 20:00–22:00 Europe/London")),
        ("2026-12-01 20:30", 60, None, "wait", WaitUntil(NEXT, "frozen: the audit (2026-12-01 Europe/London)")),
        ("2026-12-01 20:30", 60, "urgent", "wait", Go("frozen: the audit (2026-12-01 Europe/London)")),
        # No window is ever that long: to wait for one would be to wait for ever.
        (OPEN, 3 * HOUR, None, "wait", Stop("its expected 180 min do not fit before the window closes at 2026-11-24 22:00 UTC; no window of the next ten years is long enough")),
    ],
)  # fmt: skip
def test_the_gate_by_table(
    now: str, expected_s: float, override: str | None, when_closed: str, answer: object
) -> None:
    assert gate(CALENDAR, at(now), expected_s, override, WhenClosed(when_closed)) == answer


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
SECONDS = st.floats(0, 4 * HOUR)


@given(MOMENTS, SECONDS, st.sampled_from(WhenClosed))
def test_go_means_that_it_ends_while_the_doors_are_open(
    now: datetime, expected_s: float, when_closed: WhenClosed
) -> None:
    """Without an override nothing starts that would not fit, and nothing waits or stops that would."""
    answer = gate(CALENDAR, now, expected_s, None, when_closed)
    fits = any(
        each.start <= now and now + timedelta(seconds=expected_s) <= each.end
        for each in CALENDAR.intervals(now, now + timedelta(days=1))
    )
    assert isinstance(answer, Go) == fits


@given(MOMENTS, SECONDS)
def test_what_waits_may_go_when_it_is_asked_again(now: datetime, expected_s: float) -> None:
    answer = gate(CALENDAR, now, expected_s, None, WhenClosed.WAIT)
    if isinstance(answer, WaitUntil):
        assert answer.moment > now
        assert gate(CALENDAR, answer.moment, expected_s, None, WhenClosed.WAIT) == Go()
    if isinstance(answer, Stop):
        assert expected_s > 2 * HOUR


@given(MOMENTS, SECONDS, st.sampled_from(WhenClosed))
def test_an_override_opens_every_door(now: datetime, expected_s: float, when_closed: WhenClosed) -> None:
    assert isinstance(gate(CALENDAR, now, expected_s, "urgent", when_closed), Go)


@given(MOMENTS, SECONDS, st.sampled_from(WhenClosed))
def test_without_windows_there_is_no_gate(now: datetime, expected_s: float, when_closed: WhenClosed) -> None:
    assert gate(Calendar(), now, expected_s, None, when_closed) == Go()


# --- in a release


def release(
    monkeypatch: pytest.MonkeyPatch,
    now: str,
    text: str = TWO_REGIONS,
    ledger: Ledger | None = None,
    **conf: Any,
) -> ReleaseRun:
    """A release of a service with windows, whose clock shows ``now``."""
    monkeypatch.setattr(window_gate, "_now", lambda: at(now))
    service = parse_service(text, name="payments.yaml")
    request = ChangeRequest.of(service, {"build": "2", **conf})
    ledger = ledger or Ledger(Store())
    regions = [RegionRecord(name=name) for name in service.places]
    ledger.open(
        ReleaseRecord(
            release="r", dag="d", service="payments", build="2", on_failure="halt", started_at="t", regions=regions
        )
    )  # fmt: skip
    return ReleaseRun(service, request, ledger, "r")


def accepted(ledger: Ledger, seconds: list[float]) -> None:
    """Past releases of westeurope, each with the time it took."""
    for number, took in enumerate(seconds):
        start = at("2026-10-01 12:00") + timedelta(days=number)
        end = start + timedelta(seconds=took)
        region = RegionRecord(
            name="westeurope", phase=Phase.ACCEPTED, started_at=start.isoformat(), ended_at=end.isoformat()
        )
        name = f"past-{number}"
        ledger.open(
            ReleaseRecord(
                release=name, dag="d", service="payments", build="1", on_failure="halt", started_at="t",
                regions=[RegionRecord(name="westeurope")],
            )
        )  # fmt: skip
        ledger.save_region(name, region)


def test_the_expected_time_is_the_median_of_the_last_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given two slow releases long ago and ten since / Then only the ten count
    ledger = Ledger(Store())
    accepted(ledger, [9999.0, 9999.0, *(60.0 + 10 * number for number in range(10))])
    run = release(monkeypatch, OPEN, ledger=ledger)
    assert expected_seconds(run, "westeurope") == 105.0
    # And a region that was never released is expected to take its bake and a quarter of an hour
    assert expected_seconds(run, "northeurope") == 300 + 900


def test_a_region_that_waits_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a spec that waits, outside the window / When its check asks twice
    run = release(monkeypatch, "2026-11-25 12:00", f"{TWO_REGIONS}when_closed: wait\n")
    for _ in range(2):
        later = hold(run, run.region("westeurope"))
        assert later == Later((NEXT - at("2026-11-25 12:00")).total_seconds())
    region = run.region("westeurope")
    assert region.waits_until == NEXT.isoformat()
    assert [event.text for event in region.events] == [
        "waits for its window until 2026-12-08 20:00 UTC: outside the windows: tuesday 20:00–22:00 Europe/London"
    ]
    # When the window opens / Then it starts, and waits no more
    monkeypatch.setattr(window_gate, "_now", lambda: NEXT)
    assert hold(run, region) is None
    assert region.waits_until is None


def test_an_override_is_kept_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    run = release(monkeypatch, "2026-12-01 20:30", window_override="CHG-7: the card scheme ends today")
    for _ in range(2):
        assert hold(run, run.region("westeurope")) is None
    assert [event.text for event in run.region("westeurope").events] == [
        "starts although frozen: the audit (2026-12-01 Europe/London); "
        "overridden: CHG-7: the card scheme ends today"
    ]
    assert remark(run) is None


def test_an_end_between_regions_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a region accepted and a closed window, then the rest keeps its build, and nothing goes back."""
    run = release(monkeypatch, LATE, on_failure="roll_back_release")
    run.save(RegionRecord(name="westeurope", phase=Phase.ACCEPTED, old_build="1", new_build="2"))
    run.save(RegionRecord(name="northeurope", old_build="1", new_build="2"))
    accepted(run.ledger, [HOUR])
    monkeypatch.setattr(window_gate, "FIRST_TIME_S", HOUR)
    with pytest.raises(WindowClosed) as closed:
        hold(run, run.region("northeurope"))
    window_gate.note_closed(run, "northeurope", closed.value)

    region = run.region("northeurope")
    assert (region.phase, region.failure, region.touched) == (Phase.WAITING, None, False)
    assert run.ledger.lock() is None
    assert not reached(run, "northeurope")
    outcome, sentence = outcome_of(run.record())
    assert outcome is Outcome.HALTED
    assert sentence == (
        "2 stopped between regions, before northeurope: its expected 65 min do not fit before the window "
        "closes at 2026-11-24 22:00 UTC; it can start next at 2026-12-08 20:00 UTC; westeurope keeps 2; "
        "northeurope was not touched; northeurope keeps 1"
    )


def test_a_start_outside_the_window_is_refused_with_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    run = release(monkeypatch, "2026-11-25 12:00")
    assert remark(run) == (
        "westeurope may not start now: outside the windows: tuesday 20:00–22:00 Europe/London; "
        "it can start next at 2026-12-08 20:00 UTC"
    )
    with pytest.raises(WindowClosed) as closed:
        hold(run, run.region("westeurope"))
    window_gate.note_closed(run, "westeurope", closed.value)
    outcome, sentence = outcome_of(run.record())
    assert outcome is Outcome.REFUSED
    assert sentence.startswith("2 was refused before anything was touched: westeurope: outside the windows")


def test_the_next_region_is_spoken_of_when_one_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    run = release(monkeypatch, LATE, f"{TWO_REGIONS}when_closed: wait\n")
    assert remark(run, after="westeurope") is None  # 20 minutes fit
    monkeypatch.setattr(window_gate, "FIRST_TIME_S", HOUR)
    said = remark(run, after="westeurope")
    assert said is not None and said.startswith("northeurope waits for its window until 2026-12-08 20:00 UTC")
    assert remark(run, after="northeurope") is None


def test_a_region_under_way_is_not_spoken_of(monkeypatch: pytest.MonkeyPatch) -> None:
    run = release(monkeypatch, "2026-11-25 12:00")
    run.save(RegionRecord(name="westeurope", phase=Phase.CHANGING))
    assert remark(run) is None
