"""One database, two API servers: FAB with the roles of docs/roles.json, and the simple manager."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.roles.acts import RUN
from tests.roles.servers import (
    APART,
    FAB,
    PASSWORD,
    SIMPLE,
    Server,
    airflow,
    environment,
    stop,
    write_passwords,
)
from tests.unit.pages import blocks, commands

FAB_USERS = {
    "otto": "airlock_observe",
    "april": "airlock_approve",
    "ci": "airlock_ci_payments",
}
"""Who has which role; ``ann``, who releases, is made by the page's own command."""

SIMPLE_USERS = {"vera": "viewer", "uwe": "user", "olga": "op", "ada": "admin"}
SERVICES = ("payments", "search")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """Both servers by their auth manager's name."""
    if not APART.exists():
        pytest.skip("the FAB provider is not installed; `make roles` does it")
    home = tmp_path_factory.mktemp("airflow")
    passwords = home / "passwords.json"
    write_passwords(passwords, SIMPLE_USERS)
    users = ",".join(f"{name}:{role}" for name, role in SIMPLE_USERS.items())
    fab = environment(home, FAB)
    simple = environment(
        home,
        SIMPLE,
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=users,
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=str(passwords),
    )
    found = {"fab": Server("fab", fab, home), "simple": Server("simple", simple, home)}
    try:
        airflow(fab, ("db", "migrate"), ("dags", "reserialize"), *_roles())
        for server in found.values():
            server.start()
        for server in found.values():
            server.await_up()
        _seed(found["simple"], found["fab"])
        yield found
    finally:
        stop(found.values())


def _roles() -> list[list[str]]:
    """The commands of the page, as they stand there, and one for somebody who may make the other users."""
    (block,) = (block for block in blocks("docs/security.md", "bash") if "airflow roles" in block)
    shown = commands(block.replace("$PASSWORD", PASSWORD))
    assert {words[0] for words in shown} == {"airflow"}
    root = "users create --role Admin --username root --firstname R --lastname R --email root@example.com"
    return [*(words[1:] for words in shown), [*root.split(), "--password", PASSWORD]]


def _seed(simple: Server, fab: Server) -> None:
    for service in SERVICES:
        body = {"dag_run_id": RUN, "logical_date": None, "conf": {"build": "2026.11.2"}}
        answer = simple.ask("ada", "POST", f"/api/v2/dags/release_{service}/dagRuns", body)
        assert answer.ok, answer.text
    for name, role in FAB_USERS.items():
        user = {
            "username": name,
            "password": PASSWORD,
            "roles": [{"name": role}],
            "email": f"{name}@example.com",
        }
        user |= {"first_name": name, "last_name": name}
        answer = fab.ask("root", "POST", "/auth/fab/v1/users", user)
        assert answer.ok, answer.text
