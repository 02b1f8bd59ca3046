"""Trains on the real Airflow: stopped in region two, undone in one act, and waited for by a lone release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from include.local.api import AirflowApi
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.release import LIMIT_S, Release
from tests.end_to_end.trains_world import EARLY, STOPPED
from tests.end_to_end.world import LEDGER, NEW, NORTH, OLD, WEST
from tests.sandbox_client import SandboxClient


@dataclass(frozen=True)
class TrainRun:
    """A run of a train or of its rollback; each service's part of it can be read like a release's."""

    api: AirflowApi
    sandbox: SandboxClient
    dag: str
    run_id: str
    since: int

    @classmethod
    def start(cls, api: AirflowApi, sandbox: SandboxClient, dag: str, run_id: str, **conf: Any) -> TrainRun:
        api.await_dag(dag, timeout_s=LIMIT_S)
        entries = sandbox.journal()
        api.trigger_run(dag, conf, run_id=run_id)
        return cls(api, sandbox, dag, run_id, entries[-1]["n"] if entries else 0)

    def ended(self) -> str:
        return self.api.await_run(self.dag, self.run_id, timeout_s=LIMIT_S)

    def state_of(self, task: str) -> str | None:
        return self.api.task_state(self.dag, self.run_id, task)

    def verdict(self) -> str:
        return str(self.api.xcom(self.dag, self.run_id, "verdict", key="verdict"))

    def plan(self) -> dict[str, Any]:
        return dict(self.api.xcom(self.dag, self.run_id, "verdict", key="plan"))

    def service(self, name: str) -> Release:
        return Release(self.api, self.sandbox, name, self.run_id, self.since)


@pytest.fixture(scope="module")
def stopped(api: AirflowApi, sandbox: SandboxClient) -> TrainRun:
    """A train whose seats can't work in region two with the new build."""
    for service in ("fares", "seats"):
        for region in (WEST, NORTH):
            sandbox.stage(service, region, LEDGER)
    return TrainRun.start(api, sandbox, f"train_{STOPPED}", "CHG-501", build_fares=LEDGER, build_seats=LEDGER)


@pytest.fixture(scope="module")
def planned(stopped: TrainRun, api: AirflowApi, sandbox: SandboxClient) -> TrainRun:
    """The plan of a train of two services, one after the other; made while another train runs."""
    dag, builds = f"train_{EARLY}", {"build_tickets": NEW, "build_gates": NEW}
    run = TrainRun.start(api, sandbox, dag, "PLAN-502", plan_only=True, **builds)
    assert run.ended() == "success", run.verdict()
    return run


@pytest.fixture(scope="module")
def early(planned: TrainRun, api: AirflowApi, sandbox: SandboxClient) -> TrainRun:
    """That train, bound to its plan."""
    bound = {f"plan_{name}": digits for name, digits in planned.plan()["plans"].items()}
    return TrainRun.start(api, sandbox, planned.dag, "CHG-502", build_tickets=NEW, build_gates=NEW, **bound)


def test_a_plan_of_a_train_touches_nothing(planned: TrainRun) -> None:
    calls = [(call["service"], call["step"]) for call in planned.plan()["calls"]]
    assert calls[:2] == [("tickets", "swap"), ("gates", "swap")]
    for name in ("tickets", "gates"):
        planned.service(name).assert_untouched()
    did = ("turn", f"{WEST}.gates.check", f"{WEST}.gates.swap", f"{WEST}.all-accepted")
    assert [planned.state_of(task) for task in did] == ["success", *["skipped"] * 3]


def test_a_lone_release_waits_for_the_train_and_says_so(
    stopped: TrainRun, early: TrainRun, api: AirflowApi, sandbox: SandboxClient
) -> None:
    # Given a train that is about to release the gates, after the tickets
    swapped = f"{WEST}.tickets.swap"
    wait_for("the train's first lane", lambda: early.state_of(swapped) == "success", timeout_s=LIMIT_S)
    # When the gates are released alone, with the build that staging will hold after the train
    lone = Release.start(api, sandbox, "gates", run_id="CHG-503", build=OLD)
    # Then it waits, and Slack and its log say for whom
    says = f"waits for {early.dag}, run {early.run_id}"
    wait_for("Slack to say why", lambda: any(says in m["text"] for m in lone.messages()))
    assert lone.state_of(f"{WEST}.check") in (None, "scheduled")
    assert early.ended() == "success", early.verdict()
    # And goes when the train has ended
    assert lone.ended() == "success", lone.sentence()
    assert says in api.logs(lone.dag, lone.run_id, "preflight", 1)
    assert lone.builds(WEST) == (OLD, NEW)
    begun = [e["at"] for e in early.service("gates").entries() if e.get("event") == "swap_started"]
    ended = [e["at"] for e in early.service("gates").entries() if e.get("event") == "swap_ended"]
    assert len(begun) == 2 and begun[1] > ended[0]


def test_a_train_stops_in_region_two_and_brings_it_back_for_all(stopped: TrainRun) -> None:
    assert stopped.ended() == "failed"
    for name in ("fares", "seats"):
        release = stopped.service(name)
        # Region two is back for both services, region one keeps the build
        assert release.switches() == [WEST, NORTH, NORTH]
        assert release.builds(WEST) == (LEDGER, OLD)
        assert release.builds(NORTH) == (OLD, LEDGER)
        release.assert_one_region_in_flight()
    # No lane of region two began before region one was done for both
    events = [e for name in ("fares", "seats") for e in stopped.service(name).entries()]
    west = [e["at"] for e in events if e.get("event") == "swap_ended" and e["region"] == WEST]
    north = [e["at"] for e in events if e.get("event") == "swap_started" and e["region"] == NORTH]
    assert max(west) < min(north)
    said = stopped.verdict()
    assert f"the train {STOPPED} stopped" in said and f"seats in {NORTH}: " in said and "ledger" in said


def test_a_train_is_undone_in_one_act(stopped: TrainRun, api: AirflowApi, sandbox: SandboxClient) -> None:
    stopped.ended()
    button = f"rollback_train_{STOPPED}"
    run = TrainRun.start(api, sandbox, button, "back-501", reason="seats are sold twice")
    assert run.ended() == "success", run.verdict()
    for name in ("fares", "seats"):
        assert [run.service(name).builds(region) for region in (WEST, NORTH)] == [(OLD, LEDGER)] * 2
    assert f"the train {STOPPED} is rolled back" in run.verdict()
    # And both services stay locked with the reason
    lone = Release.start(api, sandbox, "fares", build=LEDGER)
    assert lone.ended() == "failed" and "seats are sold twice" in lone.sentence()
