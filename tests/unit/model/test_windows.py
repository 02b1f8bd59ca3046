"""Windows and freezes in a spec: what they mean in tables, and what is refused, with its line."""

# ruff: noqa: E501 (the tables are read by their rows)

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pendulum
import pytest

from include.airlock.model.days import parse_days
from include.airlock.model.local_time import moment
from include.airlock.model.opening import Calendar, Closed, Open
from include.airlock.model.windows import Freeze, Window
from tests.unit.model.faults import faults
from tests.unit.model.specs import BLUE_GREEN, ROLLING, ROOT, SMALLEST, changed, service

FORTNIGHTLY = """\
windows:
  - days: [tuesday]
    opens: 20:00
    closes: 22:00
    time_zone: Europe/London
    every_weeks: 2
    anchor: 2026-11-03
freezes:
  - dates: [12-20..01-03, last tuesday of every month]
    time_zone: Europe/London
    reason: Christmas, and the end of the month
"""


def at(written: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


def window(days: str, opens: str, closes: str, zone: str = "UTC", **more: object) -> Window:
    values = {"days": days.split(), "opens": opens, "closes": closes, "time_zone": zone, **more}
    return Window.model_validate(values)


def freeze(*dates: str, zone: str = "UTC", reason: str = "because") -> Freeze:
    return Freeze.model_validate({"dates": list(dates), "time_zone": zone, "reason": reason})


# --- local times


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("Europe/London", "2026-07-07 20:00", "2026-07-07 19:00"),
        ("Europe/London", "2026-12-08 20:00", "2026-12-08 20:00"),
        # 29 March 2026: 01:00 becomes 02:00, so 01:00 to 01:59 never come
        ("Europe/London", "2026-03-29 00:59", "2026-03-29 00:59"),
        ("Europe/London", "2026-03-29 01:00", "2026-03-29 01:00"),
        ("Europe/London", "2026-03-29 01:30", "2026-03-29 01:00"),
        ("Europe/London", "2026-03-29 02:00", "2026-03-29 01:00"),
        # 25 October 2026: 02:00 becomes 01:00, so 01:00 to 01:59 come twice
        ("Europe/London", "2026-10-25 00:59", "2026-10-24 23:59"),
        ("Europe/London", "2026-10-25 01:30", "2026-10-25 00:30"),
        ("Europe/London", "2026-10-25 02:00", "2026-10-25 02:00"),
        # half an hour, at midnight, and a whole day that never was
        ("Australia/Lord_Howe", "2026-10-04 02:10", "2026-10-03 15:30"),
        ("Asia/Beirut", "2026-03-29 00:00", "2026-03-28 22:00"),
        ("America/Havana", "2026-11-01 00:30", "2026-11-01 04:30"),
        ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00"),
    ],
)
def test_a_local_time_is_one_moment(zone: str, local: str, expected: str) -> None:
    shown = datetime.fromisoformat(local)
    assert moment(shown.date(), shown.hour * 60 + shown.minute, zone) == at(expected)


@pytest.mark.parametrize(
    ("opens", "closes", "day", "hours"),
    [
        ("20:00", "04:00", "2026-10-24", 9),
        ("20:00", "04:00", "2026-03-28", 7),
        ("00:30", "01:30", "2026-10-25", 1),
        ("01:15", "01:45", "2026-10-25", 0.5),
        ("01:30", "02:00", "2026-10-25", 1.5),
        ("01:30", "02:15", "2026-03-29", 0.25),
        ("01:10", "01:50", "2026-03-29", 0),
        ("00:00", "24:00", "2026-03-29", 23),
        ("00:00", "24:00", "2026-10-25", 25),
    ],
)
def test_a_window_goes_by_the_clock_on_the_wall(opens: str, closes: str, day: str, hours: float) -> None:
    """Given the nights when London's clocks change, then the length is what the clocks make of it."""
    one = window("saturday sunday", opens, closes, "Europe/London")
    start = moment(date.fromisoformat(day), 0, "Europe/London")
    found = [each for each in one.intervals(start, start + timedelta(hours=30)) if each.start >= start][:1]
    lasts = (found[0].end - found[0].start) / timedelta(hours=1) if found else 0
    # The window of the following day is another one.
    assert (lasts if found and found[0].start < start + timedelta(hours=23) else 0) == hours


