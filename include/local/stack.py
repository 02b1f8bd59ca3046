"""Airflow on one machine: database, API server, scheduler, DAG processor and triggerer, and the sandbox.

Everything listens on loopback, runs in sessions of its own and ends with the stack: at `stop`, when
the start fails, and - by the watchdog - when this process dies.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import requests

from include.local import sessions
from include.local.airflow_settings import (
    USER,
    base_environment,
    settings,
    write_local_settings,
    write_password_file,
)
from include.local.api import AirflowApi
from include.local.connections import airflow_connections, as_environment
from include.local.home import PROJECT_ROOT, Home
from include.local.ports import chosen_port
from include.local.postgres import Postgres
from include.local.programs import Program, ProgramFailed
from include.local.sandbox_unit import SandboxUnit
from include.local.template import keep_as_template
from include.local.watchdog import Watchdog

START_LIMIT_S = 180.0
STOP_GRACE_S = 5.0
# Logs are read from disk by the API server, so no log server is needed (they listen on all addresses).
AIRFLOW_PROGRAMS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
# The names that the health page gives to what must be up.
_HEALTHY = ("metadatabase", "scheduler", "dag_processor", "triggerer")


def dags_folder() -> Path:
    """Return the DAGs that a stack runs: AIRLOCK_DAGS_FOLDER, or the project's."""
    chosen = os.environ.get("AIRLOCK_DAGS_FOLDER")
    return Path(chosen).resolve() if chosen else PROJECT_ROOT / "dags"


