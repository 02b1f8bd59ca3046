"""What the report says of a run, and what it takes for a proof."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.load.report import Limits, Report, Seen, as_text, faults, main, of_load, of_samples
from tests.load.samples import Sample, Samples, written

OLD, NEW = "2026.11.1", "2026.11.2"


def run(*samples: Sample, unreadable: int = 0) -> Report:
    """The report on samples."""
    return of_samples(Samples(samples, unreadable))


def good(at: float, *, label: str = "kept", seconds: float = 0.1, build: str | None = OLD) -> Sample:
    """A right answer."""
    return Sample(at, seconds, label, True, "200", "", build)


def bad(at: float, *, label: str = "kept", seconds: float = 0.1) -> Sample:
    """A failure."""
    return Sample(at, seconds, label, False, "502", "Bad Gateway")


@pytest.mark.parametrize(
    ("samples", "gap"),
    [
        ((good(0.0), good(1.0), good(1.5)), 1.0),
        ((good(1.5), good(0.0), good(1.0)), 1.0),
        # Failures close no gap, and a run that begins or ends with them was out from its start or to its end.
        ((good(0.0), bad(1.0), good(3.0)), 3.0),
        ((bad(0.0), bad(4.0), good(5.0)), 5.1),
        ((good(0.0), bad(2.0, seconds=5.0)), 6.9),
        ((bad(0.0), bad(4.0)), 4.1),
        # A long answer began long before, and long requests may outlive the others.
        ((good(0.0), good(0.0, label="long", seconds=2.0), good(4.0)), 4.0),
        ((good(0.0), good(1.0), good(0.0, label="long", seconds=90.0)), 1.0),
        ((good(0.0, label="long"),), None),
        ((), None),
    ],
)
def test_the_longest_gap_between_successes(samples: tuple[Sample, ...], gap: float | None) -> None:
    """Given samples in any order, when they are judged, then the gap is the time without a success."""
    assert run(*samples).longest_gap_s == (None if gap is None else pytest.approx(gap))


def test_latencies_are_those_of_short_successes() -> None:
    """Given 100 answers, a failure and a long request, when p99 is told, then it is the 99th answer's."""
    answers = [good(float(n), seconds=n / 1000) for n in range(1, 101)]

    report = run(*answers, bad(50.0, seconds=9.0), good(0.0, label="long", seconds=90.0))

    assert (report.p50_ms, report.p99_ms) == (50.0, 99.0)


def test_versions_are_those_of_right_answers() -> None:
    """Given two builds, one of them in failures too, when they are told, then successes alone count."""
    wrong = Sample(3.0, 0.0, "kept", False, "503", "", "2026.10.9")

    report = run(good(0.0), good(1.0), good(2.0, build=NEW), wrong, good(4.0, build=None))

    assert report.builds == {OLD: Seen(0.1, 1.1, 2), NEW: Seen(2.1, 2.1, 1)}


def test_every_failure_is_listed_with_its_time() -> None:
    """Given 2000 failures, when they are reported, then each has its own line and time."""
    report = run(*(bad(float(n)) for n in range(2000)))

    assert [failure["at"] for failure in report.failures] == [pytest.approx(n + 0.1) for n in range(2000)]
    assert as_text(report, []).count("502  kept: Bad Gateway") == 2000


PROVED = [good(n / 10, build=OLD if n < 100 else NEW) for n in range(200)]


@pytest.mark.parametrize(
    ("report", "limits", "reason"),
    [
        (run(*PROVED, bad(3.0)), Limits(), "1 of 201 requests failed"),
        (run(*PROVED, bad(3.0, label="long")), Limits(), "1 of 201 requests failed"),
        (run(*PROVED, good(30.0)), Limits(), "no success for 10.100 s"),
        (run(*PROVED, unreadable=1), Limits(), "1 lines can't be read"),
        (run(), Limits(), "0 requests are too few"),
        (run(), Limits(min_requests=0), "no success for the whole run"),
        (run(*PROVED), Limits(min_requests=201), "200 requests are too few"),
        (run(*PROVED), Limits(min_long=1), "0 long requests are too few"),
        (run(*(good(n / 10, build=None) for n in range(200))), Limits(), "no answer named its build"),
        (run(*PROVED), Limits(builds=frozenset({NEW})), f"served {OLD}, {NEW} instead of {NEW}"),
        (run(*PROVED[:150]), Limits(builds=frozenset({OLD, NEW, "x"})), "instead of"),
    ],
)
def test_what_is_no_proof(report: Report, limits: Limits, reason: str) -> None:
    """Given a run with one flaw, when it is judged, then the flaw is named and nothing is proved."""
    assert any(reason in fault for fault in faults(report, limits))


def test_what_is_a_proof() -> None:
    """Given a run without a flaw, when it is judged, then nothing is held against it."""
    assert faults(run(*PROVED), Limits(builds=frozenset({OLD, NEW}))) == []


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_one_failure_is_enough(outcomes: list[bool]) -> None:
    """Given any run, when it is judged, then it is a proof only if every request succeeded."""
    report = run(*(good(n / 10) if ok else bad(n / 10) for n, ok in enumerate(outcomes)))

    assert (faults(report, Limits(min_requests=1)) == []) == all(outcomes)


def test_an_account_of_the_sandboxs_load_is_judged_alike() -> None:
    """Given a host of the load generator's report, when it is judged, then its failures count."""
    host = {
        "requests": 200,
        "failed": 3,
        "failures": [{"at": 1.0, "kind": "5xx", "detail": "502"}],
        "longest_gap_s": 0.2,
        "p50_ms": 1.0,
        "p99_ms": 9.0,
        "builds": {OLD: {"first": 0.0, "last": 9.0, "requests": 197}},
        "slow_requests": 4,
        "abandoned": 0,
    }

    report = of_load(host)

    assert faults(report, Limits(min_long=4)) == ["3 of 200 requests failed"]
    assert "and 2 more" in as_text(report, [])


@pytest.mark.parametrize(("samples", "code"), [(PROVED, 0), ([*PROVED, bad(1.0)], 1), ([], 1)])
def test_the_exit_code_is_the_verdict(
    tmp_path: Path, samples: list[Sample], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given a file, when the report runs as a command, then it exits with 0 only for a proof."""
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(map(written, samples)), encoding="utf-8")

    assert main([str(file), "--json"]) == code
    assert (json.loads(capsys.readouterr().out)["faults"] == []) == (code == 0)


def test_nothing_to_judge_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given no file, when the report runs as a command, then it exits with 2 and names the file."""
    assert main([str(tmp_path / "none.jtl")]) == 2
    assert "none.jtl" in capsys.readouterr().err
