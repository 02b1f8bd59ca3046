"""Clients that call every production host all the time and account for every failure.

``python -m include.sandbox.load --endpoints FILE --out FILE`` runs until SIGTERM or Ctrl-C. The
report is rewritten every second, so that it can be read at any moment. The pace is fixed: a slow
answer does not hold back the next request, so an outage is seen at its true length.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from include.sandbox.load_run import Host, Json, Load


class EndpointsRefused(ValueError):
    """The endpoints file or a service asked for can't be used; the text says why."""


def read_hosts(path: Path, services: Sequence[str] = ()) -> tuple[list[Host], str | None]:
    """Return the production hosts in the sandbox's endpoints file and its CA file.

    ``services`` picks some; none means all. Raises `EndpointsRefused`.
    """
    try:
        endpoints = json.loads(path.read_text(encoding="utf-8"))
        known = endpoints["services"]
        hosts = [
            Host(service, region, url.rstrip("/"), inside)
            for service, held in known.items()
            for region, found in held["regions"].items()
            for inside, url in _public(found)
        ]
    except OSError as error:
        raise EndpointsRefused(f"{path}: {error.strerror}; is the sandbox running?") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EndpointsRefused(f"{path} is no endpoints file of the sandbox: {error!r}") from error
    for service in services:
        if service not in known:
            near = difflib.get_close_matches(service, known, n=1, cutoff=0.0)
            raise EndpointsRefused(
                f"{service!r} is no service here; did you mean {near[0] if near else None!r}?"
            )
    return [host for host in hosts if not services or host.service in services], endpoints.get("ca_file")


def _public(region: Json) -> Iterator[tuple[str, str]]:
    """Return a region's public addresses, each with its name inside the region.

    An app has one, its production host; on AWS every load balancer has one, farm by farm.
    """
    if "farms" in region:
        for farm, held in region["farms"].items():
            yield from ((f"{farm}/{name}", str(url)) for name, url in held["public"].items())
    elif "public" in region:
        yield from ((name, str(url)) for name, url in region["public"].items())
    else:
        yield "", str(region["production"])


def write_report(path: Path, report: Json) -> None:
    """Write the report so that a reader sees the old one or the new one, never half of it."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(json.dumps(report, indent=1), encoding="utf-8")
    half.replace(path)


def line_for_people(report: Json) -> str:
    """Return one line: the time, the totals, and each host with its present build and its failures."""
    hosts = []
    for name, host in report["hosts"].items():
        builds = host["builds"]
        now = max(builds, key=lambda build: builds[build]["last"]) if builds else "no answer yet"
        hosts.append(f"{name} {now}" + (f" ({host['failed']} failed)" if host["failed"] else ""))
    totals = f"{report['requests']} requests  {report['failed']} failed"
    return f"{time.strftime('%H:%M:%S')}  {totals}  " + "  ".join(hosts)


async def report_every_second(load: Load, out: Path, *, watch: bool) -> None:
    """Write the report once a second, and for people a line as well, until cancelled."""
    while True:
        await asyncio.sleep(1.0)
        report = load.json()
        write_report(out, report)
        if watch:
            print(line_for_people(report), flush=True)


async def run(load: Load, out: Path, *, watch: bool, seconds: float | None) -> Json:
    """Run the load until a signal, or for so many seconds; return the last report, which is written too."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
    write_report(out, load.json())
    reporting = asyncio.create_task(report_every_second(load, out, watch=watch))
    try:
        await load.run(stop)
    finally:
        reporting.cancel()
        report = load.json()
        write_report(out, report)
    return report


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m include.sandbox.load", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--endpoints", type=Path, required=True, help="the sandbox's endpoints.json")
    parser.add_argument("--out", type=Path, required=True, help="the report, rewritten every second")
    parser.add_argument("--service", action="append", default=[], help="only this service (may be repeated)")
    parser.add_argument("--rate", type=_positive, default=10.0, help="requests per second and host (10)")
    parser.add_argument(
        "--slow", type=_seconds, default=2.0, help="length of the long requests in seconds (2; 0: none)"
    )
    parser.add_argument(
        "--timeout", type=_positive, default=10.0, help="seconds until a request has failed (10)"
    )
    parser.add_argument("--seconds", type=_positive, help="stop by itself after so many seconds")
    parser.add_argument("--watch", action="store_true", help="print a line per second")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0 once the report is written, 2 when it could not start."""
    asked = arguments(argv)
    try:
        hosts, ca_file = read_hosts(asked.endpoints, asked.service)
        load = Load(hosts, asked.rate, asked.slow, asked.timeout, ca_file)
        report = asyncio.run(run(load, asked.out, watch=asked.watch, seconds=asked.seconds))
    except EndpointsRefused as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    print(line_for_people(report))
    return 0


def _positive(text: str) -> float:
    value = _seconds(text)
    if value == 0:
        raise argparse.ArgumentTypeError("must be more than 0")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 0 or more")
    return value


if __name__ == "__main__":
    sys.exit(main())