# --- what is open when


def test_a_fortnightly_window_is_open_every_other_tuesday() -> None:
    calendar = service(SMALLEST + FORTNIGHTLY).calendar()
    assert calendar.open_at(at("2026-11-03 19:59:59")) == Closed(
        at("2026-11-03 20:00"), "outside the windows: tuesday 20:00–22:00 Europe/London, every 2 weeks"
    )
    assert calendar.open_at(at("2026-11-03 20:00")) == Open(at("2026-11-03 22:00"))
    assert calendar.open_at(at("2026-11-03 22:00")) == Closed(
        at("2026-11-17 20:00"), "outside the windows: tuesday 20:00–22:00 Europe/London, every 2 weeks"
    )
    # In summer time 20:00 is another moment; the anchor lies in the future of both.
    assert calendar.next_opening(at("2026-09-20 00:00")) == at("2026-09-22 19:00")
    assert calendar.next_opening(at("2026-09-22 19:00")) == at("2026-10-06 19:00")


def test_a_freeze_is_said_with_its_reason_and_its_end() -> None:
    calendar = service(SMALLEST + FORTNIGHTLY).calendar()
    why = "frozen: Christmas, and the end of the month (12-20..01-03, last tuesday of every month Europe/London)"
    assert calendar.open_at(at("2026-12-29 20:30")) == Closed(at("2027-01-12 20:00"), why)


def test_overlapping_freezes_are_one_and_all_are_named() -> None:
    two = Calendar(
        (), (freeze("12-20..12-27", reason="Christmas"), freeze("12-24..01-03", reason="New year"))
    )
    assert two.open_at(at("2026-12-25 12:00")) == Closed(
        at("2027-01-04 00:00"), "frozen: Christmas (12-20..12-27 UTC); New year (12-24..01-03 UTC)"
    )
    assert two.open_at(at("2026-12-19 12:00")) == Open(at("2026-12-20 00:00"))
    assert two.intervals(at("2026-12-19 00:00"), at("2027-01-05 00:00")) == (
        (at("2026-12-19 00:00"), at("2026-12-20 00:00")),
        (at("2027-01-04 00:00"), at("2027-01-05 00:00")),
    )


def test_without_windows_and_freezes_it_is_always_open() -> None:
    now = at("2026-12-25 12:00")
    assert Calendar().open_at(now) == Open(None)
    assert Calendar().next_opening(now) is None and Calendar().open_since(now) is None
    assert Calendar().fits(now, 1e8) and Calendar().about == "always"


def test_windows_that_touch_are_one() -> None:
    """Given a week-end made of three windows, then it is open without a break."""
    weekend = (
        window("friday", "20:00", "24:00"),
        window("saturday sunday", "00:00", "24:00"),
        window("monday", "00:00", "06:00"),
    )
    calendar = Calendar(weekend)
    assert calendar.open_at(at("2026-11-07 12:00")) == Open(at("2026-11-09 06:00"))
    assert calendar.open_since(at("2026-11-09 05:00")) == at("2026-11-06 20:00")
    assert calendar.open_since(at("2026-11-09 06:00")) is None
    assert calendar.next_opening(at("2026-11-07 12:00")) == at("2026-11-13 20:00")


def test_a_freeze_cuts_a_window_over_midnight() -> None:
    calendar = Calendar((window("tuesday", "22:00", "02:00"),), (freeze("2026-11-04"),))
    assert calendar.open_at(at("2026-11-03 23:00")) == Open(at("2026-11-04 00:00"))
    assert isinstance(calendar.open_at(at("2026-11-04 00:00")), Closed)
    assert calendar.next_opening(at("2026-11-03 23:00")) == at("2026-11-10 22:00")


