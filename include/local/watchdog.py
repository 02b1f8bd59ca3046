"""Ends a stack when the process that started it is gone, however it went.

`Watchdog` is the starter's end: it tells, over a pipe, which sessions and folders belong to the
stack. Run as a program, this module is the other end: when the pipe closes without a farewell the
starter has died (even by SIGKILL), so the programs are ended and the folders removed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from include.local import sessions
from include.local.home import PROJECT_ROOT


class Watchdog:
    """The starter's end of the pipe."""

    def __init__(self) -> None:
        """Describe it; `start` runs it."""
        self._popen: subprocess.Popen[str] | None = None
        self._sessions: list[int] = []

    @property
    def sessions(self) -> list[int]:
        """The sessions told so far."""
        return list(self._sessions)

    @property
    def pid(self) -> int | None:
        """The watchdog's own process id; None before the start."""
        return self._popen.pid if self._popen else None

    def start(self) -> None:
        """Run it in a session of its own, so that Ctrl-C does not reach it."""
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "include.local.watchdog"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
            cwd="/",
            env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        )

    def watch(self, session: int) -> None:
        """Let a session end with the stack."""
        self._sessions.append(session)
        self._tell({"session": session})

    def remove(self, folder: Path) -> None:
        """Let a folder go with the stack."""
        self._tell({"folder": str(folder)})

    def dismiss(self) -> None:
        """Say that all was ended in good order, and let the watchdog go."""
        if self._popen is None or self._popen.stdin is None:
            return
        self._tell({"dismissed": True})
        with suppress(OSError):
            self._popen.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(timeout=5)
        self._popen = None

    def _tell(self, message: dict[str, Any]) -> None:
        if self._popen is None or self._popen.stdin is None:
            return
        # A watchdog that was killed is no reason to fail a stack that still runs.
        with suppress(OSError):
            self._popen.stdin.write(json.dumps(message) + "\n")
            self._popen.stdin.flush()


def keep_watch(orders: IO[str]) -> None:
    """Read what belongs to the stack until the pipe closes; then end it, unless dismissed before."""
    wards: list[int] = []
    folders: list[Path] = []
    for line in orders:
        order = json.loads(line)
        if "dismissed" in order:
            return
        if "session" in order:
            wards.append(order["session"])
        if "folder" in order:
            folders.append(Path(order["folder"]))
    sessions.end(reversed(wards))
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    keep_watch(sys.stdin)
