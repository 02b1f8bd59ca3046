"""Requests through a load balancer for as long as a release takes, by Locust; see docs/load.md.

The sibling of `checkout.jmx`: kept connections, new ones, and long requests. The report is printed
at the end, and Locust exits with 1 when the run proves nothing.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locust import HttpUser, constant, constant_throughput, events, task

# Locust puts the locust file's own folder on the path, not the project's root.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.load import report as reports
from tests.load.samples import LONG, Sample, Samples, of_locust, written

TIMEOUT_S = 10.0
_OK = 200
SAMPLES: list[Sample] = []


@events.init_command_line_parser.add_listener
def _options(parser: Any) -> None:
    parser.add_argument("--service", default="checkout", help="the service whose answers are right")
    parser.add_argument("--path", default="/", help="the page that is asked for")
    parser.add_argument("--long-path", default="/slow", help="a page that takes ?seconds=")
    parser.add_argument("--long-seconds", type=float, default=90.0, help="length of the long requests")
    parser.add_argument("--samples", default="", help="a .jsonl file for every request")
    reports.add_limits(parser)


@events.request.add_listener
def _keep(**event: Any) -> None:
    SAMPLES.append(of_locust(event))


@events.quitting.add_listener
def _judge(environment: Any, **_more: Any) -> None:
    asked = environment.parsed_options
    if asked.samples:
        Path(asked.samples).write_text("".join(map(written, SAMPLES)), encoding="utf-8")
    report = reports.of_samples(Samples(tuple(SAMPLES)))
    found = reports.faults(report, reports.limits_of(asked))
    print(reports.as_text(report, found))
    environment.process_exit_code = 1 if found else 0


class _Client(HttpUser):
    """Asks for a page and looks at what came: the service's own answer, with its build, or a failure."""

    abstract = True
    label = ""
    headers: Mapping[str, str] = {}

    def ask(self, path: str, timeout: float) -> None:
        """Send one GET; anything but the service's own answer is a failure."""
        with self.client.get(
            path,
            name=self.label,
            timeout=timeout,
            allow_redirects=False,
            headers=dict(self.headers),
            catch_response=True,
        ) as answer:
            wrong = self._wrong(answer)
            if wrong:
                answer.failure(wrong)

    def _wrong(self, answer: Any) -> str | Exception | None:
        """Return what is wrong with an answer, and put a right one's build into the event."""
        if answer.error is not None:
            error: Exception = answer.error
            return error
        if answer.status_code != _OK:
            return f"answered with {answer.status_code}: {answer.text[:200]}"
        try:
            page = json.loads(answer.content)
        except ValueError:
            return f"no JSON: {answer.text[:200]}"
        build = page.get("build") if isinstance(page, dict) else None
        if not isinstance(build, str) or page.get("service") != self.environment.parsed_options.service:
            return f"not the service's own answer: {answer.text[:200]}"
        answer.request_meta["context"]["build"] = build
        return None


class Kept(_Client):
    """A client that keeps its connection."""

    label = "kept"
    weight = 4
    wait_time = constant_throughput(2)

    @task
    def page(self) -> None:
        """Ask for the page."""
        self.ask(self.environment.parsed_options.path, TIMEOUT_S)


class Fresh(Kept):
    """A client that opens a connection for each request."""

    label = "fresh"
    weight = 1
    headers = {"Connection": "close"}


class Long(_Client):
    """A client that always has a long request in flight."""

    label = LONG
    fixed_count = 2
    # A failure is not repeated at once.
    wait_time = constant(0.5)

    @task
    def page(self) -> None:
        """Ask for the long page."""
        asked = self.environment.parsed_options
        self.ask(
            f"{asked.long_path}?seconds={asked.long_seconds:g}", math.ceil(asked.long_seconds) + TIMEOUT_S
        )