def test_what_fits_may_end_when_the_window_does() -> None:
    calendar = Calendar((window("tuesday", "20:00", "22:00"),))
    assert calendar.fits(at("2026-11-03 20:00"), 7200)
    assert not calendar.fits(at("2026-11-03 20:00:01"), 7200)
    assert not calendar.fits(at("2026-11-03 22:00"), 0)
    with pytest.raises(ValueError, match="-1 seconds"):
        calendar.fits(at("2026-11-03 20:00"), -1)


def test_a_moment_without_a_time_zone_is_refused() -> None:
    naive = datetime(2026, 11, 3)
    for ask in (Calendar().open_at, Calendar().next_opening, Calendar().open_since):
        with pytest.raises(ValueError, match="has no time zone"):
            ask(naive)


def test_moments_may_be_pendulum_s_and_of_any_time_zone() -> None:
    calendar = service(SMALLEST + FORTNIGHTLY).calendar()
    now = pendulum.datetime(2026, 11, 3, 22, 30, tz="Europe/Berlin")
    assert calendar.open_at(now) == Open(at("2026-11-03 22:00"))
    assert calendar.next_opening(now) == at("2026-11-17 20:00")
    assert calendar.open_since(now) == at("2026-11-03 20:00")
    assert calendar.fits(now, 1800) and not calendar.fits(now, 1801)
    assert len(calendar.intervals(now, now.add(days=15))) == 2


def test_far_ahead_is_never() -> None:
    """Given a service that is frozen for eleven years, then its next opening is nobody's to wait for."""
    years = [f"{year}-01-01..{year}-12-31" for year in range(2027, 2038)]
    calendar = Calendar((), (freeze(*years),))
    assert calendar.open_at(at("2027-01-01 00:00")) == Closed(
        None, f"frozen: because ({', '.join(years[:3])} and 8 more UTC)"
    )
    assert calendar.ever_opens()


# --- days


@pytest.mark.parametrize(
    ("written", "year", "expected"),
    [
        ("2026-12-24", 2026, ["2026-12-24"]),
        ("2026-12-31..2027-01-01", 2027, ["2026-12-31", "2027-01-01"]),
        ("12-25", 2026, ["2026-12-25"]),
        ("12-31..01-01", 2026, ["2025-12-31", "2026-01-01", "2026-12-31", "2027-01-01"]),
        ("02-29", 2026, []),
        ("02-29", 2028, ["2028-02-29"]),
        ("02-28..02-29", 2026, ["2026-02-28"]),
        ("02-29..03-01", 2026, ["2026-03-01"]),
        ("last friday of november", 2026, ["2026-11-27"]),
        ("first monday of january", 2026, ["2026-01-05"]),
        ("fourth thursday of november", 2026, ["2026-11-26"]),
        ("last day of february", 2028, ["2028-02-29"]),
        ("second day of may", 2026, ["2026-05-02"]),
    ],
)
def test_days_as_they_are_written(written: str, year: int, expected: list[str]) -> None:
    ranges = parse_days(written).ranges(date(year, 1, 1), date(year, 12, 31))
    days = [one + timedelta(days=n) for one, two in ranges for n in range((two - one).days + 1)]
    assert [day.isoformat() for day in days] == expected


def test_case_and_spaces_do_not_matter_and_duplicates_are_found() -> None:
    assert freeze(" Last  Friday of every  MONTH ").dates == ("last friday of every month",)
    twice = FORTNIGHTLY.replace("[12-20..01-03, ", "['every  friday', Every Friday, ")
    assert faults(SMALLEST + twice) == ["23: freezes[0].dates[1]: 'every friday' stands here twice"]


# --- faults


