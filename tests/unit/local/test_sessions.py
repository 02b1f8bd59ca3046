"""Ending programs with all they started, also when the starter is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from include.local import sessions
from include.local.home import PROJECT_ROOT
from include.local.programs import Program, ProgramFailed

# A program that starts another in a process group of its own, as Airflow does with each task, then
# says so and waits; asked to stop, it leaves the other behind.
PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], process_group=0)
print(child.pid, flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[str], Program]]:
    """Starts a Python program and waits for its first line; ends all of them after the test."""
    started: list[Program] = []

    def start(code: str) -> Program:
        log = tmp_path / f"{len(started)}.log"
        made = Program("it", [sys.executable, "-c", code], environment=os.environ, log=log, folder=tmp_path)
        made.start()
        started.append(made)
        wait_for(lambda: made.exit_code() is not None or (log.exists() and "\n" in log.read_text()))
        return made

    yield start
    sessions.kill([made.session for made in started if made.session])
    for made in started:
        made.reap()


def wait_for(look: Callable[[], object], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not look():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_what_a_program_leaves_behind_ends_with_it(program: Callable[[str], Program]) -> None:
    # Given a program whose child has a process group of its own
    parent = program(PARENT)
    child = int(parent.log.read_text())
    assert parent.session is not None
    assert os.getpgid(child) != os.getpgid(parent.session)
    # When the program is ended
    sessions.end([parent.session], grace_s=0.2)
    # Then the child is gone as well
    assert gone(child)
    assert sessions.members(parent.session) == []


def test_a_program_that_ignores_the_request_is_killed(program: Callable[[str], Program]) -> None:
    deaf = program(STUBBORN)
    assert deaf.session is not None
    sessions.end([deaf.session], grace_s=0.2)
    assert gone(deaf.session)


def test_a_program_that_ended_is_noticed_with_its_last_words(program: Callable[[str], Program]) -> None:
    failed = program("print('no such table'); raise SystemExit(3)")
    wait_for(lambda: failed.exit_code() is not None)
    with pytest.raises(ProgramFailed, match=r"it ended with code 3; its log .* ends:\n    no such table"):
        failed.check()


def test_a_session_is_not_mistaken_for_a_later_one_with_its_number(program: Callable[[str], Program]) -> None:
    running = program(PARENT)
    assert running.session is not None
    born = sessions.born(running.session)
    assert born is not None
    assert sessions.is_same(running.session, born)
    assert not sessions.is_same(running.session, born - 100)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_starter_that_dies_takes_its_programs_and_folders_along(tmp_path: Path, number: int) -> None:
    # Given a process that started a program and told the watchdog
    folder = tmp_path / "socket"
    folder.mkdir()
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    session, child, watchdog = (int(word) for word in starter.stdout.readline().split())
    # When it dies
    starter.send_signal(number)
    starter.wait(timeout=30)
    # Then nothing is left: neither program, nor its child, nor the folder, nor the watchdog
    try:
        wait_for(lambda: all(gone(pid) for pid in (session, child, watchdog)), limit_s=15)
    finally:
        sessions.kill([session])
    assert not folder.exists()


STARTER = f"""
import os, signal, sys, time
from pathlib import Path
from include.local.programs import Program
from include.local.watchdog import Watchdog
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it, as nohup does
folder = Path(sys.argv[1])
watchdog = Watchdog()
watchdog.start()
command = [sys.executable, "-c", {PARENT!r}]
program = Program("it", command, environment=os.environ, log=folder / "log", folder=folder)
watchdog.watch(program.start())
watchdog.remove(folder / "socket")
while not (folder / "log").read_text().endswith("\\n"):
    time.sleep(0.01)
print(program.session, (folder / "log").read_text().strip(), watchdog.pid, flush=True)
time.sleep(600)
"""


def test_a_dismissed_watchdog_leaves_everything_alone(tmp_path: Path) -> None:
    code = STARTER.replace("time.sleep(600)\n", "watchdog.dismiss()\n")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    session, child, watchdog = (int(word) for word in done.stdout.split())
    assert gone(watchdog)
    assert psutil.pid_exists(session)
    assert psutil.pid_exists(child)
    sessions.kill([session])
