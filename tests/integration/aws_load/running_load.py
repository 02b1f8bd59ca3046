"""The load on the farm's balancers, as a program of its own, and what it proves of a release."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.load.report import Limits, Report, faults, of_load
from tests.sandbox_client import SandboxClient

SERVICE, REGION, FARM = "checkout", "eu-west-1", "production"
OLD, NEW = "2026.11.1", "2026.11.2"
RATE, LONG_S = 20, 1
LIMITS = Limits(max_gap_s=2.0, min_requests=50, min_long=1, builds=frozenset({OLD, NEW}))


class RunningLoad:
    """The load while it runs; after the block, its last word."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def hosts(self) -> Mapping[str, Report]:
        """What each balancer of the farm has shown so far, by its name in the load's report."""
        if not self._file.exists():
            return {}
        found: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))["hosts"]
        return {name: of_load(host) for name, host in found.items() if f"/{FARM}/" in name}

    def answered(self, build: str) -> bool:
        """Whether every balancer has answered with a build a few times."""
        return bool(self.hosts) and all(
            build in report.builds and report.builds[build].requests > 5 for report in self.hosts.values()
        )

    def faults(self, limits: Limits = LIMITS) -> list[str]:
        """Why this is no proof that the release lost nothing; both kinds of balancer are judged."""
        assert len(self.hosts) == 2, list(self.hosts)
        return [f"{name}: {fault}" for name, report in self.hosts.items() for fault in faults(report, limits)]

    @property
    def failed(self) -> int:
        """Failed requests of all balancers."""
        return sum(report.failed for report in self.hosts.values())


@contextmanager
def load_on(sandbox: SandboxClient, folder: Path) -> Iterator[RunningLoad]:
    """Call the service's balancers on kept and new connections, with long requests in flight."""
    endpoints, out = folder / "endpoints.json", folder / "load.json"
    endpoints.write_text(json.dumps(sandbox.endpoints), encoding="utf-8")
    command = [sys.executable, "-m", "include.sandbox.load", "--endpoints", str(endpoints), "--out", str(out)]
    options = ["--service", SERVICE, "--rate", str(RATE), "--slow", str(LONG_S)]
    child, load = subprocess.Popen([*command, *options]), RunningLoad(out)
    try:
        sandbox.wait_until(lambda: load.answered(OLD))
        yield load
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
    finally:
        child.kill()
        child.wait()
