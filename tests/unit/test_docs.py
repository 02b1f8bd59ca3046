"""The documentation says what is so: its examples work, its commands and names exist, its lists are fresh.

``python -m tests.unit.test_docs`` writes the generated list of faults into docs/sandbox.md.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from ruamel.yaml import YAML

from include.airlock.azure.connection import access_of
from include.airlock.model.change_request import KEYS, ChangeRequest
from include.airlock.model.loading import load_service, parse_service
from include.airlock.model.record import Outcome
from include.airlock.model.service import OnFailure
from include.sandbox.config import make_config
from include.sandbox.fault_kinds import fault_table
from tests.sandbox_client import SandboxRun
from tests.unit.pages import BY_NAME, ROOT, all_blocks, blocks, curls, pieces, said, text

BEGIN, END = "<!-- faults:begin -->\n", "<!-- faults:end -->"


# --- specs and DAG files


# A document of Systems Manager has a schemaVersion (see test_docs_aws), a train starts so (test_docs_trains).
NO_SPECS = re.compile("schemaVersion|^train: ", re.MULTILINE)
SPECS = [shown for shown in all_blocks("yaml") if not NO_SPECS.search(shown.values[0])]


@pytest.mark.parametrize("block", SPECS)
def test_each_spec_shown_is_one(block: str) -> None:
    spec = YAML(typ="safe", pure=True).load(block)
    assert parse_service(block, name=f"{spec['service']}.yaml").service == spec["service"]


def test_the_quick_start_makes_a_dag(tmp_path: Path) -> None:
    """Given the README's spec and DAG file, when Airflow imports them, then the release has its steps."""
    spec = blocks("README.md", "yaml")[0]
    (dag_file,) = blocks("README.md", "python")
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "orders.yaml").write_text(spec, encoding="utf-8")
    file = tmp_path / "release_orders.py"
    file.write_text(dag_file, encoding="utf-8")

    names: dict[str, Any] = {"__file__": str(file), "__name__": "release_orders"}
    exec(compile(dag_file, str(file), "exec"), names)

    assert names["dag"].dag_id == "release_orders"
    assert {"preflight", "westeurope.swap", "northeurope.bake", "verdict"} <= set(names["dag"].task_ids)
    # Airflow skips a file without these two words, and says nothing.
    assert {"airflow", "dag"} <= set(re.findall(r"\w+", dag_file.lower()))


@pytest.mark.parametrize("block", all_blocks("python"))
def test_each_python_example_is_python(block: str) -> None:
    ast.parse(block)


# --- commands


@cache
def targets() -> set[str]:
    return set(re.findall(r"^([a-z_]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", BY_NAME)
def test_each_make_target_named_exists(page: str) -> None:
    code = "\n".join(re.findall(r"`([^`\n]+)`", text(page)) + blocks(page, "bash"))
    named = set(re.findall(r"\bmake ([a-z_]+)", code))
    assert named <= targets(), named - targets()


@pytest.mark.parametrize("page", BY_NAME)
def test_each_module_run_by_a_command_exists_and_knows_the_options(page: str) -> None:
    for module, rest in re.findall(r"python -m ([\w.]+)([^`\n|]*)", text(page)):
        spec = importlib.util.find_spec(module)
        assert spec is not None, module
        if options := set(re.findall(r"--[a-z-]+", rest)):
            helped = subprocess.run(
                [sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
            )
            assert options <= set(re.findall(r"--[a-z-]+", helped.stdout)), (module, options)


@pytest.mark.parametrize("page", BY_NAME)
def test_each_path_named_exists(page: str) -> None:
    """Paths of the project in code; a name in <> or the quick start's own service stands for the reader's."""
    named = re.findall(r"`((?:include|tests|docs|dags|plugins)/[\w./-]+)`", text(page))
    own = {"dags/services/orders.yaml", "dags/release_orders.py"}
    missing = [path for path in named if path not in own and not (ROOT / path).exists()]
    assert not missing, missing


@pytest.mark.parametrize("block", all_blocks("bash"))
def test_each_shell_example_is_shell(block: str) -> None:
    subprocess.run(["bash", "-n"], input=block, text=True, check=True)


# --- Airflow's REST API


@cache
def airflow_paths() -> list[tuple[str, re.Pattern[str]]]:
    """Method and path pattern of everything that Airflow's public API serves, from its own description."""
    import airflow

    folder = Path(airflow.__file__).parent / "api_fastapi" / "core_api" / "openapi"
    # By the C parser, since it has 16 000 lines.
    text_of_api = (folder / "v2-rest-api-generated.yaml").read_text(encoding="utf-8")
    described = yaml.load(text_of_api, Loader=yaml.CSafeLoader)
    return [
        (method.upper(), re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path))))
        for path, methods in described["paths"].items()
        for method in methods
    ]


