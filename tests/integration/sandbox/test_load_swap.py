"""The load generator on the sandbox's own hosts while they are swapped: what a release is judged by."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.sandbox_client import SandboxClient

HOST = "payments/westeurope"


class RunningLoad:
    """The load as a program of its own; after the block, `report` is its last word."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.report: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """Return the report as it is now, or nothing before the first."""
        if self._file.exists():
            self.report = json.loads(self._file.read_text())
        return self.report

    def seen(self, build: str) -> bool:
        """Tell whether the host has answered with a build a few times."""
        hosts = self.read().get("hosts", {})
        return bool(hosts) and hosts[HOST]["builds"].get(build, {}).get("requests", 0) > 5


@contextmanager
def load_on(sandbox: SandboxClient, tmp_path: Path) -> Iterator[RunningLoad]:
    """Call the hosts of payments, kept and fresh, with long requests in flight,
    for the length of the block.
    """
    endpoints, out = tmp_path / "endpoints.json", tmp_path / "load.json"
    endpoints.write_text(json.dumps(sandbox.endpoints))
    command = [sys.executable, "-m", "include.sandbox.load", "--endpoints", str(endpoints), "--out", str(out)]
    child = subprocess.Popen([*command, "--service", "payments", "--rate", "20", "--slow", "1"])
    load = RunningLoad(out)
    try:
        yield load
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
        load.read()
    finally:
        child.kill()
        child.wait()


def test_a_swap_under_load_fails_no_request(sandbox: SandboxClient, tmp_path: Path) -> None:
    """Given load on all connections, when a slot is swapped, then both builds answered and nothing failed."""
    with load_on(sandbox, tmp_path) as load:
        sandbox.wait_until(lambda: load.seen("2026.11.1"))
        assert sandbox.swap("payments", "westeurope").status_code == 200
        sandbox.wait_until(lambda: load.seen("2026.11.2"))

    assert sorted(load.report["hosts"]) == ["payments/northeurope", "payments/uksouth", HOST]
    assert load.report["failed"] == 0, load.report
    assert load.report["hosts"][HOST]["slow_requests"] > 0
    assert set(load.report["hosts"][HOST]["builds"]) == {"2026.11.1", "2026.11.2"}
    assert set(load.report["hosts"]["payments/uksouth"]["builds"]) == {"2026.11.1"}


def test_an_outage_after_a_swap_does_not_pass_unseen(sandbox: SandboxClient, tmp_path: Path) -> None:
    """Given a platform that answers 503 after a successful swap, when it is swapped,
    then the load tells it.
    """
    sandbox.fault("unavailable_after_swap", seconds=1.0)
    with load_on(sandbox, tmp_path) as load:
        sandbox.wait_until(lambda: load.seen("2026.11.1"))
        assert sandbox.swap("payments", "westeurope").status_code == 200
        sandbox.wait_until(lambda: load.seen("2026.11.2"))

    host = load.report["hosts"][HOST]
    assert host["failed"] > 5
    assert {failure["kind"] for failure in host["failures"]} == {"5xx"}
    assert 0.9 <= host["longest_gap_s"] < 3.0
    (switched,) = sandbox.events("routing_switched")
    assert all(0 <= failure["at"] - switched["at"] < 2.0 for failure in host["failures"])
