"""What the documentation says of AWS is so: its document, its tables of states, floors, faults and proofs."""

from __future__ import annotations

import json
import re

import pytest

from include.airlock.aws import connection as aws_connection
from include.airlock.aws import documents
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.shift_decision import SAMPLE, SURE, shows
from include.airlock.model.loading import load_service, parse_service
from include.airlock.model.service import STRATEGIES, MachineService, RollingService
from include.airlock.strategies import compile_plan
from include.sandbox.fault_kinds import FAULTS
from tests.unit.pages import ROOT, blocks, pieces, said, text


class _Ssm:
    """Answers GetDocument with one block of a page."""

    def __init__(self, content: str) -> None:
        self._content = content

    def get_document(self, **asked: str) -> dict[str, str]:
        kind = {"DocumentType": "Command", "Status": "Active"}
        return {"Name": asked["Name"], "DocumentVersion": "1", "Content": self._content, **kind}

    def get(self, service: str, *, once: bool) -> _Ssm:
        assert (service, once) == ("ssm", False)
        return self


def read(block: str) -> documents.Document:
    """A document as a release would read it."""
    access = AwsAccess("aws_default", "eu-west-1", None, None, _Ssm(block))  # type: ignore[arg-type]
    return documents.read_document(access, "orders-deploy", None)


def test_the_document_shown_takes_what_the_spec_shown_gives_it() -> None:
    """Given the page's document and spec, then a build fits, and one that a shell would read does not."""
    spec, block = blocks("docs/rolling.md", "yaml")
    orders = parse_service(spec, name="orders.yaml")
    assert isinstance(orders, RollingService)
    document = read(block)

    assert documents.faults_of(document, orders.deploy.parameters_for("2026.11.2")) == []
    for build in ("2026.11.2; reboot", "$(reboot)", "2026 11", ""):
        assert documents.faults_of(document, {"Service": ["orders"], "Build": [build]}) != [], build
    # What is substituted into a script's text would be read by the shell; variables are not.
    assert "{{" not in block
    assert "$SSM_Build" in block


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_lanes_are_described_as_they_are(strategy: str) -> None:
    """Each strategy's row in docs/releasing.md names its lanes' steps in their order."""
    example = {"slot_swap": "payments", "rolling": "checkout", "blue_green": "search"}[strategy]
    service = load_service(ROOT / "dags" / "services" / f"{example}.yaml")
    place = service.places[0]
    verbs = [step.verb for step in compile_plan(service) if step.region == place and step.room != "announce"]
    lane = " → ".join(verb for verb in verbs if verb not in ("roll_back", "refresh"))
    (row,) = re.findall(rf"^\| \[?`{strategy}`.*\|$", text("docs/releasing.md"), re.MULTILINE)
    assert row.endswith(f"| {lane} |")
    assert f"`{place}`" in row


def test_every_extra_that_is_read_of_an_aws_connection_is_described() -> None:
    source = (ROOT / "include/airlock/aws/connection.py").read_text(encoding="utf-8")
    read_ones = {*re.findall(r'extra\.get\("(\w+)"', source), "role_arn", "endpoint_url", "service_config"}
    assert read_ones >= {"region_name", "public_scheme", "ca_file"}
    for page in ("README.md", "docs/connections.md"):
        part = re.split(r"AWS \(`conn_type: aws`\)|an AWS region's", text(page))[1]
        assert [key for key in sorted(read_ones) if f"`{key}`" not in part] == [], page


def test_the_aws_connections_shown_are_accepted() -> None:
    page = text("docs/connections.md")
    (exported,) = re.findall(r"AIRFLOW_CONN_AWS_EU_WEST_1='(.*?)'", page, re.DOTALL)
    local = next(block for block in blocks("docs/connections.md", "json") if '"conn_type": "aws"' in block)
    for fields in map(json.loads, (exported, local)):
        access = aws_connection.access_of("aws", fields["login"], fields["password"], fields["extra"])
        assert access.region == "eu-west-1"


