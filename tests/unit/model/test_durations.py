"""Durations as they are written in a spec."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from include.airlock.model.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0s", 0),
        ("90s", 90),
        ("500ms", 0.5),
        ("0.5s", 0.5),
        ("5m", 300),
        ("1h30m", 5400),
        ("1d", 86400),
        (" 2s ", 2),
        ("PT5M", 300),
        ("PT1H30M", 5400),
        ("P1DT1S", 86401),
        ("PT0.5S", 0.5),
        ("P2D", 172800),
    ],
)
def test_a_written_duration_is_read(written: str, seconds: float) -> None:
    assert parse_duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (5, "5 has no unit; write '5s' or '5m'"),
        (1.5, "1.5 has no unit; write '1.5s' or '1.5m'"),
        ("90", "'90' has no unit; write '90s' or '90m'"),
        ("30m1h", "'30m1h' is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
        ("5m5m", "'5m5m' is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
        ("-5s", "'-5s' is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
        ("5 minutes", "'5 minutes' is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
        ("P", "'P' is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
        ("PT", "'PT' is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
        ("1e9s", "'1e9s' is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
        ("9999999d", "'9999999d' is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
        ("", "'' is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
        (True, "True is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
        (None, "None is not a duration; write '90s', '5m', '1h30m' or 'PT5M'"),
    ],
)
def test_anything_else_is_refused_with_a_hint(written: object, fault: str) -> None:
    with pytest.raises(PydanticCustomError) as refusal:
        parse_duration(written)
    assert refusal.value.message() == fault


@given(st.integers(min_value=0, max_value=10**11))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    duration = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(duration)) == duration


@given(st.text(max_size=30))
def test_any_text_is_a_duration_or_a_fault(written: str) -> None:
    try:
        assert parse_duration(written) >= timedelta(0)
    except PydanticCustomError as fault:
        assert "\n" not in fault.message()
