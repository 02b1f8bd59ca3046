"""One request as a load tool saw it, and where such requests are read from.

JMeter's result files, as `checkout.jmx` writes them, and Locust's request events end in the same
`Sample`, so that one report judges both.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LONG = "long"
"""The label of requests that take long on purpose; both plans use it."""
_NO_BUILD = ("", "none", "null")
_DETAIL = 300


class SamplesRefused(ValueError):
    """A file holds no samples that can be read; the text names the file, and what to do."""


@dataclass(frozen=True)
class Sample:
    """One request: when it began (epoch seconds), how long it took (seconds), and what came of it.

    ``kind`` is a status code or the name of an error; ``build`` is None where no build was told.
    """

    at: float
    seconds: float
    label: str
    ok: bool
    kind: str = ""
    detail: str = ""
    build: str | None = None

    @property
    def ended(self) -> float:
        """When the answer was complete, or the failure was noticed (epoch seconds)."""
        return self.at + self.seconds

    @property
    def long(self) -> bool:
        """Whether it was meant to take long."""
        return self.label == LONG


@dataclass(frozen=True)
class Samples:
    """What a file held, and how many of its lines could not be read."""

    read: tuple[Sample, ...]
    unreadable: int = 0


def of_locust(event: Mapping[str, Any]) -> Sample:
    """Return the sample of Locust's ``request`` event (docs.locust.io, "Event hooks").

    ``response_time`` is in milliseconds, ``start_time`` in epoch seconds; the locust file puts the
    build into the event's context.
    """
    error = event.get("exception")
    status = getattr(event.get("response"), "status_code", 0)
    return Sample(
        at=float(event["start_time"]),
        seconds=float(event["response_time"] or 0.0) / 1000,
        label=str(event["name"]),
        ok=error is None,
        kind=str(status) if status else type(error).__name__ if error else "",
        detail=_short(str(error)) if error else "",
        build=_build((event.get("context") or {}).get("build")),
    )


def read(path: Path) -> Samples:
    """Read a result file: ``.jsonl`` as the locust file writes it, anything else as JMeter's CSV.

    Raises `SamplesRefused`.
    """
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            found = list(_json_lines(lines) if path.suffix == ".jsonl" else _jtl_lines(path, lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SamplesRefused(f"{path}: {error}") from error
    return Samples(tuple(one for one in found if one is not None), sum(one is None for one in found))


def written(sample: Sample) -> str:
    """Return the sample as one line of a ``.jsonl`` file."""
    return json.dumps(asdict(sample)) + "\n"


def _json_lines(lines: Iterable[str]) -> Iterator[Sample | None]:
    for line in lines:
        try:
            yield Sample(**json.loads(line))
        except (ValueError, TypeError):
            yield None


def _jtl_lines(path: Path, lines: Iterable[str]) -> Iterator[Sample | None]:
    rows = csv.DictReader(lines)
    needed = {"timeStamp", "elapsed", "label", "success"}
    if missing := needed - set(rows.fieldnames or ()):
        raise SamplesRefused(
            f"{path}: no column {', '.join(sorted(missing))}; JMeter must write CSV with field names, "
            "as checkout.jmx does"
        )
    for row in rows:
        yield _of_jtl(row)


def _of_jtl(row: Mapping[str, str | None]) -> Sample | None:
    """Return a row's sample; None for one that JMeter did not write to its end."""
    succeeded = row["success"]
    try:
        # JMeter's timeStamp is the start of the sample (`sampleresult.timestamp.start`), in milliseconds.
        at, seconds = int(row["timeStamp"] or "") / 1000, int(row["elapsed"] or "") / 1000
    except ValueError:
        return None
    if succeeded not in ("true", "false"):
        return None
    code, message = row.get("responseCode") or "", row.get("responseMessage") or ""
    return Sample(
        at=at,
        seconds=seconds,
        label=row["label"] or "",
        ok=succeeded == "true",
        kind=code,
        detail="" if succeeded == "true" else _short(f"{message} {row.get('failureMessage') or ''}"),
        build=_build(row.get("build")),
    )


def _build(told: object) -> str | None:
    return told if isinstance(told, str) and told not in _NO_BUILD else None


def _short(text: str) -> str:
    return " ".join(text.split())[:_DETAIL]
