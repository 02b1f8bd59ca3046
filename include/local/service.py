"""A stack that stays up in the background (`make up`), and its end (`make down`)."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from include.local import sessions
from include.local.airflow_settings import base_environment
from include.local.home import PROJECT_ROOT, Home, HomeInUse, every_home
from include.local.postgres import Postgres
from include.local.programs import Program, ProgramFailed
from include.local.stack import AIRFLOW_PROGRAMS, LocalStack
from include.local.template import forget_template

START_LIMIT_S = 240.0
STOP_LIMIT_S = 60.0
RESTARTS_PER_PROGRAM = 5


def up(home: Home) -> dict[str, Any]:
    """Start a stack in the background, wait until it is ready, return its record; raises ProgramFailed.

    A stack that is up already is left as it is.
    """
    if home.in_use():
        return _await_ready(home, None)
    home.create()
    keeper = Program(
        "stack",
        [sys.executable, "-m", "include.local", "serve", "--name", home.path.name],
        environment=base_environment() | _chosen(),
        log=home.logs / "stack.log",
        folder=PROJECT_ROOT,
    )
    home.record.unlink(missing_ok=True)
    session = keeper.start()
    try:
        return _await_ready(home, keeper)
    except BaseException:
        with suppress(ProcessLookupError):
            os.kill(session, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            keeper.reap()
        raise


def serve(home: Home) -> None:
    """Run a stack until SIGTERM or SIGINT; parts of Airflow that die are started again, some times."""
    with LocalStack(home) as stack:
        restarts = dict.fromkeys(AIRFLOW_PROGRAMS, 0)
        while True:
            time.sleep(1.0)
            for name, program in stack.programs.items():
                if program.exit_code() is None:
                    continue
                if restarts.get(name, RESTARTS_PER_PROGRAM) >= RESTARTS_PER_PROGRAM:
                    program.check()
                restarts[name] += 1
                print(f"{name} ended with code {program.exit_code()}; starting it again", flush=True)
                stack.restart(name)


def down(home: Home) -> bool:
    """Stop a stack with all it started; False when none was running. Raises ProgramFailed when one stays."""
    record = home.read_record()
    if not home.in_use():
        return record is not None and _end_leftovers(home, record)
    if record is not None:
        with suppress(ProcessLookupError):
            os.kill(record["pid"], signal.SIGTERM)
    deadline = time.monotonic() + STOP_LIMIT_S
    while home.in_use():
        if time.monotonic() > deadline:
            raise ProgramFailed(f"the stack in {home.path} did not stop within {STOP_LIMIT_S:.0f} s")
        time.sleep(0.1)
    return True


def clean() -> list[Home]:
    """Remove what stacks kept, in their homes and in /tmp; return the homes left alone, because in use."""
    busy = []
    for home in every_home():
        try:
            with home.claim():
                Postgres(home).forget()
                shutil.rmtree(home.path)
        except HomeInUse:
            busy.append(home)
    forget_template()
    return busy


def _await_ready(home: Home, keeper: Program | None) -> dict[str, Any]:
    """Wait until the stack's record says ready."""
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        record = home.read_record()
        if record is not None and record["status"] == "ready":
            return record
        if keeper is not None:
            keeper.check()
        elif not home.in_use():
            raise ProgramFailed(f"the stack in {home.path} ended while it was awaited")
        if time.monotonic() > deadline:
            raise ProgramFailed(f"the stack in {home.path} was not ready after {START_LIMIT_S:.0f} s")
        time.sleep(0.1)


def _end_leftovers(home: Home, record: dict[str, Any]) -> bool:
    """End what a stack left that died together with its watchdog."""
    left = [number for number, born in record["sessions"] if sessions.is_same(number, born)]
    had_any = any(sessions.members(session) for session in left)
    sessions.end(reversed(left))
    home.record.unlink(missing_ok=True)
    return had_any


def _chosen() -> dict[str, str]:
    """The settings of this run that the background process needs as well."""
    return {key: value for key, value in os.environ.items() if key.startswith("AIRLOCK_")}