WINDOW_FAULTS = [
    ("days: [tuesday]", "days: [tue]", "16: windows[0].days[0]: 'tue' is not a day of the week; did you mean 'tuesday'?"),
    ("days: [tuesday]", "days: []", "16: windows[0].days: is empty"),
    ("days: [tuesday]", "days: [tuesday, tuesday]", "16: windows[0].days[1]: 'tuesday' stands here twice"),
    ("closes: 22:00", "closes: 22:00\n    close: 1", "19: windows[0]: unknown key 'close'; did you mean 'closes'?"),
    ("days: [tuesday]", "days: [monday]", "21: windows[0].anchor: 2026-11-03 is a tuesday, which is not among its days"),
    ("opens: 20:00", "opens: 8:00", "17: windows[0].opens: '8:00' is not valid: a local time has two digits for the hour and two for the minute"),
    ("opens: 20:00", "opens: 2000", "17: windows[0].opens: 2000 is not text; put it in quotes"),
    ("opens: 20:00", "opens: 24:00", "17: windows[0].opens: '24:00' is not valid: a local time has two digits for the hour and two for the minute"),
    ("closes: 22:00", "closes: 20:00", "18: windows[0].closes: '20:00' is when it opens; for a whole day write 00:00 and 24:00"),
    ("    time_zone: Europe/London\n    every", "    time_zone: london\n    every", "19: windows[0].time_zone: 'london' is not a time zone; write its IANA name, like Europe/London, or UTC; did you mean 'Europe/London'?"),
    ("    time_zone: Europe/London\n    every", "    time_zone: EST\n    every", "19: windows[0].time_zone: 'EST' is not a time zone; write its IANA name, like Europe/London, or UTC"),
    ("    time_zone: Europe/London\n    every", "    time_zone: ../../etc/passwd\n    every", "19: windows[0].time_zone: '../../etc/passwd' is not a time zone; write its IANA name, like Europe/London, or UTC"),
    ("    time_zone: Europe/London\n    every", "    time_zone: America/Indiana\n    every", "19: windows[0].time_zone: 'America/Indiana' is not a time zone; write its IANA name, like Europe/London, or UTC; did you mean 'America/Indianapolis'?"),
    ("    time_zone: Europe/London\n    every", "    every", "16: windows[0].time_zone: is missing"),
    ("every_weeks: 2", "every_weeks: 53", "20: windows[0].every_weeks: 53 must be at most 52"),
    ("every_weeks: 2", "every_weeks: 1", "21: windows[0].anchor: says nothing without every_weeks; a window can't be told to start later"),
    ("    anchor: 2026-11-03\n", "", "16: windows[0].anchor: is missing; every_weeks counts from it"),
    ("anchor: 2026-11-03", "anchor: 2026-11-31", "21: windows[0].anchor: '2026-11-31' is not a date of the calendar"),
    ("anchor: 2026-11-03", "anchor: 3.11.2026", "21: windows[0].anchor: '3.11.2026' is not a date; write year, month and day, like 2026-11-03"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), WINDOW_FAULTS, ids=[each[2][:60] for each in WINDOW_FAULTS])
def test_a_fault_of_a_window_is_said_with_its_line(old: str, new: str, said: str) -> None:
    assert faults(SMALLEST + changed(old, new, FORTNIGHTLY)) == [said]