ON_AWS = {"arm, aws", "aws", "machine", "group", "command"}


def test_every_fault_of_aws_has_what_a_release_does() -> None:
    """The list in docs/failures.md is written by hand; here it is held against the sandbox's own."""
    page = text("docs/failures.md")
    listed = page.split("<!-- aws-faults:begin -->")[1].split("<!-- aws-faults:end -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| .+ \|$", listed, re.MULTILINE)
    assert sorted(rows) == sorted(name for name, kind in FAULTS.items() if kind.surface in ON_AWS)


@pytest.mark.parametrize("page", ["docs/rolling.md", "docs/blue-green.md"])
def test_what_a_wait_stops_with_is_what_is_said(page: str) -> None:
    """The last column of a turn's and of a switch's states quotes sentences of the product."""
    source = said()
    quoted = [
        words
        for row in re.findall(
            r"^\| (?:guard|drain|deploy|prove|healthy|in service|warm|set) \|.*$", text(page), re.M
        )
        for words in re.findall(r"`([^`]+ [^`]+)`", row.rsplit("|", 2)[1])
    ]
    assert len(quoted) >= 3
    known = [
        piece
        for each in quoted
        for piece in pieces(each.replace("the deploy command failed", "the deploy command"))
    ]
    assert [piece for piece in known if piece not in source] == []


@pytest.mark.parametrize("page", ["docs/rolling.md", "docs/blue-green.md"])
def test_each_key_of_a_spec_named_is_one(page: str) -> None:
    """A word like `drain_timeout` or `deploy.timeout` is a key that the reference knows."""
    reference = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
    keys = set(re.findall(r"^\| \*{0,2}`(\w+)`", reference, re.MULTILINE))
    pattern = (
        r"`((?:deploy|machine|status_page)\.\w+|\w+_(?:timeout|healthy|zone|unavailable|bake|group|after))`"
    )
    named = {word.rpartition(".")[2] for word in re.findall(pattern, text(page))}
    assert named
    assert named <= keys, named - keys


def test_the_numbers_of_a_proof_by_answers_are_those_used() -> None:
    for page in ("docs/blue-green.md", "docs/adr/0013-weights-by-answers.md"):
        assert f"{SURE} answers in a row" in text(page), page
        assert f"{SAMPLE} answers" in text(page), page
    taken = [k for k in range(SAMPLE + 1) if shows([True] * k + [False] * (SAMPLE - k), 10)]
    assert f"{min(taken)} to {max(taken)} of {SAMPLE} answers" in text("docs/blue-green.md")


def test_the_floors_shown_are_those_that_are_kept() -> None:
    """Each row of the capacity table whose machines are all healthy or one short of it."""
    rolling = parse_service(blocks("docs/rolling.md", "yaml")[0], name="orders.yaml")
    assert isinstance(rolling, RollingService)
    rows = re.findall(r"^\| (\d)(.*?) \| (\d) \| (\S+) \| (yes|no)\b", text("docs/rolling.md"), re.MULTILINE)
    assert len(rows) == 8
    for size, state, out, least, answer in rows:
        update = {"max_unavailable": int(out), "min_healthy": None if least == "–" else int(least)}
        floor = rolling.model_copy(update=update).floor(int(size))
        others = int(size) - 1 - ("sick" in state)
        assert (others >= floor) is (answer == "yes"), (size, state, out, least)


def test_every_policy_of_machines_is_described() -> None:
    for page, strategy in (("docs/rolling.md", "rolling"), ("docs/blue-green.md", "blue_green")):
        model = STRATEGIES[strategy]
        assert issubclass(model, MachineService)
        words = [policy.value for policy in model.policies]
        assert re.findall(r"^\| `(halt|roll_back\w+|ask)` \|", text(page), re.MULTILINE) == words
