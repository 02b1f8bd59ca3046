"""Airflow's API server alone, once with each auth manager, over one SQLite file with the project's DAGs.

Nothing runs here: a run that is triggered stays queued. What is asked is only who may ask.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from include.local import sessions
from include.local.airflow_settings import base_environment
from include.local.home import PROJECT_ROOT
from include.local.ports import free_port
from include.local.programs import Program

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
APART = Path(sys.prefix) / "fab"
"""Where ``bootstrap.py fab`` puts the FAB provider; only the processes started here see it."""

PASSWORD = "a-password-of-the-tests"
UP_S = 90.0


@dataclass
class Server:
    """One API server with its auth manager."""

    name: str
    environment: dict[str, str]
    folder: Path
    port: int = field(default_factory=free_port)
    program: Program | None = None
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "airflow", "api-server", "--workers", "1"]
        command += ["--host", "127.0.0.1", "--port", str(self.port)]
        own = {"AIRFLOW__API__PORT": str(self.port), "AIRFLOW__API__BASE_URL": self.address}
        self.program = Program(
            self.name,
            command,
            environment=self.environment | own,
            log=self.folder / f"{self.name}.log",
            folder=self.folder,
        )
        self.program.start()

    def await_up(self) -> None:
        assert self.program is not None
        deadline = time.monotonic() + UP_S
        while True:
            self.program.check()
            try:
                if requests.get(f"{self.address}/api/v2/version", timeout=5).ok:
                    return
            except requests.RequestException:
                pass
            assert time.monotonic() < deadline, self.program.last_words()
            time.sleep(0.1)

    def token(self, user: str) -> str:
        if user not in self._tokens:
            body = {"username": user, "password": PASSWORD}
            answer = requests.post(f"{self.address}/auth/token", json=body, timeout=30)
            assert answer.ok, answer.text
            self._tokens[user] = answer.json()["access_token"]
        return self._tokens[user]

    def ask(self, user: str | None, method: str, path: str, body: Any = None) -> requests.Response:
        headers = {} if user is None else {"Authorization": f"Bearer {self.token(user)}"}
        return requests.request(
            method, f"{self.address}{path}", json=body, headers=headers, timeout=30, allow_redirects=False
        )


def environment(home: Path, manager: str, **more: str) -> dict[str, str]:
    """The settings of both servers; they share the database."""
    folder = str(PROJECT_ROOT)
    path = f"{folder}:{APART}" if manager == FAB else folder
    return base_environment() | {
        "PYTHONPATH": path,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__AUTH_MANAGER": manager,
        "AIRFLOW__CORE__DAGS_FOLDER": f"{folder}/dags",
        "AIRFLOW__CORE__PLUGINS_FOLDER": f"{folder}/plugins",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API__SECRET_KEY": "s" * 64,
        "AIRFLOW__API_AUTH__JWT_SECRET": "j" * 64,
        **more,
    }


_ONE_BY_ONE = """
import json, sys
from airflow.cli.cli_parser import get_parser
for command in json.loads(sys.argv[1]):
    found = get_parser().parse_args(command)
    found.func(found)
"""


def airflow(environment: Mapping[str, str], *commands: Sequence[str]) -> str:
    """Run commands of Airflow's and return what they printed; in one process, since each start costs 3 s."""
    done = subprocess.run(
        [sys.executable, "-c", _ONE_BY_ONE, json.dumps(commands)],
        env=dict(environment),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def stop(servers: Iterable[Server]) -> None:
    """End them, all at once; they hold nothing that is worth waiting for."""
    programs = [server.program for server in servers if server.program is not None]
    sessions.end([each.session for each in programs if each.session is not None], grace_s=2)
    for program in programs:
        program.reap()


def write_passwords(file: Path, users: Mapping[str, str]) -> None:
    file.write_text(json.dumps(dict.fromkeys(users, PASSWORD)), encoding="utf-8")
