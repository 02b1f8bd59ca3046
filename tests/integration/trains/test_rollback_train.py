"""A train that ended is undone in one act, against the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from include.airlock.dag import PLACES
from include.airlock.errors import Refused
from include.airlock.model.rollback import RollbackRequest
from include.airlock.model.service import Service
from include.airlock.release.rollback import Act
from include.airlock.release.train_back import Passenger, look_at_train
from tests.integration.dag_runs import DagRun
from tests.integration.rehearsal import NEW, OLD
from tests.integration.trains.conftest import EAST, NORTH, WEST, Yard
from tests.integration.trains.test_trains import builds, swaps, verdict
from tests.sandbox_client import SandboxClient


@pytest.fixture
def released(yard: Yard, sandbox: SandboxClient) -> DagRun:
    """A train in all regions, its staging slots not refreshed: the old builds stand by."""
    run = yard.train()
    run.before = lambda task: (_ for _ in ()).throw(AssertionError) if task.startswith("refresh.") else None
    for task in run.dag.task_ids:
        if task.startswith("refresh."):
            run.states[task] = "skipped"
    run.go()
    assert run.state == "success", run.errors
    return run


def test_all_services_are_back_region_by_region(yard: Yard, released: DagRun, sandbox: SandboxClient) -> None:
    # Given a dry look / Then it says of each service how, and touches nothing
    dry = yard.back("look-1", dry=True).go()
    assert dry.state == "success", dry.errors
    assert dry.xcoms["look"].count("at once") == 4 and len(swaps(sandbox)) == 4
    # When the button is pressed
    run = yard.back().go()
    # Then every service is back everywhere, the last region first
    assert run.state == "success", run.errors
    assert builds(sandbox) == [OLD] * 4
    back = swaps(sandbox)[4:]
    assert set(back[:2]) == {("payments", WEST), ("catalog", WEST)}
    assert back[2:] == [("catalog", EAST), ("payments", NORTH)]
    assert verdict(run)["outcome"] == "rolled_back"
    assert str(verdict(run)["sentence"]).startswith("the train evening is rolled back: payments: ")
    # And both services are locked with the reason, and a second press has nothing to undo
    for name in ("payments", "catalog"):
        lock = yard.airflow.ledger(name).lock()
        assert lock is not None and "orders are lost" in lock.reason
    again = yard.back("back-9").go()
    assert again.state == "failed" and "CHG-1 is rolled back already" in str(again.errors["verdict"])


def test_one_service_that_went_on_leaves_all_untouched(
    yard: Yard, released: DagRun, sandbox: SandboxClient
) -> None:
    # Given a train, and a later release of one of its services
    sandbox.stage("catalog", WEST, "2026.11.3")
    assert yard.lone("catalog", build="2026.11.3", regions=[WEST]).go().state == "success"
    before = len(swaps(sandbox))
    # When the train is to be undone / Then it is refused by name, and nothing is touched or locked
    run = yard.back().go()
    assert run.state == "failed"
    assert "catalog: " in str(run.errors["verdict"]) and "CHG-2 has changed" in str(run.errors["verdict"])
    assert len(swaps(sandbox)) == before
    assert [yard.airflow.ledger(name).lock() for name in ("payments", "catalog")] == [None, None]


def test_a_late_refusal_leaves_no_service_locked(yard: Yard, released: DagRun) -> None:
    # Given a release of the second service that begins between its look and its lock
    train, asked = yard.train_of(), []
    late = iter([None, None, None, "CHG-6", "CHG-6"])

    def passenger(service: Service, running: Callable[[], str | None]) -> Passenger:
        return Passenger(service, yard.airflow.ledger(service.service), PLACES["slots"], running)

    payments, catalog = train.services
    aboard = [passenger(payments, lambda: None), passenger(catalog, lambda: asked.append(1) or next(late))]
    wanted = {each.service: RollbackRequest.of(each, {"reason": "late"}) for each in train.services}
    # When the train is to be undone / Then it is refused, and the first one is as it was
    with pytest.raises(Refused, match="catalog: CHG-6 is running"):
        look_at_train(train, aboard, wanted, Act("back-1"))
    assert len(asked) > 1
    for each in aboard:
        record = each.ledger.release("CHG-1")
        assert each.ledger.lock() is None and record is not None and record.rollback is None


def test_nothing_is_undone_while_a_train_or_a_release_runs(
    yard: Yard, released: DagRun, sandbox: SandboxClient
) -> None:
    def refused(run: DagRun) -> Any:
        run.go()
        assert run.state == "failed" and builds(sandbox) == [NEW] * 4
        return str(run.errors["verdict"])

    # Given a train that runs again / Then neither its rollback nor that of a service begins
    sandbox.stage("payments", NORTH, "2026.11.4")
    train = yard.train("CHG-5", regions=[NORTH]).go_until("turn")
    assert "CHG-5 is running" in refused(yard.back())
    assert "CHG-5 is running" in refused(yard.lone_back("payments"))
    train.state = "failed"
    # Nor two rollbacks at once
    other = yard.lone_back("payments", "back-4").go_until("look")
    assert "rollback_payments" in refused(yard.back("back-5"))
    assert other.go().state == "success", other.errors
