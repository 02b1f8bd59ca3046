"""What the tables of docs/security.md speak of, as calls; ``payments`` stands for one service of several."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

Call = tuple[str, str, Any]

RUN = "CHG-1"
"""A run of each release DAG, seeded by the administrator; it stays queued."""


def _run(service: str, rest: str = "") -> str:
    return f"/api/v2/dags/release_{service}/dagRuns/{RUN}{rest}"


def _start(dag: str, conf: dict[str, Any]) -> Call:
    body = {"logical_date": None, "conf": conf}
    return "POST", f"/api/v2/dags/{dag}/dagRuns", body


def see(service: str) -> list[Call]:
    verdict = _run(service, "/taskInstances/verdict/xcomEntries/verdict")
    return [
        ("GET", f"/api/v2/dags/release_{service}", None),
        ("GET", _run(service), None),
        ("GET", _run(service, "/taskInstances"), None),
        ("GET", verdict, None),
    ]


def questions(service: str) -> list[Call]:
    return [("GET", _run(service, "/hitlDetails"), None)]


def logs(service: str) -> list[Call]:
    return [("GET", _run(service, "/taskInstances/preflight/logs/1"), None)]


def web(service: str) -> list[Call]:
    return [
        ("GET", f"/airlock/releases/{service}/{RUN}", None),
        ("GET", f"/airlock/releases/{service}/{RUN}/record", None),
    ]


def start(service: str) -> list[Call]:
    return [_start(f"release_{service}", {"build": "2026.11.2"})]


def undo(service: str) -> list[Call]:
    return [
        _start(f"rollback_{service}", {"reason": "customers see errors"}),
        _start("airlock_unlock", {"service": service, "reason": "it is mended"}),
    ]


def answer(service: str) -> list[Call]:
    path = _run(service, "/taskInstances/preflight/-1/hitlDetails")
    return [("PATCH", path, {"chosen_options": ["Approve"], "params_input": {}})]


def resume(service: str) -> list[Call]:
    body = {"dry_run": True, "dag_run_id": RUN, "task_ids": ["preflight"]}
    return [("POST", f"/api/v2/dags/release_{service}/clearTaskInstances", body)]


def stop(service: str) -> list[Call]:
    return [
        ("PATCH", _run(service, "/taskInstances/bench"), {"new_state": "failed"}),
        ("PATCH", _run(service), {"note": "is looked at"}),
    ]


def pause(service: str) -> list[Call]:
    return [("PATCH", f"/api/v2/dags/release_{service}", {"is_paused": False})]


def delete(service: str) -> list[Call]:
    return [("DELETE", _run(service).replace(RUN, "never-asked-for"), None)]


def _ledger(key: str) -> str:
    # No such asset: whoever may, is told that it is not there.
    return f"/api/v2/assets/999/state-store/{quote(key)}"


def read_ledger(service: str) -> list[Call]:
    return [("GET", _ledger("lock"), None)]


def write_ledger(service: str) -> list[Call]:
    return [("PUT", _ledger("lock"), {"value": "x"}), ("DELETE", _ledger("lock"), None)]


def secrets(service: str) -> list[Call]:
    connection = {"connection_id": "azure_westeurope", "conn_type": "azure", "host": "evil.example.com"}
    return [
        ("GET", "/api/v2/connections/azure_westeurope", None),
        ("PATCH", "/api/v2/connections/azure_westeurope", connection),
        ("GET", "/api/v2/variables/any", None),
    ]


ACTS: dict[str, Callable[[str], list[Call]]] = {
    "see a release, its verdict and its questions": see,
    "read a step's log": logs,
    "read the status and the record of a release": web,
    "start a release": start,
    "start a rollback, unlock a service": undo,
    "answer a question": answer,
    "resume a release: clear a step": resume,
    "stop a release: mark a step or a run by hand": stop,
    "pause a DAG": pause,
    "delete a run": delete,
    "read the ledger by Airflow's API for assets": read_ledger,
    "write the ledger by Airflow's API for assets": write_ledger,
    "see or change connections, variables": secrets,
}
