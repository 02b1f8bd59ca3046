"""The example specs read the sandbox's pages, good and faulty, through its public hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from include.airlock.model.health import Healthy, Inconclusive, Unhealthy, assess, in_words
from include.airlock.model.loading import load_service
from include.airlock.model.status_page import PatternPage
from include.airlock.model.verdict import Verdict
from include.airlock.status.probe import fetch, status_url
from tests.sandbox_client import SandboxClient

SERVICES = Path(__file__).resolve().parents[3] / "dags" / "services"
PRODUCTION = {"service": "payments", "region": "westeurope", "slot": "production"}
ALL = [
    (name, region.name)
    for name in ("payments", "catalog", "identity")
    for region in load_service(SERVICES / f"{name}.yaml").regions
]


def verdict(
    sandbox: SandboxClient,
    name: str,
    region: str,
    slot: str,
    build: str,
    *,
    timeout: float = 5.0,
    **changes: Any,
) -> Verdict:
    page = load_service(SERVICES / f"{name}.yaml").status_page.model_copy(update=changes)
    host = urlsplit(sandbox.region(name, region)[slot]).netloc
    url = status_url(host, "https", page.path)
    answer = fetch(url, timeout=timeout, ca_file=sandbox.endpoints["ca_file"])
    return assess(answer, page, build)


@pytest.mark.parametrize(("name", "region"), ALL)
def test_each_example_reads_its_slots(sandbox: SandboxClient, name: str, region: str) -> None:
    """Given the sandbox at its start, then both slots are Healthy with the builds they hold."""
    assert verdict(sandbox, name, region, "production", "2026.11.1") == Healthy("2026.11.1")
    assert verdict(sandbox, name, region, "staging", "2026.11.2") == Healthy("2026.11.2")


@pytest.mark.parametrize("name", ["payments", "catalog"])
def test_the_build_is_what_answers(sandbox: SandboxClient, name: str) -> None:
    sandbox.stage(name, "westeurope", "2026.11.4", "production")
    assert verdict(sandbox, name, "westeurope", "production", "2026.11.4") == Healthy("2026.11.4")
    wrong = verdict(sandbox, name, "westeurope", "production", "2026.11.2")
    assert in_words(wrong) == "unhealthy: build 2026.11.4 answers, not 2026.11.2"


FAULTS = [
    ("status_wrong_build", Unhealthy),
    ("status_dependency_down", Unhealthy),
    ("status_huge", Inconclusive),
    ("status_not_json", Inconclusive),
    ("status_redirect", Inconclusive),
    ("status_error", Inconclusive),
    ("status_empty_dependencies", Inconclusive),
    ("status_missing_build", Inconclusive),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS)
@pytest.mark.parametrize("name", ["payments", "catalog"])
def test_no_fault_of_a_page_is_healthy(sandbox: SandboxClient, name: str, fault: str, kind: type) -> None:
    sandbox.fault(fault, where={**PRODUCTION, "service": name})
    assert isinstance(verdict(sandbox, name, "westeurope", "production", "2026.11.1"), kind)
    assert verdict(sandbox, name, "westeurope", "staging", "2026.11.2") == Healthy("2026.11.2")


def test_a_slow_page_is_inconclusive(sandbox: SandboxClient) -> None:
    sandbox.fault("status_slow", where=PRODUCTION, delay=5)
    found = verdict(sandbox, "payments", "westeurope", "production", "2026.11.1", timeout=0.5)
    assert found == Inconclusive(("no complete answer in time (0.5 s)",))


def test_a_flapping_page_is_sometimes_bad(sandbox: SandboxClient) -> None:
    sandbox.fault("status_flapping", where=PRODUCTION)
    kinds = {type(verdict(sandbox, "payments", "westeurope", "production", "2026.11.1")) for _ in range(10)}
    assert Healthy in kinds
    assert len(kinds) > 1


def test_the_plain_text_page_is_read_too(sandbox: SandboxClient) -> None:
    page = PatternPage(
        path="/status.txt",
        format="text",
        build=r"(?m)^build: (?P<build>.+)$",
        health=r"(?m)^state: (?P<health>.+)$",
        dependencies=r"(?m)^dependency (?P<name>\S+): (?P<state>.+)$",
    )
    host = urlsplit(sandbox.region("payments", "westeurope")["production"]).netloc
    answer = fetch(status_url(host, "https", page.path), ca_file=sandbox.endpoints["ca_file"])
    assert assess(answer, page, "2026.11.1") == Healthy("2026.11.1")
