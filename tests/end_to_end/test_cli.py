"""The command line as a process against the real Airflow: each ends with the exit code that is documented."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from include.local.home import PROJECT_ROOT
from include.local.stack import LocalStack
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.release import Release
from tests.end_to_end.world import LEDGER, NEW, NORTH, OLD, WEST
from tests.sandbox_client import SandboxClient

LIMIT_S = 240.0
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def environment(stack: LocalStack) -> dict[str, str]:
    """What a pipeline would set; the password is in the file of Airflow's simple auth manager."""
    made = {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "AIRLOCK"))}
    return made | {
        "AIRLOCK_URL": stack.api.base_url,
        "AIRLOCK_USER": "admin",
        "AIRLOCK_PASSWORD_FILE": str(stack.home.password_file),
        "AIRLOCK_DAGS_FOLDER": str(stack.dags),
        "PYTHONPATH": str(PROJECT_ROOT),
    }


@pytest.fixture(scope="module")
def airlock(environment: dict[str, str]) -> Callable[..., Done]:
    """Run a command to its end."""

    def run(*arguments: str) -> Done:
        return subprocess.run(
            _command(*arguments),
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    return run


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "include.airlock.cli", *arguments]


@pytest.fixture(scope="module")
def plan(stack: LocalStack, airlock: Callable[..., Done], sandbox: SandboxClient) -> dict[str, Any]:
    """The plan of the first release, for machines; nothing is touched."""
    stack.api.await_dag("release_commanded", timeout_s=LIMIT_S)
    done = airlock("plan", "commanded", NEW, "--json", "--every", "0.5")
    assert (done.returncode, done.stderr) == (0, "")
    assert [sandbox.build("commanded", region) for region in (WEST, NORTH)] == [OLD, OLD]
    found: dict[str, Any] = json.loads(done.stdout)["plan"]
    return found


@pytest.fixture(scope="module")
def released(plan: dict[str, Any], airlock: Callable[..., Done]) -> Done:
    """The first release: bound to the plan, and watched to its end, for machines."""
    return airlock(
        *("release", "commanded", NEW, "--change-request", "CLI-1", "--reason", "by command"),
        *("--plan", plan["hash"], "--watch", "--json", "--every", "0.5"),
    )


def test_a_plan_says_each_call_without_making_it(plan: dict[str, Any]) -> None:
    assert [(call["n"], call["place"], call["step"]) for call in plan["calls"]] == [
        (1, WEST, "swap"),
        (2, NORTH, "swap"),
    ]
    assert [way["place"] for way in plan["way_back"]] == [NORTH, WEST]


def test_a_release_is_watched_to_its_end(released: Done, sandbox: SandboxClient) -> None:
    assert (released.returncode, released.stderr) == (0, "")
    said: list[dict[str, Any]] = [json.loads(line) for line in released.stdout.splitlines()]
    assert said[0]["event"] == "asked"
    assert said[-1]["event"] == "verdict"
    assert said[-1]["outcome"] == "released"
    assert [region["phase"] for region in said[-1]["regions"]] == ["accepted", "accepted"]
    last = [each for each in said if each["event"] == "progress"][-1]
    assert [(each["place"], each["phase"]) for each in last["places"]] == [
        (WEST, "accepted"),
        (NORTH, "accepted"),
    ]
    assert [sandbox.build("commanded", region) for region in (WEST, NORTH)] == [NEW, NEW]


def test_asking_again_releases_nothing(
    released: Done, airlock: Callable[..., Done], stack: LocalStack
) -> None:
    again = airlock("release", "commanded", NEW, "--change-request", "CLI-1")

    assert again.returncode == 0, again.stderr
    assert "was asked for already; nothing new starts" in again.stdout
    runs = [run["dag_run_id"] for run in stack.api.runs("release_commanded")]
    assert [run for run in runs if not run.startswith("plan__")] == ["CLI-1"]


def test_a_release_that_has_nothing_to_do_is_refused(released: Done, airlock: Callable[..., Done]) -> None:
    refused = airlock("release", "commanded", NEW, "--change-request", "CLI-2", "--watch", "--every", "0.5")

    assert refused.returncode == 4, refused.stdout
    assert "refused: " in refused.stdout.splitlines()[-1]


def test_status_tells_where_it_is(released: Done, airlock: Callable[..., Done]) -> None:
    status = airlock("status", "commanded", "CLI-1")

    assert status.returncode == 0, status.stderr
    assert f"build {NEW}, asked for by admin" in status.stdout
    assert f"  {WEST}: {NEW} since 20" in status.stdout


