"""Trains and lone releases of the same services, side by side: one waits for the other and says why."""

from __future__ import annotations

from tests.integration.dag_runs import DagRun
from tests.integration.rehearsal import NEW
from tests.integration.trains.conftest import EAST, NORTH, WEST, Yard
from tests.sandbox_client import SandboxClient

LATER = "2026.11.3"


def looks_in_vain(run: DagRun, task: str) -> None:
    """The run does what it can, which is to wait in that task."""
    for _ in range(6):
        run.one()
    assert run.states[task] == "deferred"


def events(yard: Yard, service: str, release: str) -> list[str]:
    record = yard.airflow.ledger(service).release(release)
    assert record is not None
    return [event.text for event in record.events]


def test_a_lone_release_waits_for_the_train(yard: Yard, sandbox: SandboxClient) -> None:
    # Given a train under way
    train = yard.train(regions=[WEST]).go_until(f"{WEST}.payments.swap")
    # When one of its services is released alone
    lone = yard.lone("catalog", regions=[EAST])
    looks_in_vain(lone, "preflight")
    # Then it waits, says for whom, and is not the service's newest release yet
    assert events(yard, "catalog", "CHG-2") == ["waits for train_evening, run CHG-1"]
    assert yard.airflow.ledger("catalog").known() == ["CHG-1"]
    train.go()
    assert train.state == "success", train.errors
    assert sandbox.build("catalog", EAST) != NEW
    # And goes when the train has ended
    assert lone.go().state == "success", lone.errors
    assert events(yard, "catalog", "CHG-2") == ["waits for train_evening, run CHG-1", "its turn has come"]
    assert yard.airflow.ledger("catalog").known() == ["CHG-1", "CHG-2"]
    assert sandbox.build("catalog", EAST) == NEW


def test_a_train_waits_for_each_of_its_services(yard: Yard, sandbox: SandboxClient) -> None:
    first = yard.lone("catalog", "CHG-8", regions=[EAST]).go_until(f"{EAST}.check")
    second = yard.lone("payments", "CHG-9", regions=[NORTH]).go_until(f"{NORTH}.check")
    train = yard.train(regions=[WEST])
    looks_in_vain(train, "turn")
    assert events(yard, "payments", "CHG-1") == ["waits for release_catalog, run CHG-8"]
    first.go()
    looks_in_vain(train, "turn")
    assert events(yard, "payments", "CHG-1")[-1] == "waits for release_payments, run CHG-9"
    # A run that a person ends holds nothing
    second.state = "failed"
    assert train.go().state == "success", train.errors


def test_a_cleared_release_draws_anew(yard: Yard, sandbox: SandboxClient) -> None:
    # Given a train that was halted, its services unlocked, and a lone release that began since
    sandbox.fault(
        "status_dependency_down", where={"service": "catalog", "region": EAST, "slot": "production"}
    )
    train = yard.train(on_failure="halt", regions=[EAST]).go()
    assert train.state == "failed"
    yard.airflow.ledger("catalog").unlock(by="ann", reason="mended", run="unlock-1")
    sandbox.clear_faults()
    lone = yard.lone("catalog", regions=[WEST]).go_until(f"{WEST}.swap")
    # When the train's failed step is cleared / Then it waits for that one, and then goes on
    train.clear(f"{EAST}.catalog.verify")
    looks_in_vain(train, f"{EAST}.catalog.verify")
    assert lone.go().state == "success", lone.errors
    assert train.go().state == "success", train.errors
    assert sandbox.build("catalog", EAST) == NEW
