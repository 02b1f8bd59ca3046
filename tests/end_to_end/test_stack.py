"""The local stack itself: it comes up whole, keeps to loopback, and leaves nothing behind."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import pytest

from include.local import sessions
from include.local.api import AirflowApi, ApiError
from include.local.home import PROJECT_ROOT, Home
from include.local.programs import ProgramFailed
from include.local.stack import LocalStack
from tests.end_to_end.conftest import wait_for

# A clone in a temporary folder may have a path far longer than a Unix socket's may be.
DEEP = "a-folder-with-a-name-that-is-rather-long/" * 3


def processes_of(wanted: Iterable[int]) -> list[psutil.Process]:
    return [member for session in wanted for member in sessions.members(session)]


def local(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m include.local …`, as make does."""
    return subprocess.run(
        [sys.executable, "-m", "include.local", *arguments],
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT), "AIRLOCK_HOME": str(home)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_every_dag_file_becomes_a_dag(stack: LocalStack, api: AirflowApi) -> None:
    folder = Path(stack.environment["AIRFLOW__CORE__DAGS_FOLDER"])
    files = {path.stem for path in folder.glob("*.py")}
    assert files >= {path.stem for path in (PROJECT_ROOT / "dags").glob("*.py")}
    wait_for("all DAGs", lambda: files == set(api.dag_ids()), timeout_s=240)
    assert api.import_errors() == {}


def test_nothing_listens_beyond_loopback(stack: LocalStack) -> None:
    heard = {address for process in processes_of(stack.sessions) for address in listens_on(process)}
    # The sandbox's machines have loopback addresses of their own.
    assert "127.0.0.1" in heard
    assert [address for address in heard if not ipaddress.ip_address(address).is_loopback] == []


def listens_on(process: psutil.Process) -> list[str]:
    """The addresses that a process listens on; none when it has just ended, as tasks and parsers do."""
    try:
        found = process.net_connections(kind="inet")
    except psutil.NoSuchProcess:
        return []
    return [connection.laddr.ip for connection in found if connection.status == psutil.CONN_LISTEN]


def test_secrets_are_for_the_owner_alone(stack: LocalStack) -> None:
    assert stat.S_IMODE(stack.home.path.stat().st_mode) == 0o700
    for file in (stack.home.password_file, stack.home.path / "secrets.json", stack.home.record):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_wrong_password_is_refused(stack: LocalStack) -> None:
    stranger = AirflowApi(stack.api.base_url, "admin", "wrong")
    with pytest.raises(ApiError) as refused:
        stranger.dag_ids()
    assert refused.value.status == 401


def test_one_home_serves_one_stack(stack: LocalStack) -> None:
    second = LocalStack(stack.home)
    with pytest.raises(RuntimeError, match="already running"):
        second.start()
    assert stack.api.health()["scheduler"] == "healthy"


def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a port that is taken
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("AIRLOCK_AIRFLOW_PORT", str(other.getsockname()[1]))
        stack = LocalStack(Home(tmp_path / "home"), keep=False)
        # When a stack asks for it
        with pytest.raises(ValueError, match="this port is taken"):
            stack.start()
    # Then what had been started before is gone, and the home is free
    assert stack.sessions
    assert processes_of(stack.sessions) == []
    assert not stack.home.in_use()


def test_a_program_that_dies_during_the_start_is_named(tmp_path: Path) -> None:
    broken = {"AIRFLOW__CORE__EXECUTOR": "NoSuchExecutor"}
    stack = LocalStack(Home(tmp_path / "home"), keep=False, with_sandbox=False, extra_environment=broken)
    with pytest.raises(ProgramFailed, match=r"ended with code (?s:.*) its log (?s:.*)NoSuchExecutor"):
        stack.start()
    assert processes_of(stack.sessions) == []


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for stacks, removed with all they kept elsewhere."""
    folder = tmp_path_factory.mktemp("homes") / DEEP
    yield folder
    assert local(folder, "clean").returncode == 0
    assert not list(folder.iterdir())


def test_up_and_down_beside_another_stack(stack: LocalStack, homes: Path) -> None:
    # Given one stack that runs already, when a second is put up in a folder with a long name
    done = local(homes, "up")
    assert done.returncode == 0, done.stderr
    record = json.loads((homes / "up" / "stack.json").read_text())
    try:
        # Then it says where it is, and the first one still runs
        assert record["airflow"] in done.stdout
        assert str(homes / "up" / "airflow" / "passwords.json") in done.stdout
        assert stack.api.health()["scheduler"] == "healthy"
        # And a second `up` finds it as it is
        assert record["airflow"] in local(homes, "up").stdout
        # And a scheduler that is killed is started again
        kill_scheduler(homes / "up", record)
    finally:
        down = local(homes, "down")
    # When it is put down, nothing of it is left
    assert down.stdout == "airlock: stopped\n", down.stderr
    assert processes_of(number for number, _ in record["sessions"]) == []
    assert local(homes, "down").stdout == "airlock: nothing was running\n"


def kill_scheduler(home: Path, record: dict[str, object]) -> None:
    """Kill the scheduler's leader alone and wait until another one runs."""
    log = home / "logs" / "stack.log"
    known = record["sessions"]
    assert isinstance(known, list)
    leaders = [psutil.Process(number) for number, _ in known if psutil.pid_exists(number)]
    scheduler = next(leader for leader in leaders if "scheduler" in " ".join(leader.cmdline()))
    scheduler.kill()
    wait_for("a new scheduler", lambda: "scheduler ended with code" in log.read_text())
    wait_for(
        "its session", lambda: len(json.loads((home / "stack.json").read_text())["sessions"]) > len(known)
    )


def test_a_killed_owner_leaves_nothing(homes: Path) -> None:
    # Given a stack whose owner is killed without a chance to clean up
    assert local(homes, "up").returncode == 0
    record = json.loads((homes / "up" / "stack.json").read_text())
    psutil.Process(record["pid"]).kill()
    # Then the watchdog ends everything
    numbers = [number for number, _ in record["sessions"]]
    wait_for("the end of all programs", lambda: not processes_of(numbers), timeout_s=30)
    assert local(homes, "down").stdout == "airlock: nothing was running\n"
