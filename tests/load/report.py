"""Says after a run: requests, every failure with its time, longest gap, p99, versions served.

``python -m tests.load.report results.jtl`` exits with 0 when the run proves that nothing was lost, 1 when it
does not, 2 when there is nothing to judge. A run with too few requests, without builds or with
lines that can't be read proves nothing, and is no success.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.load.samples import Sample, Samples, SamplesRefused, read

Json = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """One build that answered: when first, when last (epoch seconds), how often."""

    first: float
    last: float
    requests: int


@dataclass(frozen=True)
class Report:
    """What a run showed. Times of failures and builds are epoch seconds.

    ``longest_gap_s`` is the longest time without a success; None when there was no paced request.
    ``failures`` may hold fewer entries than ``failed`` counts, never more.
    """

    requests: int
    failed: int
    failures: Sequence[Mapping[str, Any]]
    longest_gap_s: float | None
    p50_ms: float | None
    p99_ms: float | None
    builds: Mapping[str, Seen]
    long_requests: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class Limits:
    """What a run must show. ``builds`` are all that may answer and all that must have."""

    max_gap_s: float = 2.0
    min_requests: int = 100
    min_long: int = 0
    builds: frozenset[str] = field(default_factory=frozenset)


def of_samples(samples: Samples) -> Report:
    """Report on samples, in whatever order.

    A long request's duration is no latency, and its end closes no gap: it began long before.
    """
    paced = [sample for sample in samples.read if not sample.long]
    failures = sorted((sample for sample in samples.read if not sample.ok), key=lambda one: one.ended)
    latencies = sorted(1000 * sample.seconds for sample in paced if sample.ok)
    return Report(
        requests=len(samples.read),
        failed=len(failures),
        failures=[{"at": one.ended, "kind": one.kind, "detail": _told(one)} for one in failures],
        longest_gap_s=_longest_gap(paced),
        p50_ms=_percentile(latencies, 0.5),
        p99_ms=_percentile(latencies, 0.99),
        builds=_builds(samples.read),
        long_requests=len(samples.read) - len(paced),
        unreadable=samples.unreadable,
    )


def of_load(host: Mapping[str, Any]) -> Report:
    """Report on one host's account in the report of ``include.sandbox.load``."""
    return Report(
        requests=host["requests"],
        failed=host["failed"],
        failures=host["failures"],
        longest_gap_s=host["longest_gap_s"],
        p50_ms=host["p50_ms"],
        p99_ms=host["p99_ms"],
        builds={build: Seen(**seen) for build, seen in host["builds"].items()},
        long_requests=host["slow_requests"],
    )


def faults(report: Report, limits: Limits) -> list[str]:
    """Return why the run is no proof that nothing was lost; an empty list means that it is one."""
    found = []
    if report.unreadable:
        found.append(f"{report.unreadable} lines can't be read")
    if report.requests < limits.min_requests:
        found.append(f"{report.requests} requests are too few: at least {limits.min_requests}")
    if report.long_requests < limits.min_long:
        found.append(f"{report.long_requests} long requests are too few: at least {limits.min_long}")
    if report.failed:
        found.append(f"{report.failed} of {report.requests} requests failed")
    if report.longest_gap_s is None or report.longest_gap_s > limits.max_gap_s:
        found.append(f"no success for {_seconds(report.longest_gap_s)}: at most {limits.max_gap_s:g} s")
    return found + _build_faults(report, limits)


def _build_faults(report: Report, limits: Limits) -> list[str]:
    if not report.builds:
        return ["no answer named its build (JMeter needs -Jsample_variables=build)"]
    if limits.builds and set(report.builds) != limits.builds:
        return [f"served {', '.join(sorted(report.builds))} instead of {', '.join(sorted(limits.builds))}"]
    return []