DAY_FAULTS = [
    ("2026-13-01", "'2026-13-01' is not a date of the calendar"),
    ("12-32", "'12-32' is not a day of the year; write month and day, like 12-25"),
    ("2026-12-24..01-03", "'2026-12-24..01-03' has a year at one end only; write it at both or at neither"),
    ("2026-12-24..2026-12-20", "'2026-12-24..2026-12-20' ends before it begins"),
    ("2026-01-01..2027-02-01", "'2026-01-01..2027-02-01' is 397 days long; 366 is the most"),
    ("every fryday", "'every fryday': 'fryday' is not known; did you mean 'friday'?"),
    ("last friday of each month", "'last friday of each month': 'each month' is not known; did you mean 'every month'?"),
    ("5th friday of may", "'5th friday of may': '5th' is not known; valid: 'first', 'second', 'third', 'fourth' or 'last'"),
    ("christmas", "'christmas' names no days; write 2026-12-24, 2026-11-24..2026-12-02, 12-25, 12-20..01-03, 'every friday' or 'last friday of every month'"),
    ("12-20..", "'12-20..' names no days; write 2026-12-24, 2026-11-24..2026-12-02, 12-25, 12-20..01-03, 'every friday' or 'last friday of every month'"),
    ("x" * 61, f"{'x' * 59!r}"[:59] + "… has more than 60 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "said"), DAY_FAULTS, ids=[each[0][:30] for each in DAY_FAULTS])
def test_a_fault_of_a_freeze_is_said_with_its_line(written: str, said: str) -> None:
    text = FORTNIGHTLY.replace("[12-20..01-03, last", f"[{written}, last")
    assert faults(SMALLEST + text) == [f"23: freezes[0].dates[0]: {said}"]


# --- per service and per region

REGION = "    connection: aws_eu_west_1\n"
NEW_YORK = "    windows: [{days: [monday], opens: 20:00, closes: 22:00, time_zone: America/New_York}]\n"
GONE = "    freezes: [{dates: [2026-11-10], time_zone: UTC, reason: audit}]\n"


def test_a_region_has_its_own_windows_and_all_freezes() -> None:
    text = changed(REGION, REGION + NEW_YORK + GONE, ROLLING) + FORTNIGHTLY
    spec = service(text)
    there = spec.calendar("eu-west-1.production")
    assert there == spec.calendar("eu-west-1")
    assert there.about == "monday 20:00–22:00 America/New_York"
    assert [each.reason for each in there.freezes] == ["Christmas, and the end of the month", "audit"]
    # Monday evening in New York is Tuesday in UTC, which the region's freeze takes away once.
    assert there.next_opening(at("2026-11-03 12:00")) == at("2026-11-17 01:00")
    with pytest.raises(KeyError):
        spec.calendar("us-east-1")


def test_a_region_without_any_has_the_service_s() -> None:
    spec = service(BLUE_GREEN + FORTNIGHTLY)
    assert spec.calendar("eu-west-1") == spec.calendar()
    assert service(BLUE_GREEN).calendar("eu-west-1") == Calendar()


def test_the_openings_shown_in_the_documentation_are_those() -> None:
    """Given the spec shown, then each row of the table below it is an opening."""
    page = (ROOT / "docs" / "windows.md").read_text(encoding="utf-8")
    spec = service(page.split("```yaml\n")[1].split("```")[0])
    rows = re.findall(r"^\| (\w+) \| (2.*?) \| (2.*?) \|$", page, re.MULTILINE)
    assert len(rows) == 7
    for place, opens, closes in rows:
        assert spec.calendar(place).open_since(at(opens)) == at(opens)
        assert spec.calendar(place).open_at(at(opens)) == Open(at(closes))
    assert spec.calendar("westeurope").next_opening(at("2026-12-15 20:00")) == at("2027-01-12 20:00")


NEVER = "leave nothing of the windows: it could never be released"
ALL_YEAR = "    freezes: [{dates: [01-01..12-31], time_zone: UTC, reason: gone}]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROLLING + FORTNIGHTLY.replace("[12-20..01-03, last tuesday of every month]", "[every tuesday]"), f"26: freezes: {NEVER}"),
        (ROLLING + "freezes: [{dates: [01-01..12-31], time_zone: UTC, reason: gone}]\n", f"19: freezes: {NEVER}"),
        (changed(REGION, REGION + ALL_YEAR, ROLLING), f"7: regions[0].freezes: {NEVER} there"),
        (changed(REGION, REGION + NEW_YORK, ROLLING) + "freezes: [{dates: [every monday, every tuesday], time_zone: UTC, reason: gone}]\n", "7: regions[0].windows: are all within the service's freezes"),
        (changed(REGION, REGION + "    windows: []\n", ROLLING), "7: regions[0].windows: is empty"),
    ],
)  # fmt: skip
def test_what_could_never_be_released_is_refused(text: str, said: str) -> None:
    assert faults(text) == [said]