@pytest.mark.parametrize("page", ["README.md", "docs/releasing.md"])
def test_the_calls_of_airflow_are_calls_it_knows(page: str) -> None:
    calls = curls(page)
    assert len(calls) >= 2
    for method, url, body in calls:
        path = urlsplit(url.removeprefix("$AIRFLOW")).path
        if path == "/auth/token":
            assert (method, body) == ("POST", None), "a password is no argument"
            continue
        assert any(known == method and pattern.fullmatch(path) for known, pattern in airflow_paths()), path


@pytest.mark.parametrize("page", ["README.md", "docs/releasing.md"])
def test_what_the_calls_ask_for_can_be_asked_for(page: str) -> None:
    payments = load_service(ROOT / "dags" / "services" / "payments.yaml")
    asked = [(url, body) for _, url, body in curls(page) if body and "conf" in body]
    assert asked
    for url, body in asked:
        if "release_payments" in url:
            assert ChangeRequest.of(payments, body["conf"]).build == body["conf"]["build"]
        else:
            assert "airlock_unlock" in url
            assert set(body["conf"]) == {"service", "reason"}


def test_every_param_and_outcome_is_described() -> None:
    page = text("docs/releasing.md")
    words = [*KEYS, *(each.value for each in OnFailure)]
    words += [each.value for each in Outcome if each is not Outcome.RUNNING]
    assert [word for word in words if f"`{word}`" not in page] == []


# --- connections


def test_every_extra_that_is_read_is_described() -> None:
    source = (ROOT / "include/airlock/azure/connection.py").read_text(encoding="utf-8")
    read = set(re.findall(r'extra\.get\("(\w+)"', source))
    assert read >= {"tenantId", "subscriptionId", "ca_file"}
    for page in ("README.md", "docs/connections.md"):
        assert [key for key in sorted(read) if f"`{key}`" not in text(page)] == [], page


def test_the_connections_shown_are_accepted() -> None:
    """Given the page's two Azure connections, then both can be read, and the second leads elsewhere."""
    page = text("docs/connections.md")
    (exported,) = re.findall(r"AIRFLOW_CONN_AZURE_WESTEUROPE='(.*?)'", page, re.DOTALL)
    local = next(block for block in blocks("docs/connections.md", "json") if '"conn_type": "azure"' in block)
    shown = [json.loads(exported), json.loads(local)]
    for fields in shown:
        fields["extra"]["subscriptionId"] = fields["extra"]["subscriptionId"].strip("<>")
    public, own = (access_of("azure", each["login"], each["password"], each["extra"]) for each in shown)

    assert public.endpoint == "https://management.azure.com"
    assert (own.endpoint, own.authority) == ("https://127.0.0.1:18001", "https://127.0.0.1:18002")


def test_each_connection_that_an_example_names_is_there_to_be_filled_in() -> None:
    """Given the specs shipped, then airflow_settings.yaml has their connections, each of a kind described."""
    settings = yaml.safe_load((ROOT / "airflow_settings.yaml").read_text(encoding="utf-8"))
    there = {each["conn_id"]: each for each in settings["airflow"]["connections"]}
    specs = "".join(spec.read_text(encoding="utf-8") for spec in (ROOT / "dags" / "services").glob("*.yaml"))
    named = set(re.findall(r"connection: ?([\w.-]+)", specs))
    assert named
    assert named == set(there)
    for name, fields in there.items():
        assert f"`conn_type: {fields['conn_type']}`" in text("docs/connections.md"), name
        described = set(re.findall(r"extra `(\w+)`", text("docs/connections.md")))
        assert set(fields.get("conn_extra", {})) <= described
        assert not fields.get("conn_password"), "a secret in the project"


def test_the_role_and_its_table_name_the_same_rights() -> None:
    role = next(block for block in blocks("docs/connections.md", "json") if "Actions" in block)
    granted = {action.removeprefix("Microsoft.Web/sites/") for action in json.loads(role)["Actions"]}
    rows = re.findall(r"^\| (`[^|]*(?:Read|Action|Write)`) \|", text("docs/connections.md"), re.MULTILINE)
    explained = {right for row in rows for right in re.findall(r"`([^`]+)`", row)}
    assert granted == explained


