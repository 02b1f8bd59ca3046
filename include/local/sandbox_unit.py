"""The sandbox as a program of the stack."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from include.local.airflow_settings import base_environment
from include.local.home import PROJECT_ROOT, Home, write_private
from include.local.ports import asked_port
from include.local.programs import Program, ProgramFailed

START_LIMIT_S = 30.0


class SandboxUnit:
    """One sandbox: started with its own settings, then known by its endpoints."""

    def __init__(
        self, home: Home, settings: Mapping[str, Any] | None = None, *, name: str = "sandbox"
    ) -> None:
        """Describe it; `settings` is the sandbox's own configuration, `name` its program's."""
        self._home = home
        self._settings = settings
        self._endpoints_file = home.sandbox / "endpoints.json"
        self.program = Program(
            name,
            [sys.executable, "-m", "include.sandbox", *self._options()],
            environment=base_environment(),
            log=home.logs / f"{name}.log",
            folder=PROJECT_ROOT,
        )

    def start(self) -> int:
        """Start it and return its session."""
        # The file of an earlier run would be taken for this one's.
        self._endpoints_file.unlink(missing_ok=True)
        if self._settings:
            write_private(self._config_file, json.dumps(self._settings))
        return self.program.start()

    def await_ready(self) -> dict[str, Any]:
        """Wait for endpoints.json, written once everything listens; raises ProgramFailed."""
        deadline = time.monotonic() + START_LIMIT_S
        while not self._endpoints_file.exists():
            self.program.check()
            if time.monotonic() > deadline:
                raise ProgramFailed(
                    f"the sandbox is not ready after {START_LIMIT_S:.0f} s; {self.program.last_words()}"
                )
            time.sleep(0.02)
        endpoints: dict[str, Any] = json.loads(self._endpoints_file.read_text(encoding="utf-8"))
        return endpoints

    @property
    def _config_file(self) -> Path:
        return self._home.sandbox / "config.json"

    def _options(self) -> list[str]:
        options = ["--state-dir", str(self._home.sandbox), *port_options()]
        if self._settings:
            options += ["--config", str(self._config_file)]
        return options


def port_options() -> list[str]:
    """Return the sandbox's option for its first port, when AIRLOCK_SANDBOX_PORT_BASE asks for one."""
    asked = asked_port("AIRLOCK_SANDBOX_PORT_BASE")
    return [] if asked is None else ["--port-base", str(asked)]
