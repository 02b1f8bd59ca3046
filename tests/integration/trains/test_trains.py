"""Trains against the sandbox: in order, refused, stopped, brought back, and gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from include.airlock.azure.place import SlotPlace
from include.airlock.errors import NotApproved, Refused, Unreachable, WindowClosed
from include.airlock.model.approvals import Approvals, Before
from include.airlock.model.record import Outcome, Phase, RegionRecord
from include.airlock.release.approve import ApproveOperator
from include.airlock.release.run import ReleaseRun
from tests.integration.dag_runs import DagRun
from tests.integration.rehearsal import NEW, OLD
from tests.integration.trains.conftest import EAST, NORTH, WEST, Yard, service
from tests.sandbox_client import SandboxClient

PLACES = [("payments", NORTH), ("catalog", EAST), ("payments", WEST), ("catalog", WEST)]
SICK = {"service": "catalog", "region": WEST, "slot": "production"}


def builds(sandbox: SandboxClient) -> list[str]:
    """What production runs, in the order of PLACES."""
    return [sandbox.build(service, region) for service, region in PLACES]


def swaps(sandbox: SandboxClient) -> list[tuple[str, str]]:
    """Where a swap was asked for, in order."""
    return [(entry["service"], entry["region"]) for entry in sandbox.requests_of("swap")]


def verdict(run: DagRun) -> Mapping[str, Any]:
    found: Mapping[str, Any] = run.xcoms["verdict/verdict"]
    return found


def stopped_in_the_west(yard: Yard, sandbox: SandboxClient, policy: str) -> DagRun:
    """A train whose catalog turns sick in the last region, which both services are in, with the new build."""
    run = yard.train(on_failure=policy)
    run.go_until(f"{WEST}.catalog.swap")
    sandbox.fault("status_dependency_down", where=SICK)
    run.before = lambda task: sandbox.clear_faults() if task == f"{WEST}.all-accepted" else None
    return run.go()


def test_a_train_goes_region_by_region(yard: Yard, sandbox: SandboxClient) -> None:
    run = yard.train(change_request="CHG-1", reason="the new fees").go()
    assert run.state == "success", run.errors
    # Every region for all its services before the next, staging refreshed at last
    assert swaps(sandbox)[:2] == PLACES[:2] and set(swaps(sandbox)[2:]) == set(PLACES[2:])
    assert builds(sandbox) == [NEW] * 4
    last_bake = max(index for index, step in enumerate(run.order) if step.endswith(".bake"))
    assert all(run.order.index(step) > last_bake for step in run.order if step.startswith("refresh."))
    # Each service's ledger tells of it, with the train's name and its DAG
    for name in ("payments", "catalog"):
        ledger = yard.airflow.ledger(name)
        record = ledger.release("CHG-1")
        assert record is not None and ledger.known() == ["CHG-1"] and ledger.lock() is None
        assert (record.train, record.dag, record.outcome) == ("evening", "train_evening", Outcome.RELEASED)
        assert (record.reason, record.change_request) == ("the new fees", "CHG-1")
    assert verdict(run)["outcome"] == "released" and set(verdict(run)["services"]) == {"payments", "catalog"}


def test_params_that_can_not_be_used_are_said_in_the_verdict(yard: Yard, sandbox: SandboxClient) -> None:
    run = yard.train(on_failure="pray").go()
    assert run.state == "failed" and swaps(sandbox) == []
    said = "can't release the train evening: on_failure: 'pray' is not valid"
    assert said in str(run.errors["verdict"]) and said in str(run.errors["turn"])


def test_one_refused_service_leaves_all_untouched(yard: Yard, sandbox: SandboxClient) -> None:
    sandbox.stage("catalog", WEST, "2026.10.9")
    run = yard.train().go()
    assert run.state == "failed" and swaps(sandbox) == []
    said = str(run.errors["verdict"])
    assert said.startswith("the train evening was refused: catalog: ") and "2026.10.9" in said
    record = yard.airflow.ledger("payments").release("CHG-1")
    assert record is not None and record.outcome is Outcome.REFUSED
    assert "the train evening was refused: catalog" in str(record.sentence)


@pytest.mark.parametrize(
    ("policy", "left", "way_back"),
    [
        ("roll_back_region", [NEW, NEW, OLD, OLD], [{("payments", WEST), ("catalog", WEST)}]),
        (
            "roll_back_release",
            [OLD] * 4,
            [{("payments", WEST), ("catalog", WEST)}, {("catalog", EAST)}, {("payments", NORTH)}],
        ),
        ("halt", [NEW] * 4, []),
    ],
)
def test_a_failure_is_one_for_all_services(
    yard: Yard, sandbox: SandboxClient, policy: str, left: list[str], way_back: list[set[tuple[str, str]]]
) -> None:
    # Given a train of which one service fails in the last region, where the other one is accepted
    run = stopped_in_the_west(yard, sandbox, policy)
    # Then the policy holds for both, region by region in reverse
    assert run.state == "failed"
    assert builds(sandbox) == left, run.errors
    back = swaps(sandbox)[4:]
    for together in way_back:
        assert set(back[: len(together)]) == together
        back = back[len(together) :]
    assert back == []
    # And each verdict says why, also that of the service that did nothing wrong
    said = str(run.errors["verdict"])
    assert "the train evening stopped" in said and "not connected: 'database'" in said
    locks = [yard.airflow.ledger(name).lock() for name in ("payments", "catalog")]
    kinds = [lock.kind if lock else None for lock in locks]
    assert kinds == ([None, "in_flight"] if policy == "halt" else ["rolled_back"] * 2)
    record = yard.airflow.ledger("payments").release("CHG-1")
    assert record is not None
    assert record.outcome is (Outcome.RELEASED if policy == "halt" else Outcome.ROLLED_BACK)
    assert policy == "halt" or f"stopped in {WEST}: catalog in {WEST}" in str(record.sentence)


def test_a_way_back_of_all_goes_on_where_it_was_broken_off(
    yard: Yard, sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a cloud that is away once while a region done before is brought back
    bring_back, away = SlotPlace.bring_back, [EAST, NORTH]

    def at_times(self: SlotPlace, *args: Any, **more: Any) -> Any:
        if self.name in away:
            away.remove(self.name)
            raise Unreachable("no answer")
        return bring_back(self, *args, **more)

    monkeypatch.setattr(SlotPlace, "bring_back", at_times)
    # When a train fails in its last region
    run = stopped_in_the_west(yard, sandbox, "roll_back_release")
    # Then all are back all the same
    assert builds(sandbox) == [OLD] * 4 and away == [], run.errors
    assert run.states["roll_back_earlier"] == "success"


def test_a_train_goes_on_when_it_is_mended(yard: Yard, sandbox: SandboxClient) -> None:
    # Given a train that was rolled back in its last region
    run = stopped_in_the_west(yard, sandbox, "roll_back_region")
    # When both services are unlocked and their lanes there cleared
    for name in ("payments", "catalog"):
        yard.airflow.ledger(name).unlock(by="ann", reason="mended", run="unlock-1")
    run.clear(f"{WEST}.payments.check", f"{WEST}.catalog.check")
    # Then it goes on from there
    assert run.go().state == "success", run.errors
    assert builds(sandbox) == [NEW] * 4
    assert len(swaps(sandbox)) == 8


def test_a_cleared_step_asks_the_ledgers_of_all_services(yard: Yard, sandbox: SandboxClient) -> None:
    # Given a train that stopped before its last region
    sandbox.fault(
        "status_dependency_down", where={"service": "catalog", "region": EAST, "slot": "production"}
    )
    run = yard.train(on_failure="halt").go()
    assert run.state == "failed" and len(swaps(sandbox)) == 2
    # When a person forces the other service's next step / Then it is refused
    run.clear()
    task = run.dag.get_task(f"{WEST}.payments.check")
    with pytest.raises(Refused, match=f"catalog is not accepted in {EAST}"):
        task.execute(run.context(task))
    with pytest.raises(Refused, match="catalog is not accepted"):
        task = run.dag.get_task(f"refresh.payments.{NORTH}")
        for name in (NORTH, WEST):
            region = yard.airflow.ledger("payments").region("CHG-1", name)
            region.phase = Phase.ACCEPTED
            yard.airflow.ledger("payments").save_region("CHG-1", region)
        task.execute(run.context(task))


def test_a_service_that_is_not_asked_for_takes_no_part(yard: Yard, sandbox: SandboxClient) -> None:
    run = yard.train(regions=[NORTH]).go()
    assert run.state == "success", run.errors
    assert swaps(sandbox) == [("payments", NORTH)]
    assert set(verdict(run)["services"]) == {"payments"}
    assert yard.airflow.ledger("catalog").known() == []
    assert run.states["preflight.catalog"] == run.states["tell.catalog.end"] == "skipped"


def test_only_the_asked_regions_and_one_after_the_other(yard: Yard, sandbox: SandboxClient) -> None:
    run = yard.train(more={"parallel": False}, regions=[WEST]).go()
    assert run.state == "success", run.errors
    assert swaps(sandbox) == [("payments", WEST), ("catalog", WEST)]
    assert run.order.index(f"{WEST}.catalog.check") > run.order.index(f"{WEST}.payments.bake")


def test_a_run_id_stands_for_one_release(yard: Yard, sandbox: SandboxClient) -> None:
    # Given a train that released both services
    assert yard.train().go().state == "success"
    before = yard.airflow.ledger("payments").release("CHG-1")
    # When somebody releases another build of one of them alone, by the change request that they had
    run = yard.lone("payments", "CHG-1", build="2026.11.3").go()
    # Then it is refused in words, and the train's release stays what it was
    assert run.state == "failed" and builds(sandbox) == [NEW] * 4
    said = "the run id CHG-1 stands for another release of payments already: 2026.11.2 by train_evening"
    assert said in str(run.errors["preflight"]) and said in str(run.errors["verdict"])
    assert yard.airflow.ledger("payments").release("CHG-1") == before


@pytest.mark.parametrize("parallel", [True, False])
def test_a_closed_window_brings_nothing_back(
    yard: Yard, sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch, parallel: bool
) -> None:
    # Given three services in the last region, the one in the middle outside its window
    def closed(run: ReleaseRun, region: RegionRecord) -> None:
        if (run.service.service, region.name) == ("payments", WEST):
            raise WindowClosed("it opens on Tuesday")

    monkeypatch.setattr("include.airlock.release.lane.hold", closed)
    payments, catalog = yard.services
    identity = service("identity", WEST).model_copy(update={"approvals": None})
    yard.services = (catalog, payments, identity)
    run = yard.train(more={"parallel": parallel}).go()
    # Then the train ends there, and what is accepted stays
    assert run.state == "failed" and "it opens on Tuesday" in str(run.errors["verdict"])
    assert builds(sandbox) == [NEW, NEW, OLD, NEW]
    assert sandbox.build("identity", WEST) == (NEW if parallel else OLD)
    assert [yard.airflow.ledger(each.service).lock() for each in yard.services] == [None] * 3


def test_a_no_to_one_service_is_said_by_all(
    yard: Yard, sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a train of which one service asks for an approval, and somebody who says no
    def no(self: ApproveOperator, context: Any) -> None:
        self.note_failure(self.open(context), NotApproved("not tonight"))
        raise NotApproved("not tonight")

    monkeypatch.setattr(ApproveOperator, "execute", no)
    payments, catalog = yard.services
    asking = Approvals(before=(Before.RELEASE,))
    yard.services = (payments, catalog.model_copy(update={"approvals": asking}))
    run = yard.train().go()
    # Then nothing is touched, and each service's verdict says why
    assert builds(sandbox) == [OLD] * 4
    assert str(run.errors["verdict"]) == "the train evening was refused: catalog: not tonight"
    record = yard.airflow.ledger("payments").release("CHG-1")
    assert record is not None and "catalog: not tonight" in str(record.sentence)
