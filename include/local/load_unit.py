"""The load generator as a program beside the stack: clients that never stop calling."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from include.local import sessions
from include.local.airflow_settings import base_environment
from include.local.home import PROJECT_ROOT
from include.local.programs import Program, ProgramFailed
from include.local.stack import LocalStack

START_LIMIT_S = 20.0
STOP_GRACE_S = 20.0


class LoadUnit:
    """Calls every public host of one service until it is stopped, and accounts for every failure."""

    def __init__(self, stack: LocalStack, service: str, name: str) -> None:
        """Describe it; `name` tells its report from others'."""
        self._stack = stack
        self._service = service
        self._report = stack.home.path / f"load-{name}.json"
        endpoints = stack.home.sandbox / "endpoints.json"
        options = ["--endpoints", str(endpoints), "--out", str(self._report), "--service", service]
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
        regions = self._stack.endpoints["services"][self._service]["regions"]
        deadline = time.monotonic() + START_LIMIT_S
        while len([host for host in self.report()["hosts"].values() if host["builds"]]) < len(regions):
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