@pytest.mark.parametrize(
    ("call", "rights"),
    [
        ("/slotsswap", {"slots/slotsswap/Action"}),
        ("/resetSlotConfig", {"slots/resetSlotConfig/Action", "resetSlotConfig/Action"}),
        ("/slotsdiffs", {"slots/slotsdiffs/Action"}),
        ("/config/web", {"config/Read", "slots/config/Read", "slots/config/Write"}),
        ("/config/slotConfigNames", {"config/Read"}),
        ("/config/appsettings/list", {"config/list/Action", "slots/config/list/Action"}),
        ("/extensions/onedeploy", {"slots/extensions/Write"}),
    ],
)
def test_each_call_has_its_right(call: str, rights: set[str]) -> None:
    assert call in (ROOT / "include/airlock/azure/sites.py").read_text(encoding="utf-8")
    assert rights <= set(re.findall(r"`([\w/]+)`", text("docs/connections.md")))


def test_there_is_no_call_without_a_right() -> None:
    """A new path in sites.py has to be added to the role, and to the test above."""
    source = (ROOT / "include/airlock/azure/sites.py").read_text(encoding="utf-8")
    known = {"slotsswap", "resetSlotConfig", "slotsdiffs", "config/web", "config/appsettings/list"}
    known |= {"extensions/onedeploy", "config/slotConfigNames"}
    assert set(re.findall(r'\{(?:self\._slot|self\._site|path)\}/([\w/]+)"', source)) == known


# --- failures, settings


def test_each_sentence_shown_is_one_that_is_said() -> None:
    source = said()
    shown = re.findall(r"^\| `([^|]*?)`", text("docs/failures.md").split("## What you see")[1], re.MULTILINE)
    assert len(shown) > 10
    missing = [piece for each in shown for piece in pieces(each) if piece not in source]
    assert missing == []


def test_every_setting_is_described_and_every_described_one_is_read() -> None:
    product = "".join(each.read_text(encoding="utf-8") for each in (ROOT / "include").rglob("*.py"))
    tests = "".join(each.read_text(encoding="utf-8") for each in (ROOT / "tests").rglob("*.py"))
    read = {*re.findall(r'"(AIRLOCK_[A-Z_]+)"', product)}
    read |= {*re.findall(r'environ\.get\("(AIRLOCK_[A-Z_]+)"', tests)}
    pages = text("docs/local.md") + text("docs/command-line.md")
    assert set(re.findall(r"`(AIRLOCK_[A-Z_]+)`", pages)) == read


# --- the sandbox


def test_the_list_of_faults_is_fresh() -> None:
    page = text("docs/sandbox.md")
    assert page.split(BEGIN)[1].split(END)[0] == f"{fault_table()}\n", "run python -m tests.unit.test_docs"


def test_the_sandbox_takes_the_configuration_shown() -> None:
    (block,) = blocks("docs/sandbox.md", "json")
    config = make_config(json.loads(block))
    assert config.services["orders"].regions["westeurope"].instances == 2


@pytest.fixture(name="sandbox", scope="module")
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    run = SandboxRun(tmp_path_factory.mktemp("sandbox"), {"speed": 10})
    yield run
    run.stop()


def test_the_door_answers_each_call_shown(sandbox: SandboxRun) -> None:
    """Given a sandbox, when the page's calls are made in their order, then each is answered well."""
    calls = [call for call in curls("docs/sandbox.md") if call[1].startswith("$CONTROL")]
    assert len(calls) > 10
    for method, url, body in calls:
        address = url.replace("$CONTROL", sandbox.client.endpoints["control"])
        answer = requests.request(method, address, json=body, timeout=10)
        assert answer.status_code < 300, (url, answer.text)


def test_azure_mgmt_web_swaps_as_shown(sandbox: SandboxRun) -> None:
    """Given a sandbox, when the page's example runs against it, then the traffic has moved."""
    block = next(block for block in blocks("docs/sandbox.md", "python") if "begin_swap_slot" in block)
    ca_file = Path(sandbox.client.ca_file)
    known = str(ca_file.with_name("endpoints.json"))
    sandbox.client.reset()
    exec(block.replace(".airlock/sandbox/sandbox/endpoints.json", known), {})
    assert sandbox.client.status("payments", "uksouth")["build"] == "2026.11.2"


def write() -> None:
    """Write the generated list into docs/sandbox.md."""
    page = text("docs/sandbox.md")
    before, rest = page.split(BEGIN)
    after = rest.split(END, 1)[1]
    BY_NAME["docs/sandbox.md"].write_text(f"{before}{BEGIN}{fault_table()}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    write()