def as_text(report: Report, found: Sequence[str]) -> str:
    """Return the report for people; every failure that is known one by one has its line."""
    lines = [f"requests     {report.requests}, of them {report.long_requests} long"]
    lines.append(f"failed       {report.failed}")
    lines += [f"  {_clock(one['at'])}  {one['kind']}  {one['detail']}" for one in report.failures]
    if (unlisted := report.failed - len(report.failures)) > 0:
        lines.append(f"  and {unlisted} more")
    lines.append(f"longest gap  {_seconds(report.longest_gap_s)} without a success")
    lines.append(f"p50, p99     {_milliseconds(report.p50_ms)}, {_milliseconds(report.p99_ms)}")
    lines.append("versions     " + ("" if report.builds else "none named"))
    for build, seen in sorted(report.builds.items(), key=lambda item: item[1].first):
        lines.append(f"  {build}  {seen.requests} answers, {_clock(seen.first)} to {_clock(seen.last)}")
    lines.append("verdict      " + ("not proved: " + "; ".join(found) if found else "no request was lost"))
    return "\n".join(lines)


def as_json(report: Report, found: Sequence[str]) -> Json:
    """Return the report as JSON, with the reasons why it proves nothing under ``faults``."""
    return {
        **vars(report),
        "failures": [dict(one) for one in report.failures],
        "builds": {build: vars(seen) for build, seen in report.builds.items()},
        "faults": list(found),
    }


def _longest_gap(paced: Sequence[Sample]) -> float | None:
    """Return the longest time between two successes, or before the first, or since the last."""
    if not paced:
        return None
    ends = sorted(sample.ended for sample in paced if sample.ok)
    points = [min(one.at for one in paced), *ends, max(one.ended for one in paced)]
    return max(later - earlier for earlier, later in pairwise(points))


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    return round(ordered[math.ceil(share * len(ordered)) - 1], 1) if ordered else None


def _builds(samples: Iterable[Sample]) -> dict[str, Seen]:
    ends: dict[str, list[float]] = {}
    for sample in samples:
        if sample.ok and sample.build:
            ends.setdefault(sample.build, []).append(sample.ended)
    return {build: Seen(min(times), max(times), len(times)) for build, times in ends.items()}


def _told(sample: Sample) -> str:
    return f"{sample.label}: {sample.detail}"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S.%f")[:-3] + "Z"


def _seconds(value: float | None) -> str:
    return "the whole run" if value is None else f"{value:.3f} s"


def _milliseconds(value: float | None) -> str:
    return "–" if value is None else f"{value:g} ms"


def add_limits(parser: Any) -> None:
    """Add the options that say what a run must show, to argparse's parser or to Locust's."""
    usual = Limits()
    parser.add_argument("--max-gap", type=float, default=usual.max_gap_s, help="seconds without a success")
    parser.add_argument("--min-requests", type=int, default=usual.min_requests, help="fewer prove nothing")
    parser.add_argument("--min-long", type=int, default=usual.min_long, help="long requests needed")
    parser.add_argument(
        "--builds", default="", help="comma-separated: all that must have answered, and no other"
    )


def limits_of(asked: Any) -> Limits:
    """Return the limits that the options of `add_limits` ask for."""
    builds = frozenset(build.strip() for build in asked.builds.split(",") if build.strip())
    return Limits(asked.max_gap, asked.min_requests, asked.min_long, builds)


def main(argv: Sequence[str] | None = None) -> int:
    """Judge one file; return 0 (proved), 1 (not proved) or 2 (no samples to read)."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.load.report", description="Judge a run of JMeter or Locust."
    )
    parser.add_argument("file", type=Path, help="JMeter's CSV, or the locust file's .jsonl")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    add_limits(parser)
    asked = parser.parse_args(argv)
    try:
        report = of_samples(read(asked.file))
    except SamplesRefused as refused:
        print(f"report: {refused}", file=sys.stderr)
        return 2
    found = faults(report, limits_of(asked))
    print(json.dumps(as_json(report, found), indent=1) if asked.json else as_text(report, found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
