"""docs/security.md says who may do what; each cell of its tables is asked of Airflow itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.roles.acts import ACTS, Call, questions
from tests.roles.conftest import FAB_USERS, SIMPLE_USERS
from tests.roles.servers import APART, Server
from tests.unit.pages import ROOT, text

PAGE = "docs/security.md"
USERS = {"airlock_release": "ann"} | {role: user for user, role in (FAB_USERS | SIMPLE_USERS).items()}
REFUSED = (401, 403)


def cells() -> Iterator[tuple[str, str, str, str]]:
    """Each cell: auth manager, role, act, and what the page says."""
    tables = re.findall(r"^\| may \|(.*)\|\n\|[-|]+\|\n((?:\|.*\|\n)+)", text(PAGE), re.MULTILINE)
    for manager, (head, rows) in zip(("fab", "simple"), tables, strict=True):
        roles = [name.strip(" `") for name in head.split("|")]
        for row in rows.splitlines():
            act, *said = [cell.strip() for cell in row.strip("|").split("|")]
            assert len(said) == len(roles), row
            yield from ((manager, role, act, cell) for role, cell in zip(roles, said, strict=True))


def test_the_tables_speak_of_each_act_and_role() -> None:
    for manager, users in (("fab", 4), ("simple", 4)):
        acts = [act for each, _, act, _ in cells() if each == manager]
        assert list(dict.fromkeys(acts)) == list(ACTS)
        assert len(acts) == users * len(ACTS)


def outcome(server: Server, user: str | None, calls: list[Call]) -> set[bool]:
    """Whether each call is let through; anything but a refusal is, also that there is no such thing."""
    answers = [server.ask(user, *call) for call in calls]
    broken = [f"{each.request.method} {each.url}: {each.text}" for each in answers if each.status_code >= 500]
    assert not broken
    return {answer.status_code not in REFUSED for answer in answers}


@pytest.mark.parametrize(("manager", "role", "act", "said"), list(cells()))
def test_who_may_do_what(servers: dict[str, Server], manager: str, role: str, act: str, said: str) -> None:
    # Given somebody with that role alone / When they try / Then it is as the page says
    server, user = servers[manager], USERS[role]
    assert said in ("yes", "–", "payments")
    assert outcome(server, user, ACTS[act]("payments")) == {said != "–"}
    assert outcome(server, user, ACTS[act]("search")) == {said == "yes"}


@pytest.mark.parametrize("manager", ["fab", "simple"])
def test_nobody_gets_in_without_a_token(servers: dict[str, Server], manager: str) -> None:
    calls = [call for act in [*ACTS.values(), questions] for call in act("payments")]
    assert outcome(servers[manager], None, calls) == {False}


def test_questions_are_seen_by_whoever_sees_the_release(servers: dict[str, Server]) -> None:
    for user in ("otto", "april", "ann"):
        assert outcome(servers["fab"], user, questions("payments")) == {True}


def test_a_pipeline_sees_the_runs_of_its_service_only(servers: dict[str, Server]) -> None:
    runs = servers["fab"].ask("ci", "GET", "/api/v2/dags/~/dagRuns").json()["dag_runs"]
    assert {run["dag_id"] for run in runs} == {"release_payments"}


def test_the_page_names_the_roles_that_are_shipped() -> None:
    shipped = json.loads((ROOT / "docs" / "roles.json").read_text(encoding="utf-8"))
    named = {role for manager, role, _, _ in cells() if manager == "fab"}
    assert {entry["name"] for entry in shipped} == named


@pytest.mark.skipif(not APART.exists(), reason="the FAB provider is not installed; `make roles` does it")
def test_what_is_kept_apart_is_whole() -> None:
    """Given the packages apart, then each finds what it needs among them or in the environment."""
    installed = {each.name.lower().replace("_", "-"): each.version for each in distributions()}
    apart = list(distributions(path=[str(APART)]))
    found = installed | {each.name.lower().replace("_", "-"): each.version for each in apart}
    assert {each.name.lower().replace("_", "-") for each in apart} & set(installed) == set()
    for package in apart:
        for line in package.requires or ():
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                version = found.get(need.name.lower().replace("_", "-").replace(".", "-"))
                assert version is not None, f"{package.name} needs {line}"
                assert need.specifier.contains(version, prereleases=True), f"{package.name} needs {line}"


def test_the_folder_apart_is_where_bootstrap_puts_it() -> None:
    assert f'APART = "{APART.name}"' in Path(ROOT / "bootstrap.py").read_text(encoding="utf-8")
