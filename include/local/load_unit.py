"""The load generator as a program beside the stack: clients that never stop calling."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from include.local import sessions
from include.local.airflow_settings import base_environment
from include.local.home import PROJECT_ROOT
from include.local.programs import Program, ProgramFailed
from include.local.stack import LocalStack

START_LIMIT_S = 20.0
STOP_GRACE_S = 20.0


class LoadUnit:
    """Calls every public host of one service until it is stopped, and accounts for every failure.

    Some clients keep their connections, some open new ones; where the application has a slow page, one
    long request after the other is in flight.
    """

    def __init__(
        self,
        stack: LocalStack,
        service: str,
        name: str,
        *,
        sandbox: Path | None = None,
        slow_s: float | None = None,
    ) -> None:
        """Describe it.

        `name` tells its report from others', `sandbox` is the folder of another sandbox than the
        stack's, and `slow_s` the length of the long requests in seconds.
        """
        self._stack = stack
        self._report = stack.home.path / f"load-{name}.json"
        endpoints = (sandbox or stack.home.sandbox) / "endpoints.json"
        options = ["--endpoints", str(endpoints), "--out", str(self._report), "--service", service]
        if slow_s is not None:
            options += ["--slow", f"{slow_s:g}"]
        self.program = Program(
            f"load-{name}",
            [sys.executable, "-m", "include.sandbox.load", *options],
            environment=base_environment(),
            log=stack.home.logs / "load.log",
            folder=PROJECT_ROOT,
        )

    def start(self) -> None:
        """Start it and wait until every host of the service has answered; raises ProgramFailed."""
        self._report.unlink(missing_ok=True)
        self._stack.adopt(self.program, self.program.start())
        deadline = time.monotonic() + START_LIMIT_S
        while not _all_answered(self.report()):
            self.program.check()
            if time.monotonic() > deadline:
                raise ProgramFailed(f"no answer from every host; {self.program.last_words()}")
            time.sleep(0.1)

    def report(self) -> dict[str, Any]:
        """Return the latest report; without hosts as long as there is none."""
        try:
            report: dict[str, Any] = json.loads(self._report.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"hosts": {}, "requests": 0, "failed": 0}
        return report

    def stop(self) -> dict[str, Any]:
        """Let it finish the requests in flight, and return its last report."""
        if self.program.session is not None:
            sessions.end([self.program.session], grace_s=STOP_GRACE_S)
            self.program.reap()
        self._stack.programs.pop(self.program.name, None)
        return self.report()


def _all_answered(report: Mapping[str, Any]) -> bool:
    """Say whether every host has; the report names them all from its beginning."""
    hosts = report["hosts"].values()
    return bool(hosts) and all(host["builds"] for host in hosts)