class LocalStack:
    """One Airflow with everything around it; a context manager."""

    def __init__(
        self,
        home: Home,
        *,
        dags: Path | None = None,
        with_sandbox: bool = True,
        sandbox_settings: Mapping[str, Any] | None = None,
        extra_environment: Mapping[str, str] | None = None,
        fresh: bool = False,
        keep: bool = True,
        on_step: Callable[[str], None] = lambda _step: None,
    ) -> None:
        """Describe the stack.

        `extra_environment` overrides Airflow's settings and adds connections, `fresh` forgets what the
        home kept of earlier runs, `keep=False` leaves no database behind, and `on_step` hears what the
        start is doing.
        """
        self.home = home
        self.endpoints: dict[str, Any] = {}
        self.programs: dict[str, Program] = {}
        self.dags = dags or dags_folder()
        self._sandbox = SandboxUnit(home, sandbox_settings) if with_sandbox else None
        self._extra = dict(extra_environment or {})
        self._postgres = Postgres(home)
        self._watchdog = Watchdog()
        self._fresh, self._keep = fresh, keep
        self._on_step = on_step
        self._lock: IO[str] | None = None
        self._api: AirflowApi | None = None
        self._ready = False
        self.environment: dict[str, str] = {}

    @property
    def api(self) -> AirflowApi:
        """Airflow's REST API, as the administrator; raises RuntimeError before the start."""
        if self._api is None:
            raise RuntimeError("the stack has not been started")
        return self._api

    @property
    def sessions(self) -> list[int]:
        """The sessions of every program started so far."""
        return self._watchdog.sessions

    def start(self) -> Self:
        """Start everything and wait until it is healthy; raises ProgramFailed, HomeInUse, ValueError."""
        self._lock = self.home.claim()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End everything that was started; harmless when nothing runs."""
        database = self._postgres.program
        last = [database.session] if database and database.session else []
        sessions.end([session for session in self.sessions if session not in last], grace_s=STOP_GRACE_S)
        # SIGINT is PostgreSQL's fast shutdown: clients are cut off, nothing is lost.
        sessions.end(last, ask=signal.SIGINT, grace_s=STOP_GRACE_S)
        for program in self.programs.values():
            program.reap()
        self._postgres.remove_folders()
        if not self._keep:
            self._postgres.forget()
        self._watchdog.dismiss()
        self.home.record.unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check(self) -> None:
        """Raise ProgramFailed when any program of the stack has ended."""
        for program in self.programs.values():
            program.check()

    def restart(self, name: str) -> None:
        """End a program at once, with all it started, and start it again (to rehearse crashes)."""
        program = self.programs[name]
        if program.session is not None:
            sessions.kill([program.session])
            program.reap()
        self.adopt(program, program.start())

    def adopt(self, program: Program, session: int) -> None:
        """Make a started program part of the stack, so that it ends with it."""
        self.programs[program.name] = program
        self._watchdog.watch(session)
        self._note("ready" if self._ready else "starting")

    def __enter__(self) -> Self:
        """Start the stack."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the stack."""
        self.stop()

    def _start(self) -> None:
        if self._fresh:
            self._postgres.forget()
            self.home.wipe()
        self._watchdog.start()
        self._note("starting")
        if self._sandbox is not None:
            self._on_step("starting the sandbox")
            self.adopt(self._sandbox.program, self._sandbox.start())
        self._on_step("starting PostgreSQL")
        self._start_database()
        self._environ(chosen_port("AIRLOCK_AIRFLOW_PORT"))
        if self._postgres.needs_tables:
            self._on_step("making Airflow's tables, once")
            self._migrate()
            self._restart_database_as_template()
        if self._sandbox is not None:
            self.endpoints = self._sandbox.await_ready()
            self.environment |= as_environment(airflow_connections(self.endpoints)) | self._extra
        self._on_step("starting Airflow")
        for name, arguments in AIRFLOW_PROGRAMS.items():
            program = self._airflow(name, arguments)
            self.adopt(program, program.start())
        self._await_healthy()
        self._ready = True
        self._note("ready")

    def _start_database(self) -> None:
        session = self._postgres.start()
        if self._postgres.program is not None:
            self.adopt(self._postgres.program, session)
        if self._postgres.socket_folder is not None:
            self._watchdog.remove(self._postgres.socket_folder)
        if not self._keep and self._postgres.files is not None:
            self._watchdog.remove(self._postgres.files.parent)
        self._postgres.await_ready()

    def _restart_database_as_template(self) -> None:
        """Keep a copy of the new tables; the files are whole only while the server is down."""
        program, files = self._postgres.program, self._postgres.files
        if program is None or program.session is None or files is None:
            return
        sessions.end([program.session], ask=signal.SIGINT)
        program.reap()
        keep_as_template(files)
        self._start_database()

    def _environ(self, port: int) -> None:
        kept = self.home.secrets()
        write_password_file(self.home, kept)
        write_local_settings(self.home)
        self.environment = (
            base_environment() | settings(self.home, self._postgres, port, self.dags) | self._extra
        )
        self._api = AirflowApi(f"http://127.0.0.1:{port}", USER, kept["password"])

    def _migrate(self) -> None:
        """Make Airflow's tables."""
        program = self._airflow("migration", ("db", "migrate"))
        session = program.start()
        self._watchdog.watch(session)
        sessions.await_leaders([session], START_LIMIT_S)
        if (code := program.exit_code()) != 0:
            raise ProgramFailed(f"airflow db migrate ended with code {code}; {program.last_words()}")

    def _airflow(self, name: str, arguments: tuple[str, ...]) -> Program:
        return Program(
            name,
            [sys.executable, "-m", "airflow", *arguments],
            environment=self.environment,
            log=self.home.logs / f"{name}.log",
            folder=PROJECT_ROOT,
        )

    def _await_healthy(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            self.check()
            health = self._health()
            if all(health.get(part) == "healthy" for part in _HEALTHY):
                return
            if time.monotonic() > deadline:
                raise ProgramFailed(
                    f"Airflow is not healthy after {START_LIMIT_S:.0f} s: {health or 'no answer'}"
                )
            time.sleep(0.1)

    def _health(self) -> dict[str, str | None]:
        try:
            return self.api.health()
        except requests.RequestException:
            return {}

    def _note(self, status: str) -> None:
        """Say in the home what runs, for `make down` and for whoever asks where to look."""
        self.home.write_record(
            {
                "status": status,
                "pid": os.getpid(),
                "sessions": [(session, sessions.born(session)) for session in self.sessions],
                "airflow": self._api.base_url if self._api else None,
                "user": USER,
                "password_file": str(self.home.password_file),
                "endpoints": str(self.home.sandbox / "endpoints.json") if self._sandbox else None,
            }
        )
