"""A program that a local stack starts, in a session of its own, with its output in a file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class ProgramFailed(RuntimeError):
    """A program of the stack ended, or did not come up in time; the text ends with what it printed last."""


class Program:
    """One program: started once, watched, ended with everything it started."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        folder: Path,
        user: str | None = None,
    ) -> None:
        """Describe the program; `user` makes it run as somebody else (only root may ask for that)."""
        self.name = name
        self.log = log
        self._command = list(command)
        self._options: dict[str, Any] = {"env": dict(environment), "cwd": folder}
        if user is not None:
            self._options |= {"user": user, "group": group_of(user), "extra_groups": []}
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> int:
        """Start it and return its session; its output goes to the end of the log."""
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._options,
            )
        return self._popen.pid

    @property
    def session(self) -> int | None:
        """The session that it leads; None before the start."""
        return self._popen.pid if self._popen else None

    def check(self) -> None:
        """Raise ProgramFailed when it has ended."""
        if self._popen is not None and (code := self._popen.poll()) is not None:
            raise ProgramFailed(f"{self.name} ended with code {code}; {self.last_words()}")

    def last_words(self, lines: int = 15) -> str:
        """Return where the log is and its last lines."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            text = ""
        tail = "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
        return f"its log {self.log} ends:\n{tail}"

    def exit_code(self) -> int | None:
        """Return the code it ended with, or None while it runs."""
        return self._popen.poll() if self._popen else None

    def reap(self) -> None:
        """Collect the exit code, so that no zombie is left."""
        if self._popen is not None:
            self._popen.wait(timeout=5)


def group_of(user: str) -> int:
    """Return the id of the user's own group."""
    import pwd

    return pwd.getpwnam(user).pw_gid


def is_root() -> bool:
    """Say whether this process runs as root."""
    return os.geteuid() == 0
