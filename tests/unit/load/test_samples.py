"""Samples are read alike from JMeter's files and from Locust's events."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.load.samples import Sample, SamplesRefused, of_locust, read, written

HEAD = (
    'timeStamp,elapsed,label,responseCode,responseMessage,threadName,success,failureMessage,bytes,URL,"build"'
)
GOOD = "1795243187672,24,fresh,200,OK,new 1-1,true,,223,http://127.0.0.1/,2026.11.1"
# A message of several lines, as JMeter's response assertion writes it.
BAD = '1795243193223,1,kept,503,Service Unavailable,kept 1-4,false,"Test failed:\n\nexpected /200/",171,http://127.0.0.1/,none'


def jtl(folder: Path, *lines: str) -> Path:
    """A result file of these lines."""
    file = folder / "results.jtl"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_a_success_and_a_failure_of_jmeter(tmp_path: Path) -> None:
    """Given JMeter's CSV, when it is read, then times are seconds, and only an answer has a build."""
    good, bad = read(jtl(tmp_path, HEAD, GOOD, BAD)).read

    assert good == Sample(1795243187.672, 0.024, "fresh", True, "200", "", "2026.11.1")
    assert bad == Sample(
        1795243193.223, 0.001, "kept", False, "503", "Service Unavailable Test failed: expected /200/"
    )


@pytest.mark.parametrize(
    "line",
    [
        "1795243187672,24,fresh",
        "2026/11/21 06:39:47,24,fresh,200,OK,new 1-1,true,,223,http://127.0.0.1/,2026.11.1",
        "1795243187672,,fresh,200,OK,new 1-1,true,,223,http://127.0.0.1/,2026.11.1",
        "1795243187672,24,fresh,200,OK,new 1-1,tr",
    ],
)
def test_a_line_that_cannot_be_read_is_counted(tmp_path: Path, line: str) -> None:
    """Given a line cut off or of another format, when the file is read, then it is no sample, and counted."""
    samples = read(jtl(tmp_path, HEAD, GOOD, line))

    assert len(samples.read) == 1
    assert samples.unreadable == 1


@pytest.mark.parametrize("lines", [(), (GOOD,), ('<?xml version="1.0"?>', '<testResults version="1.2">')])
def test_a_file_that_is_no_csv_with_names_is_refused(tmp_path: Path, lines: tuple[str, ...]) -> None:
    """Given an empty file, one without names or one in XML, when it is read, then it is refused by name."""
    with pytest.raises(SamplesRefused, match=r"results\.jtl: no column"):
        read(jtl(tmp_path, *lines))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """Given no file, when it is read, then the refusal names it."""
    with pytest.raises(SamplesRefused, match=r"nothing\.jtl"):
        read(tmp_path / "nothing.jtl")


def test_an_answer_seen_by_locust() -> None:
    """Given Locust's event of a right answer, when it is taken, then it has its status and build."""
    event = {
        "start_time": 100.0,
        "response_time": 24.0,
        "name": "kept",
        "response": SimpleNamespace(status_code=200),
        "context": {"build": "2026.11.1"},
        "exception": None,
    }

    assert of_locust(event) == Sample(100.0, 0.024, "kept", True, "200", "", "2026.11.1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(503, "503"), (0, "ConnectionError")],
    ids=["an answer", "no answer"],
)
def test_a_failure_seen_by_locust(status: int, kind: str) -> None:
    """Given Locust's event of a failure, when it is taken, then its kind is the status, or else the error."""
    event = {
        "start_time": 100.0,
        "response_time": None,
        "name": "kept",
        "response": SimpleNamespace(status_code=status),
        "context": {},
        "exception": ConnectionError("refused"),
    }

    assert of_locust(event) == Sample(100.0, 0.0, "kept", False, kind, "refused")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Given samples of the locust file, when they are written and read, then they are the same."""
    samples = (
        Sample(1.5, 0.25, "kept", True, "200", "", "2026.11.1"),
        Sample(2.0, 1.0, "long", False, "503"),
    )
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(map(written, samples)) + '{"at": 1.0, "sec', encoding="utf-8")

    found = read(file)

    assert found.read == samples
    assert found.unreadable == 1