def test_a_failure_is_brought_back_and_unlocked(
    airlock: Callable[..., Done], sandbox: SandboxClient, stack: LocalStack
) -> None:
    """Given a build that can't work in region two, then exit code 3; and unlocking works just once."""
    stack.api.await_dag("release_commanded_back", timeout_s=LIMIT_S)
    for region in (WEST, NORTH):
        sandbox.stage("commanded_back", region, LEDGER)

    watched = airlock("release", "commanded_back", LEDGER, "--watch", "--every", "0.5")
    unlocked = airlock("unlock", "commanded_back", "--reason", "the ledger answers again")
    again = airlock("unlock", "commanded_back", "--reason", "to be sure")

    assert watched.returncode == 3, watched.stdout + watched.stderr
    assert f"{NORTH}: brought back" in watched.stdout
    assert watched.stdout.splitlines()[-1].startswith("rolled_back: ")
    assert unlocked.returncode == 0, unlocked.stderr
    assert "commanded_back is unlocked (the ledger answers again)" in unlocked.stdout
    assert (again.returncode, again.stderr) == (1, "airlock: commanded_back is not locked\n")


def test_a_release_waits_until_it_is_approved_by_command(
    stack: LocalStack, airlock: Callable[..., Done], sandbox: SandboxClient
) -> None:
    stack.api.await_dag("release_commanded_asked", timeout_s=LIMIT_S)
    assert airlock("release", "commanded_asked", NEW, "--change-request", "CLI-4").returncode == 0
    asked = wait_for("the question", lambda: airlock("approve", "commanded_asked", "--json").stdout)
    status = airlock("status", "commanded_asked")
    given = airlock(
        "approve", "commanded_asked", "CLI-4", "--answer", "approve", "--reason", "it looks right"
    )
    watched = airlock("watch", "commanded_asked", "CLI-4", "--every", "0.5")

    assert (json.loads(asked)["step"], json.loads(asked)["answers"]) == ("approve", ["approve", "reject"])
    assert "approve waits for an answer: airlock approve commanded_asked CLI-4" in status.stdout
    assert given.returncode == 0, given.stderr
    assert "approve of CLI-4 is answered: Approve" in given.stdout
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert sandbox.build("commanded_asked", WEST) == NEW


def test_ctrl_c_leaves_the_release_running(
    stack: LocalStack, sandbox: SandboxClient, environment: dict[str, str]
) -> None:
    stack.api.await_dag("release_left_alone", timeout_s=LIMIT_S)
    # What a shell starts in the background inherits an ignored Ctrl-C; here it shall count.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    watching = subprocess.Popen(
        _command("release", "left_alone", NEW, "--change-request", "CLI-3", "--watch", "--every", "0.2"),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    release = Release(stack.api, sandbox, "left_alone", "CLI-3", 0)
    wait_for("the release", lambda: [run["dag_run_id"] for run in stack.api.runs(release.dag)], timeout_s=60)
    assert watching.stdout is not None
    assert "is asked for" in watching.stdout.readline()

    watching.send_signal(signal.SIGINT)
    _, errors = watching.communicate(timeout=30)

    assert watching.returncode == 130
    assert "the release goes on: airlock watch left_alone CLI-3" in errors
    assert release.ended() == "success"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("release", "comanded", NEW), 2, "did you mean 'commanded'?"),
        (("release", "commanded", NEW, "--region", "westeurop"), 2, "did you mean 'westeurope'?"),
        (("status", "commanded", "CLI-9"), 2, "has no release CLI-9"),
        (("unlock", "comanded", "--reason", "mended"), 2, "did you mean 'commanded'?"),
        (("status", "commanded", "--url", "http://127.0.0.1:9"), 5, "no answer from Airflow"),
        (("status", "commanded", "--user", "nobody"), 2, "has no password for nobody"),
    ],
)
def test_what_can_not_be(
    released: Done, airlock: Callable[..., Done], arguments: tuple[str, ...], code: int, said: str
) -> None:
    done = airlock(*arguments)

    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr


def test_a_wrong_token_is_not_let_in(environment: dict[str, str], released: Done) -> None:
    done = subprocess.run(
        _command("status", "commanded"),
        env=environment | {"AIRLOCK_TOKEN": "not-a-token"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )

    assert done.returncode == 5
    assert "does not accept the token" in done.stderr


def test_a_release_is_rolled_back_by_command(
    released: Done, airlock: Callable[..., Done], sandbox: SandboxClient, stack: LocalStack
) -> None:
    """Comes last: it takes away what the tests above look at."""
    stack.api.await_dag("rollback_commanded", timeout_s=LIMIT_S)
    dry = airlock("rollback", "commanded", "--reason", "only to see", "--dry", "--every", "0.5")
    assert dry.returncode == 0, dry.stdout + dry.stderr
    assert "dry: " in dry.stdout
    assert sandbox.build("commanded", WEST) == NEW

    back = airlock(
        *("rollback", "commanded", "--reason", "customers see errors", "--release", "CLI-1"),
        *("--watch", "--every", "0.5"),
    )

    assert back.returncode == 0, back.stdout + back.stderr
    assert back.stdout.splitlines()[-1].startswith("rolled_back: ")
    assert [sandbox.build("commanded", region) for region in (WEST, NORTH)] == [OLD, OLD]
    assert "since then: " in airlock("status", "commanded", "CLI-1").stdout
