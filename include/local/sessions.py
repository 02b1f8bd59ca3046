"""Ending programs with all they started.

Each program of a stack leads a session of its own. Airflow's executor leaves workers behind when
it is killed, and gives every task a process group of its own; none of them leaves the session, so
the session is what is ended.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress

import psutil

POLL_S = 0.02


def members(session: int) -> list[psutil.Process]:
    """Return every living process of a session, its leader included."""
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(pid) == session:
                member = psutil.Process(pid)
                if member.status() != psutil.STATUS_ZOMBIE:
                    found.append(member)
    return found


def born(session: int) -> float | None:
    """Return when a session's leader was started (seconds since 1970), or None when it is gone."""
    try:
        return psutil.Process(session).create_time()
    except psutil.NoSuchProcess:
        return None


def is_same(session: int, born_at: float | None) -> bool:
    """Say whether a session noted earlier is still that one, and not a newer one with its number."""
    today = born(session)
    # While a session has members, its number is not given to a new process.
    return today is None or born_at is None or abs(today - born_at) < 1.0


def end(sessions: Iterable[int], *, ask: signal.Signals = signal.SIGTERM, grace_s: float = 8.0) -> None:
    """Ask the leaders to stop, wait for them up to `grace_s` seconds, then kill what is left of the sessions.

    What a leader leaves behind when it ends is not waited for: nobody is left to tell it to stop.
    """
    wanted = list(sessions)
    for session in wanted:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(session, ask)
    await_leaders(wanted, grace_s)
    kill(wanted)


def kill(sessions: Iterable[int]) -> None:
    """Kill every process of the sessions and wait until none is left (5 s at most)."""
    wanted = list(sessions)
    deadline = time.monotonic() + 5.0
    while left := [member for session in wanted for member in members(session)]:
        for member in left:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        if time.monotonic() > deadline:
            return
        psutil.wait_procs(left, timeout=0.5)


def await_leaders(sessions: Iterable[int], limit_s: float) -> bool:
    """Wait until every session's leader has ended; False when `limit_s` seconds were not enough."""
    wanted = list(sessions)
    deadline = time.monotonic() + limit_s
    while any(_lives(session) for session in wanted):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
