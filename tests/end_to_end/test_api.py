"""docs/api.md as a ticket system would follow it: each command of it is run against the real Airflow."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from include.local.api import AirflowApi
from include.local.stack import LocalStack
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.release import LIMIT_S
from tests.end_to_end.world import LATER, NEW, NORTH, OLD, WEST
from tests.sandbox_client import SandboxClient
from tests.unit.sprint_page import azure, github, jira, section

CHANGE = "CHG-1001"
Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Shell:
    """Runs the page's blocks in one folder, for a service of the tests."""

    folder: Path
    environment: dict[str, str]
    service: str

    def run(self, script: str, **more: str) -> Done:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace("payments", self.service)],
            cwd=self.folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def follow(self, title: str, block: int = 0) -> str:
        """Run a block of a section, and return what it printed."""
        done = self.run(section(title)[block])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def shell(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Shell]:
    kept: dict[str, str] = json.loads(stack.home.password_file.read_text(encoding="utf-8"))
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "AIRLOCK"))
    }
    environment |= {"AIRFLOW": stack.api.base_url, "AIRFLOW_USER": "admin", "AIRFLOW_PASSWORD": kept["admin"]}
    environment |= {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return lambda service: Shell(tmp_path_factory.mktemp(service), environment, service)


def test_a_release_by_calls_alone(
    shell: Callable[[str], Shell], api: AirflowApi, sandbox: SandboxClient
) -> None:
    dag, sprint = "release_sprinted", shell("sprinted")
    for needed in (dag, "rollback_sprinted", "airlock_unlock"):
        api.await_dag(needed, timeout_s=LIMIT_S)
    sprint.follow("Get a token")
    assert (sprint.folder / "token").stat().st_mode & 0o077 == 0

    # Given a look at what would happen
    sprint.follow("See what would happen")
    assert api.await_run(dag, f"{CHANGE}-plan", timeout_s=LIMIT_S) == "success"
    plan = json.loads(sprint.follow("See what would happen", 1))["value"]
    assert len((json.loads(plan) if isinstance(plan, str) else plan)["hash"]) > 7

    # When the release is asked for twice, then there is one, and the second call is told so
    sprint.follow("Release")
    again = sprint.run(section("Release")[0])
    assert again.returncode != 0
    assert "409" in again.stderr
    # And one is queued for later, and taken back
    sprint.follow("Queue it for the next window")
    assert api.run_state(dag, "CHG-1002") == "queued"
    assert _status(sprint, "CHG-1002")["outcome"] == "queued"
    sprint.follow("Queue it for the next window", 1)
    assert {run["dag_run_id"] for run in api.runs(dag)} == {CHANGE, f"{CHANGE}-plan"}

    # When it is approved
    questions = wait_for(
        "the question", lambda: json.loads(sprint.follow("Answer a question"))["hitl_details"], timeout_s=60
    )
    assert [each["task_instance"]["task_id"] for each in questions] == ["approve"]
    assert sprint.follow("Follow it") == "running\n"
    assert sandbox.build("sprinted", WEST) == OLD
    _answer_until_it_is_taken(sprint, api, dag)
    # Then it is released, and one GET says so
    assert api.await_run(dag, CHANGE, timeout_s=LIMIT_S) == "success"
    assert sprint.follow("Follow it") == "success\n"
    verdict = json.loads(sprint.follow("Follow it", 1))["value"]
    assert verdict["outcome"] == "released"
    told = json.loads(sprint.follow("Is it released, where, since when?"))
    assert (told["released"], told["outcome"], told["change_request"]) == (True, "released", CHANGE)
    assert [(each["name"], each["build"]) for each in told["regions"]] == [(WEST, NEW)]
    assert told["since"]

    # When it is undone, and undone again, then it is undone once; the service is locked, and unlocked
    sprint.follow("Undo it")
    assert sprint.run(section("Undo it")[0]).returncode != 0
    assert api.await_run("rollback_sprinted", f"{CHANGE}-undo", timeout_s=LIMIT_S) == "success"
    assert sandbox.build("sprinted", WEST) == OLD
    undone = _status(sprint, CHANGE)
    assert (undone["released"], undone["outcome"]) == (False, "rolled_back")
    assert "customers see errors" in undone["locked"]["reason"]
    sprint.follow("Unlock the service")
    assert api.await_run("airlock_unlock", f"{CHANGE}-unlock", timeout_s=LIMIT_S) == "success"
    assert _status(sprint, CHANGE)["locked"] is None


def _answer_until_it_is_taken(shell: Shell, api: AirflowApi, dag: str) -> None:
    """As the page says: Airflow may lose an answer that comes in the second of the question."""

    def taken() -> bool:
        if json.loads(shell.follow("Answer a question"))["hitl_details"]:
            shell.run(section("Answer a question")[1])
        return api.task_state(dag, CHANGE, "approve") == "success"

    wait_for("the answer to be taken", taken, timeout_s=60)


def _status(shell: Shell, release: str) -> dict[str, Any]:
    (block,) = section("Is it released, where, since when?")
    done = shell.run(block.replace(CHANGE, release))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_ticket_and_two_pipelines_release_once(
    shell: Callable[[str], Shell], api: AirflowApi, sandbox: SandboxClient
) -> None:
    """Given Jira's two requests, when both pipelines run for the same change, then all see the one run."""
    api.await_dag("release_piped", timeout_s=LIMIT_S)
    pipe = shell("piped")
    login, wish = jira({"key": "CHG-7", "Build": NEW, "summary": 'the "new" scheme <!channel>'})
    login |= {"username": "admin", "password": pipe.environment["AIRFLOW_PASSWORD"]}
    token = requests.post(f"{api.base_url}/auth/token", json=login, timeout=30).json()["access_token"]
    released = requests.post(
        f"{api.base_url}/api/v2/dags/release_piped/dagRuns",
        json=wish,
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert released.ok, released.text

    done = [pipe.run(script, CHANGE="CHG-7", BUILD=NEW) for script in (azure()["bash"], github()["run"])]

    assert [each.returncode for each in done] == [0, 0], done[0].stdout + done[0].stderr
    assert all(f"{NEW} is released in {WEST}" in each.stdout for each in done)
    assert len(api.runs("release_piped")) == 1
    assert [sandbox.build("piped", region) for region in (WEST, NORTH)] == [NEW, NEW]
    # And one for the same change, but another build, is red, as is one that is refused
    other = pipe.run(github()["run"], CHANGE="CHG-7", BUILD=LATER)
    refused = pipe.run(azure()["bash"], CHANGE="CHG-8", BUILD=LATER)
    assert (other.returncode, refused.returncode) == (1, 1)
    assert "was refused before anything was touched" in refused.stdout
    # And what can't be a change request starts nothing
    never = pipe.run(github()["run"], CHANGE="CHG 9; true", BUILD=NEW)
    assert never.returncode == 1
    assert len(api.runs("release_piped")) == 2
