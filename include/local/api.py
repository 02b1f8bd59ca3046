"""A small typed client of Airflow's REST API (v2), as a release engineer's script would use it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT_S = 30.0
POLL_S = 0.25
_PAGE = 100
ENDED = frozenset({"success", "failed"})


class ApiError(RuntimeError):
    """Airflow answered with an error; `status` is its code."""

    def __init__(self, status: int, text: str) -> None:
        """Keep the code beside the text."""
        super().__init__(text)
        self.status = status


class StillRunning(RuntimeError):
    """A run did not end in the time that was given to it."""


@dataclass(frozen=True)
class TaskInstance:
    """What Airflow knows of one step of one run; times are ISO 8601, the duration is in seconds."""

    task_id: str
    state: str | None
    try_number: int
    start: str | None
    end: str | None
    duration: float | None


class AirflowApi:
    """One Airflow, one user; the token is fetched when needed and again when it has expired."""

    def __init__(self, base_url: str, user: str, password: str) -> None:
        """Name the server, as in `http://127.0.0.1:8080`, and the user."""
        self.base_url = base_url.rstrip("/")
        self._user, self._password = user, password
        self._session = requests.Session()
        # A proxy that the machine is set to must not see calls to this machine.
        self._session.trust_env = False

    def request(self, method: str, path: str, **options: Any) -> Any:
        """Call `path` below /api/v2 and return its JSON; raises ApiError, and requests' own for no answer."""
        answer = self._send(method, path, options)
        if answer.status_code == requests.codes.unauthorized:
            self._log_in()
            answer = self._send(method, path, options)
        if not answer.ok:
            raise ApiError(answer.status_code, f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def health(self) -> dict[str, str | None]:
        """Return each part's health; no token is asked for."""
        answer = self._session.get(f"{self.base_url}/api/v2/monitor/health", timeout=5)
        answer.raise_for_status()
        return {name: (part or {}).get("status") for name, part in answer.json().items()}

    def dag_ids(self) -> list[str]:
        """Return every DAG that Airflow has parsed."""
        found: list[str] = []
        while True:
            page = self.request("GET", "dags", params={"limit": _PAGE, "offset": len(found)})
            found += [dag["dag_id"] for dag in page["dags"]]
            if not page["dags"] or len(found) >= page["total_entries"]:
                return found

    def import_errors(self) -> dict[str, str]:
        """Return file -> traceback of each DAG file that failed to parse."""
        found = self.request("GET", "importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in found}

    def await_dag(self, dag_id: str, timeout_s: float = 60.0) -> None:
        """Wait until a DAG was parsed; raises ApiError with the import errors when it does not appear."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                self.request("GET", f"dags/{quote(dag_id)}")
                return
            except ApiError as error:
                if error.status != requests.codes.not_found:
                    raise
                if time.monotonic() > deadline:
                    raise ApiError(error.status, self._why_no_dag(dag_id, timeout_s)) from error
            time.sleep(POLL_S)

    def trigger_run(
        self,
        dag_id: str,
        conf: Mapping[str, Any] | None = None,
        *,
        run_id: str | None = None,
        run_after: str | None = None,
    ) -> str:
        """Start a run and return its id; the same id again raises ApiError with status 409."""
        body: dict[str, Any] = {"logical_date": None, "conf": dict(conf or {})}
        body |= {"dag_run_id": run_id} if run_id else {}
        body |= {"run_after": run_after} if run_after else {}
        run: dict[str, str] = self.request("POST", f"dags/{quote(dag_id)}/dagRuns", json=body)
        return run["dag_run_id"]

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return a run as Airflow describes it."""
        run: dict[str, Any] = self.request("GET", _run_path(dag_id, run_id))
        return run

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Return a DAG's latest 100 runs, the newest first."""
        found = self.request(
            "GET", f"dags/{quote(dag_id)}/dagRuns", params={"order_by": "-run_after", "limit": 100}
        )
        runs: list[dict[str, Any]] = found["dag_runs"]
        return runs

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return queued, running, success or failed."""
        return str(self.run(dag_id, run_id)["state"])

    def await_run(
        self,
        dag_id: str,
        run_id: str,
        *,
        timeout_s: float = 300.0,
        on_poll: Callable[[], None] | None = None,
    ) -> str:
        """Wait for a run's end and return its state; raises StillRunning. Each look calls `on_poll`."""
        deadline = time.monotonic() + timeout_s
        while (state := self.run_state(dag_id, run_id)) not in ENDED:
            if on_poll is not None:
                on_poll()
            if time.monotonic() > deadline:
                raise StillRunning(f"{dag_id} {run_id} is still {state} after {timeout_s:.0f} s")
            time.sleep(POLL_S)
        return state

    def set_run_state(self, dag_id: str, run_id: str, state: str) -> None:
        """Mark a run success or failed, by hand."""
        self.request("PATCH", _run_path(dag_id, run_id), json={"state": state})

    def task_instances(self, dag_id: str, run_id: str) -> dict[str, TaskInstance]:
        """Return task id -> its latest try."""
        found = self.request("GET", f"{_run_path(dag_id, run_id)}/taskInstances", params={"limit": 100})
        return {
            ti["task_id"]: TaskInstance(
                ti["task_id"], ti["state"], ti["try_number"], ti["start_date"], ti["end_date"], ti["duration"]
            )
            for ti in found["task_instances"]
        }

    def task_state(self, dag_id: str, run_id: str, task_id: str) -> str | None:
        """Return a task's state; None while it has none."""
        found = self.request("GET", f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}")
        state: str | None = found["state"]
        return state

    def set_task_state(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Mark a task success, failed or skipped, by hand."""
        body = {"new_state": state}
        self.request("PATCH", f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}", json=body)

    def clear(
        self, dag_id: str, run_id: str, task_ids: Sequence[str], *, downstream: bool = True
    ) -> list[str]:
        """Clear tasks so that they run again, with all after them by default; return the cleared ids."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": list(task_ids),
            "include_downstream": downstream,
            "only_failed": False,
            "reset_dag_runs": True,
        }
        found = self.request("POST", f"dags/{quote(dag_id)}/clearTaskInstances", json=body)
        return [ti["task_id"] for ti in found["task_instances"]]

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> Any:
        """Return what a task pushed, or None when it pushed nothing under that key."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/xcomEntries/{quote(key)}"
        try:
            return self.request("GET", path, params={"deserialize": "false"})["value"]
        except ApiError as error:
            if error.status == requests.codes.not_found:
                return None
            raise

    def logs(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        """Return the log of one try as text, one line per entry."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/logs/{try_number}"
        content = self.request("GET", path, params={"full_content": "true"})["content"]
        return "\n".join(_log_line(entry) for entry in content)

    def run_url(self, dag_id: str, run_id: str) -> str:
        """Return where a person sees the run in the UI."""
        return f"{self.base_url}/dags/{quote(dag_id)}/runs/{quote(run_id)}"

    def _why_no_dag(self, dag_id: str, waited_s: float) -> str:
        faults = [f"{file}: {trace.strip().splitlines()[-1]}" for file, trace in self.import_errors().items()]
        return "\n    ".join([f"no DAG {dag_id} after {waited_s:.0f} s", *faults])

    def _send(self, method: str, path: str, options: Mapping[str, Any]) -> requests.Response:
        return self._session.request(
            method, f"{self.base_url}/api/v2/{path}", **{"timeout": TIMEOUT_S, **options}
        )

    def _log_in(self) -> None:
        body = {"username": self._user, "password": self._password}
        answer = self._session.post(f"{self.base_url}/auth/token", json=body, timeout=TIMEOUT_S)
        if not answer.ok:
            raise ApiError(
                answer.status_code, f"log in as {self._user}: {answer.status_code} {answer.text[:200]}"
            )
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def _run_path(dag_id: str, run_id: str) -> str:
    return f"dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"


def _log_line(entry: str | Mapping[str, Any]) -> str:
    """Return a log entry as text, an exception's own words included."""
    if isinstance(entry, str):
        return entry
    errors = [
        f"{error.get('exc_type')}: {error.get('exc_value')}" for error in entry.get("error_detail") or ()
    ]
    return " ".join([str(entry.get("event", "")), *errors])
