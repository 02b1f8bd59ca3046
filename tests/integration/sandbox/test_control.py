"""The sandbox's own door and its program: state, journal, stage, reset, configuration, start and end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

from include.sandbox.config import ConfigRefused, load_config
from include.sandbox.faults import FAULTS
from tests.sandbox_client import PROJECT, SandboxClient, SandboxRun

WHERE = ("payments", "westeurope")


def run_program(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "include.sandbox", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_state_names_every_service_region_and_slot(sandbox: SandboxClient) -> None:
    state = sandbox.state()
    assert {service: list(regions) for service, regions in state.items()} == {
        "payments": ["westeurope", "northeurope", "uksouth"],
        "catalog": ["westeurope", "eastus"],
        "identity": ["westeurope"],
    }
    production = state["identity"]["westeurope"]["production"]
    assert (production["build"], production["state"]) == ("2026.11.1", "Running")
    assert "DATABASE_URL" in production["settings"]
    assert state["identity"]["westeurope"]["operation"] is None


def test_a_running_swap_is_shown(sandbox: SandboxClient) -> None:
    accepted = sandbox.post_swap(*WHERE)
    shown = sandbox.state(*WHERE)["operation"]
    assert (shown["operation"], shown["slot"], shown["target"]) == ("SwapSiteSlots", "staging", "production")
    sandbox.follow(accepted)


def test_stage_puts_content_there_at_once(sandbox: SandboxClient) -> None:
    sandbox.stage(*WHERE, "2026.11.4", "production")
    page = sandbox.status(*WHERE)
    assert (page["build"], page["state"]) == ("2026.11.4", "running")


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"service": "payment", "region": "westeurope", "build": "1"}, "no service 'payment'"),
        ({"service": "payments", "region": "westus", "build": "1"}, "in region 'westus'"),
        ({"service": "payments", "region": "westeurope", "slot": "qa", "build": "1"}, "no slot 'qa'"),
        ({"service": "payments", "region": "westeurope", "build": "../1"}, "is no build"),
        ({"service": "payments", "region": "westeurope", "biuld": "1"}, "unknown key 'biuld'"),
    ],
)
def test_stage_asked_for_wrongly_changes_nothing(sandbox: SandboxClient, asked: dict, text: str) -> None:
    answer = requests.post(sandbox.endpoints["control"] + "/sandbox/stage", json=asked, timeout=5)
    assert answer.status_code == 400
    assert text in answer.json()["error"]
    assert sandbox.events("content_changed") == []


def test_the_journal_holds_changes_in_order_and_counts_reads(sandbox: SandboxClient) -> None:
    # When reads and changes are made
    sandbox.arm("GET", sandbox.resource(*WHERE))
    sandbox.arm("POST", sandbox.resource(*WHERE) + "/config/appsettings/list")
    sandbox.arm("POST", sandbox.resource(*WHERE, "staging") + "/restart", headers={"User-Agent": "me/1"})
    requests.post(sandbox.endpoints["webhook"], json={"event": "x"}, timeout=5)
    # Then the changes alone are entries, with who, what, where and the answer
    entries = [entry for entry in sandbox.journal() if "method" in entry]
    assert [entry["operation"] for entry in entries] == ["restart", "webhook"]
    first = entries[0]
    assert (first["client"], first["slot"], first["status"], first["fault"]) == ("me/1", "staging", 200, None)
    assert first["path"].endswith("/restart")
    assert [entry["n"] for entry in sandbox.journal()] == sorted(entry["n"] for entry in sandbox.journal())
    # And everything is counted
    operations = sandbox.counts()["operations"]
    assert operations["get_site"] == operations["list_app_settings"] == operations["restart"] == 1
    # And filters hold
    assert sandbox.journal(operation="webhook")[0]["service"] == "webhook"
    assert sandbox.journal(since=entries[-1]["n"]) == []


def test_the_journal_keeps_no_secrets(sandbox: SandboxClient) -> None:
    path = sandbox.resource(*WHERE, "staging") + "/config/appsettings"
    held = {"API_KEY": "hush1", "DB_PASSWORD": "hush2", "DB_URL": "postgres://u:hush3@127.0.0.1:1/x"}
    sandbox.arm("PUT", path, json={"properties": held})
    told = json.dumps(sandbox.journal())
    assert "hush" not in told
    assert "127.0.0.1:1/x" in told


def test_a_bad_question_to_the_journal_is_400(sandbox: SandboxClient) -> None:
    answer = requests.get(sandbox.endpoints["control"] + "/sandbox/journal?since=x", timeout=5)
    assert answer.status_code == 400


def test_reset_puts_everything_back_on_the_same_ports(sandbox: SandboxClient) -> None:
    # Given a world that was changed in every way, in the middle of a swap
    sandbox.fault("status_error")
    sandbox.stage("identity", "westeurope", "5.0", "production")
    sandbox.arm("POST", sandbox.resource("catalog", "eastus") + "/stop")
    sandbox.post_swap(*WHERE)
    requests.post(sandbox.endpoints["webhook"], json={"event": "x"}, timeout=5)
    # When it is reset
    sandbox.reset()
    # Then every app is as configured, and nothing is remembered
    assert sandbox.journal() == []
    assert sandbox.faults() == []
    assert sandbox.counts()["requests"] == 0
    assert sandbox.hooks() == {"hooks": []}
    for service, regions in sandbox.state().items():
        for region, slots in regions.items():
            assert slots["operation"] is None
            assert (slots["production"]["build"], slots["staging"]["build"]) == ("2026.11.1", "2026.11.2")
            assert sandbox.get(service, region).json()["build"] == "2026.11.1"
    # And the swap that ran has no effect on the new world
    assert sandbox.swap(*WHERE).status_code == 200
    assert len(sandbox.events("routing_switched")) == 1


def test_the_program_prints_its_configuration() -> None:
    done = run_program("--print-config")
    shown = json.loads(done.stdout)
    assert done.returncode == 0
    assert shown["timings"]["restart"] > 0
    assert shown["services"]["payments"]["regions"]["northeurope"]["slots"]["production"]["settings"][
        "LEDGER_URL"
    ] == ("tcp://{closed}")


def test_the_program_prints_its_faults_as_a_table() -> None:
    done = run_program("--print-faults")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == len(FAULTS) + 2
    assert "| `reply_lost` | arm | " in done.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"sped": 2}', "sped"),
        ('{"timings": {"restart": -1}}', "timings.restart"),
        (
            '{"services": {"payments": {"regions": {"x": {"slots": {"production": {"build": "a b"}}}}}}}',
            "build",
        ),
        ('{"services": 7}', "services"),
        ("[]", "JSON object"),
        ("{", "config.json"),
    ],
)
def test_a_wrong_configuration_is_refused_by_key(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)
    with pytest.raises(ConfigRefused, match=told):
        load_config(file)


def test_the_program_tells_a_wrong_configuration_and_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"sped": 2}')
    done = run_program("--state-dir", str(tmp_path / "state"), "--config", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert "config.json: sped: Extra inputs are not permitted" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state").exists()


def test_two_sandboxes_live_side_by_side_and_a_taken_port_is_told(
    tmp_path: Path, sandbox: SandboxClient
) -> None:
    # Given the port of a door that is open
    taken = sandbox.endpoints["control"].rpartition(":")[2]
    # When another sandbox is told to use it, it ends with a sentence
    done = run_program("--state-dir", str(tmp_path / "one"), "--port-base", taken)
    assert done.returncode == 2
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr
    # And with free ports it runs beside the first
    second = SandboxRun(tmp_path / "two", {"services": {"catalog": None, "identity": None}})
    try:
        assert second.client.get(*WHERE).status_code == 200
        second.client.stage(*WHERE, "7.0", "production")
        assert sandbox.get(*WHERE).json()["build"] == "2026.11.1"
    finally:
        code = second.stop()
    # And its end is clean: exit code 0, no endpoints left to be found
    assert code == 0
    assert not (tmp_path / "two" / "endpoints.json").exists()


def test_the_program_ends_soon_though_a_request_is_in_flight(tmp_path: Path) -> None:
    # Given a request that would take a minute
    run = SandboxRun(tmp_path, {"services": {"catalog": None, "identity": None}})
    failures: list[requests.RequestException] = []

    def call() -> None:
        try:
            run.client.get(*WHERE, "/slow?seconds=60", timeout=30)
        except requests.RequestException as error:
            failures.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    run.client.wait_until(lambda: run.client.state(*WHERE)["production"]["in_flight"] == 1)
    # When the program is asked to end
    started = time.monotonic()
    code = run.stop()
    # Then it does so within seconds, and the client sees a cut answer rather than a good one
    assert (code, time.monotonic() - started < 10) == (0, True)
    caller.join(10)
    assert len(failures) == 1


def test_a_configuration_can_add_a_region_and_slow_builds(tmp_path: Path) -> None:
    # Given a region more, with two instances, and a build that answers 503 long after its start
    no_codes = {"settings": {"WEBSITE_SWAP_WARMUP_PING_STATUSES": None}}
    config = {
        "speed": 10,
        "limits": {"on": False},
        "builds": {"slow-1": {"warm_up": 600}},
        "services": {
            "catalog": None,
            "identity": None,
            "payments": {
                "regions": {
                    "eastus": {"instances": 2, "slots": {"staging": no_codes, "production": no_codes}},
                }
            },
        },
    }
    run = SandboxRun(tmp_path, config)
    try:
        client, where = run.client, ("payments", "eastus")
        # When it is swapped, both instances are
        assert len(client.state(*where)["production"]["instances"]) == 2
        client.swap(*where)
        assert {client.get(*where).json()["build"] for _ in range(4)} == {"2026.11.2"}
        # And with no codes named, any answer of the slow build is taken for warm: clients meet 503
        client.stage(*where, "slow-1")
        assert client.swap(*where).status_code == 200
        assert client.get(*where).status_code == 503
    finally:
        assert run.stop() == 0
