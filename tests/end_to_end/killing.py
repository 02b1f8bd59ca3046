"""Killing a step's process at a chosen moment, as a machine that dies would."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil
import pytest

from include.local import sessions
from include.local.stack import LocalStack
from tests.end_to_end.release import LIMIT_S, Release


@dataclass(frozen=True)
class Kill:
    """Kill the process of ``task`` once ``moment`` holds; ``worker``: and the worker that watches over it."""

    release: Release
    task: str
    moment: Callable[[], object]
    worker: bool = False


def carry_out(stack: LocalStack, kills: Iterable[Kill]) -> None:
    """Wait for every moment and kill; the test fails when one does not come."""
    waiting = list(kills)
    deadline = time.monotonic() + LIMIT_S
    while waiting:
        done = [kill for kill in waiting if kill.moment() and _killed(stack, kill)]
        waiting = [kill for kill in waiting if kill not in done]
        if time.monotonic() > deadline:
            pytest.fail(f"no moment to kill {[(kill.release.service, kill.task) for kill in waiting]}")
        time.sleep(0.05)


def _killed(stack: LocalStack, kill: Kill) -> bool:
    process = _process_of(stack, kill.release.instance_of(kill.task))
    if process is None:
        return False
    watching = process.parent()
    if kill.worker and watching is not None:
        watching.kill()
    process.kill()
    return True


def _process_of(stack: LocalStack, instance: str) -> psutil.Process | None:
    """Return the process that runs a task instance: Airflow puts the instance's id into its title."""
    session = stack.programs["scheduler"].session
    assert session is not None
    for process in sessions.members(session):
        with contextlib.suppress(psutil.NoSuchProcess):
            if f"airflow worker -- {instance}" in " ".join(process.cmdline()):
                return process
    return None
