"""A train is planned before it goes: nothing is touched, and each service can be bound to its plan."""

from __future__ import annotations

from typing import Any

from include.airlock.model.record import Outcome
from tests.integration.dag_runs import DagRun
from tests.integration.rehearsal import NEW, OLD
from tests.integration.trains.conftest import EAST, NORTH, Yard
from tests.integration.trains.test_trains import PLACES, builds, swaps, verdict
from tests.sandbox_client import SandboxClient


def planned(yard: Yard, **conf: Any) -> DagRun:
    return yard.train("CHG-1-plan", plan_only=True, **conf).go()


def hashes(run: DagRun) -> dict[str, str]:
    return {f"plan_{name}": digits for name, digits in run.xcoms["verdict/plan"]["plans"].items()}


def test_a_plan_touches_nothing_and_says_each_call_in_order(yard: Yard, sandbox: SandboxClient) -> None:
    run = planned(yard)
    assert run.state == "success", run.errors
    assert (swaps(sandbox), builds(sandbox)) == ([], [OLD] * 4)
    assert verdict(run)["outcome"] == Outcome.PLANNED
    # Region by region, all services of one before the next, staging at last
    plan = run.xcoms["verdict/plan"]
    told = [(call["service"], call["place"], call["step"]) for call in plan["calls"]]
    assert told[: len(PLACES)] == [(name, region, "swap") for name, region in PLACES]
    assert {step for _, _, step in told[len(PLACES) :]} == {"refresh"}
    assert [call["n"] for call in plan["calls"]] == list(range(1, len(told) + 1))
    # It is no release: no turn, no lock, no say in what was released
    for name in ("payments", "catalog"):
        ledger = yard.airflow.ledger(name)
        assert (ledger.known(), ledger.lock()) == ([], None)
        assert run.xcoms[f"preflight.{name}/plan"]["hash"] == plan["plans"][name]


def test_a_plan_waits_for_nobody(yard: Yard) -> None:
    """Given a release that has the turn of one of its services, then the train is planned beside it."""
    yard.lone("payments", "CHG-9").go_until(f"{NORTH}.check")
    run = planned(yard, regions=[EAST])
    assert run.state == "success", run.errors


def test_a_train_does_what_was_planned(yard: Yard, sandbox: SandboxClient) -> None:
    plan = planned(yard)
    run = yard.train("CHG-1", **hashes(plan)).go()
    assert run.state == "success", run.errors
    calls = [call for call in plan.xcoms["verdict/plan"]["calls"] if call["step"] == "swap"]
    assert swaps(sandbox)[:2] == [(call["service"], call["place"]) for call in calls][:2]
    assert builds(sandbox) == [NEW] * 4


def test_a_world_that_drifted_stops_the_whole_train(yard: Yard, sandbox: SandboxClient) -> None:
    plan = planned(yard)
    sandbox.stage("catalog", EAST, "2026.11.3")
    run = yard.train("CHG-1", **hashes(plan)).go()
    assert run.state == "failed" and swaps(sandbox) == []
    said = verdict(run)["sentence"]
    assert f"not as plan {hashes(plan)['plan_catalog']} has it" in said
    assert f"{EAST}: staging held {NEW}, now holds 2026.11.3" in said


def test_what_would_be_refused_is_named_for_each_service(yard: Yard, sandbox: SandboxClient) -> None:
    sandbox.stage("catalog", EAST, "2026.9.1")
    run = planned(yard)
    assert (run.state, verdict(run)["outcome"]) == ("failed", Outcome.REFUSED)
    assert "would be refused" in verdict(run)["sentence"] and "2026.9.1" in verdict(run)["sentence"]
    assert swaps(sandbox) == []
