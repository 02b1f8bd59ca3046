"""docs/api.md says what is so: its calls can be made, its examples are whole, and none shows a secret."""

from __future__ import annotations

import re
import subprocess
from urllib.parse import urlsplit

import pytest
import yaml

from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.decision import APPROVE, WHY
from include.airlock.model.loading import load_service
from include.airlock.model.record import Outcome
from include.airlock.model.rollback import RollbackRequest
from tests.unit.pages import ROOT, blocks, call, commands, text
from tests.unit.sprint_page import PAGE, azure, github, jira
from tests.unit.test_docs import airflow_paths

PAYMENTS = load_service(ROOT / "dags" / "services" / "payments.yaml")
CALLS = [
    call(words)
    for block in blocks(PAGE, "bash")
    if "/auth/token" not in block
    for words in commands(block.replace(" |\n", " \n"))
    if words[0] == "curl"
]


def test_each_call_is_one_that_is_served() -> None:
    own = re.compile(r"/airlock/releases/[^/]+/[^/]+")
    assert len(CALLS) >= 11
    for method, url, _ in CALLS:
        path = urlsplit(url.removeprefix("$AIRFLOW")).path
        known = any(known == method and pattern.fullmatch(path) for known, pattern in airflow_paths())
        assert known or (method == "GET" and own.fullmatch(path)), (method, path)


def test_what_is_asked_for_can_be_asked_for() -> None:
    asked = {url.split("/dags/")[1]: body for _, url, body in CALLS if body and "conf" in body}
    assert len(asked) == 3
    for _, url, body in CALLS:
        if not body or "conf" not in body:
            continue
        if "release_payments" in url:
            request = ChangeRequest.of(PAYMENTS, body["conf"]).under(body["dag_run_id"])
            assert request.change_request == body["dag_run_id"]
        elif "rollback_payments" in url:
            assert RollbackRequest.of(PAYMENTS, body["conf"]).release == "CHG-1001"
        else:
            assert set(body["conf"]) == {"service", "reason"}


def test_the_answer_is_one_that_is_offered() -> None:
    (body,) = (body for method, _, body in CALLS if method == "PATCH")
    assert body["chosen_options"] == [APPROVE]
    assert set(body["params_input"]) == {WHY}


def test_each_outcome_is_named() -> None:
    (row,) = re.findall(r"^\| `outcome` \| (.*) \|$", text(PAGE), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == {each.value for each in Outcome} | {"queued"}


# --- secrets


def test_no_secret_is_in_an_address_or_an_argument() -> None:
    """Given all that the page runs, then secrets come by the environment, a pipe or a file."""
    for script in [*blocks(PAGE, "bash"), azure()["bash"], github()["run"]]:
        assert not re.search(r"\$\{?(AIRFLOW_PASSWORD|TOKEN)", script)
        assert not re.search(r"[?&](token|password|key)=", script)
        assert "Authorization" not in script or "print(" in script


def test_what_somebody_typed_is_not_spliced_into_a_script() -> None:
    for script in (azure()["bash"], github()["run"]):
        assert "${{" not in script
        assert "$(AIRFLOW" not in script


def test_the_secret_is_given_to_the_step_alone() -> None:
    assert azure()["env"]["AIRFLOW_PASSWORD"] == "$(AIRFLOW_PASSWORD)"
    assert github()["env"]["AIRFLOW_PASSWORD"] == "${{ secrets.AIRFLOW_PASSWORD }}"
    for block in blocks(PAGE, "yml"):
        assert block.count("secrets.") <= 1
        assert yaml.safe_load(block)


# --- the examples


def test_both_pipelines_run_the_same_script() -> None:
    assert azure()["bash"] == github()["run"]


@pytest.mark.parametrize("step", [azure, github])
def test_the_script_is_given_all_that_it_reads(step: object) -> None:
    assert callable(step)
    found = step()
    script = found.get("bash") or found["run"]
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    read = set(re.findall(r'os\.environ\["(\w+)"\]|"\$(AIRFLOW)/', script))
    wanted = {name or other for name, other in read}
    group = {"AIRFLOW", "AIRFLOW_USER"} if "bash" in found else set()
    assert wanted == set(found["env"]) | group


def test_what_jira_sends_is_a_change_request_whatever_the_issue_is_called() -> None:
    issue = {"key": "CHG-1001", "Build": "2026.11.2", "summary": 'say "hi"\n\\ and {{go}}'}
    login, wish = jira(issue)
    assert set(login) == {"username", "password"}
    request = ChangeRequest.of(PAYMENTS, wish["conf"]).under(wish["dag_run_id"])
    assert (request.change_request, request.build) == ("CHG-1001", "2026.11.2")
    assert request.reason == issue["summary"]
