"""What a release looks like on a terminal, on a pipe and for a machine."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from include.airlock.cli.lanes import lanes_of
from include.airlock.cli.text import duration, plain
from include.airlock.cli.view import JsonLines, Lines, Picture, Progress, picture, view_for
from tests.unit.cli.test_lanes import S, after, tasks


def progress(*states: str | None, note: str | None = None, run_state: str = "running") -> Progress:
    both = tasks("westeurope", *states) | tasks("uksouth", *[None] * 5)
    lanes = lanes_of(both, ("westeurope", "uksouth"))
    return Progress(
        "payments", "CHG-1", run_state, lanes, {"westeurope": 60.0, "uksouth": 60.0}, after(30), note
    )


def test_a_picture_has_a_line_for_each_place() -> None:
    out = io.StringIO()
    Console(file=out, width=100).print(picture(progress(S, "running", None, None, None), 100))

    lines = out.getvalue().splitlines()
    assert lines[0].rstrip() == "payments CHG-1: running, about 1 min 40 s left"
    assert [line.split()[0] for line in lines[1:]] == ["westeurope", "uksouth"]
    assert "swap" in lines[1]
    assert "20 s of about 1 min" in lines[1]
    assert "waiting" in lines[2]
    assert "takes about 1 min" in lines[2]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_picture_keeps_a_line_for_each_place_in_a_narrow_terminal(width: int) -> None:
    out = io.StringIO()
    Console(file=out, width=width).print(picture(progress(S, "running", None, None, None), width))

    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= width
    bars = [line.count("━") + line.count("╸") for line in lines[-2:]]
    assert (max(bars) > 0) == (width >= 60)
    if width >= 60:
        assert len(lines) == 3


def test_lines_tell_each_change_once() -> None:
    out = io.StringIO()
    view = Lines(out)
    for _ in range(3):
        view.show(progress(S, "running", None, None, None))
    view.show(progress(S, S, "running", None, None))

    told = [line.partition("  ")[2] for line in out.getvalue().splitlines()]
    assert told == [
        "westeurope: swap (about 1 min 40 s left)",
        "release: running",
        "westeurope: verify (about 1 min 40 s left)",
    ]


def test_what_it_waits_for_is_told_once() -> None:
    out = io.StringIO()
    view = Lines(out)
    for _ in range(2):
        view.show(progress(*[None] * 5, note="waits until CHG-0 has ended", run_state="queued"))

    assert out.getvalue().count("release: queued: waits until CHG-0 has ended") == 1


def test_json_lines_hold_the_whole_state() -> None:
    out = io.StringIO()
    view = JsonLines(out)
    view.show(progress(S, "running", None, None, None))
    view.show(progress(S, "running", None, None, None))

    (line,) = out.getvalue().splitlines()
    assert json.loads(line) == {
        "event": "progress",
        "service": "payments",
        "run": "CHG-1",
        "state": "running",
        "note": None,
        "remaining_s": 100.0,
        "places": [
            {"place": "westeurope", "asked": True, "phase": "swap", "elapsed_s": 20.0, "expected_s": 60.0},
            {"place": "uksouth", "asked": True, "phase": "waiting", "elapsed_s": 0.0, "expected_s": 60.0},
        ],
    }


def test_the_view_fits_where_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe, terminal = io.StringIO(), io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)

    assert isinstance(view_for(pipe, machine=False), Lines)
    assert isinstance(view_for(terminal, machine=False), Picture)
    assert isinstance(view_for(terminal, machine=True), JsonLines)


def test_a_living_picture_ends_on_the_last_look() -> None:
    out = io.StringIO()
    view = Picture(Console(file=out, width=100, force_terminal=True))
    view.show(progress(S, "running", None, None, None))
    view.show(progress(S, S, S, S, "skipped"))
    view.close()

    assert "accepted" in out.getvalue()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (11_045, "3 h 4 min"),
        (183_600, "2 d 3 h"),
        (-5, "0 s"),
    ],
)
def test_durations_in_words(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@given(st.text())
def test_shown_text_is_one_line_without_control_characters(text: str) -> None:
    assert not any(char in plain(text) for char in "\x1b\n\r\t\x00\x9b\u202e")
    assert len(plain(text, 10)) <= 10
