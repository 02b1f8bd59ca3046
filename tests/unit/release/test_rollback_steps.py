"""The operators of a rollback within Airflow's context: dry, refused, done; what Airflow is asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowRuntimeError, AirflowSkipException, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse

from include.airlock.announce.rollback import TellBackOperator
from include.airlock.errors import Locked, Refused, ReleaseFailed, RequestError
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.loading import load_service
from include.airlock.model.record import Phase, RegionRecord, ReleaseRecord, Side, SwapIntent, SwapPhase
from include.airlock.model.rollback import Outlook, Way
from include.airlock.model.service import OnFailure
from include.airlock.release.assets import asset_of
from include.airlock.release.lane import begin
from include.airlock.release.ledger import Ledger, Lock
from include.airlock.release.rollback_steps import (
    LookBackOperator,
    RollbackVerdictOperator,
    UndoOperator,
    running_release,
)
from include.airlock.release.run import ReleaseRun
from include.airlock.release.turn import Entry
from tests.integration.rehearsal import MemoryStore

SERVICE = load_service(Path(__file__).resolve().parents[3] / "dags/services/payments.yaml")
SWAP = SwapIntent(
    phase=SwapPhase.DONE, direction="forward", production=Side(), staging=Side(), expected="2.0", since=0.0
)
INSTANT, NO = Outlook(Way.INSTANT, "it stands by"), Outlook(Way.NONE, "gone; deploy it")


class Place:
    """A place that says what it is told to say."""

    def __init__(self, said: Outlook) -> None:
        self._said = said

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def outlook(self, _: RegionRecord) -> Outlook:
        return self._said


class Airflow:
    """One run of ``rollback_payments``; ``states`` are those of releases, None where the run is deleted."""

    def __init__(self) -> None:
        self.ledger = Ledger(store := MemoryStore())
        self.stores = {asset_of("payments"): store}
        self.states: dict[str, str | None] = {}
        self.counted, self.pushed = 0, dict[str, Any]()

    def get_dagrun_state(self, _: str, run: str) -> str:
        state = self.states.get(run, "success")
        if state is None:
            raise AirflowRuntimeError(
                ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 404})
            )
        return state

    def get_dr_count(self, **_: Any) -> int:
        return self.counted

    def xcom_push(self, *, key: str, value: Any) -> None:
        self.pushed[key] = value

    def context(self, **params: Any) -> Any:
        dag_run = SimpleNamespace(run_id="back-1", dag_id="rollback_payments", triggering_user_name="ann")
        return {"params": params, "dag_run": dag_run, "ti": self, "asset_state_store": self.stores}

    def released(self, run: str = "CHG-1", phase: Phase = Phase.ACCEPTED) -> None:
        """A release that changed every region."""
        regions = [
            RegionRecord(name=name, phase=phase, old_build="1.0", new_build="2.0", swap=SWAP)
            for name in SERVICE.places
        ]
        header = {"dag": "release_payments", "service": "payments", "build": "2.0", "on_failure": "halt"}
        self.ledger.open(ReleaseRecord(release=run, started_at="t", regions=regions, **header))
        for region in regions:
            self.ledger.save_region(run, region)

    def look(self, said: Outlook = INSTANT, **params: Any) -> Any:
        step = LookBackOperator(task_id="look", service=SERVICE, places=lambda *_: Place(said))  # type: ignore[arg-type,return-value]
        return step.execute(self.context(**({"reason": "too slow"} | params)))

    def verdict(self) -> Any:
        return RollbackVerdictOperator(task_id="verdict", service=SERVICE).execute(self.context())

    def open(self) -> Any:
        step = UndoOperator(task_id="x.roll_back", service=SERVICE, region="uksouth", places=None)  # type: ignore[arg-type]
        return step.open(self.context())


@pytest.fixture
def airflow() -> Airflow:
    found = Airflow()
    found.released()
    return found


def test_a_dry_look_is_a_success_that_changes_nothing(airflow: Airflow) -> None:
    report = airflow.look(dry=True)
    assert report.startswith("CHG-1 (2.0):\n  - uksouth: at once: it stands by\n  - northeurope")
    with pytest.raises(AirflowSkipException):
        airflow.open()
    assert airflow.verdict() == report
    assert airflow.pushed["verdict"]["outcome"] == "dry"
    assert airflow.ledger.lock() is None


@pytest.mark.parametrize(
    ("said", "params", "fault", "words"),
    [
        (NO, {}, Refused, "uksouth: not possible: gone; deploy it"),
        (
            INSTANT,
            {"release": "CHG-7"},
            Refused,
            "no release 'CHG-7' is remembered; the last ones are: CHG-1",
        ),
        (INSTANT, {"reason": "no"}, RequestError, "3 characters or more"),
    ],
)
def test_a_refusal_is_the_verdict(
    airflow: Airflow, said: Outlook, params: dict[str, Any], fault: type[Exception], words: str
) -> None:
    with pytest.raises(fault):
        airflow.look(said, **params)
    with pytest.raises(AirflowSkipException):
        airflow.open()
    with pytest.raises(ReleaseFailed, match="the rollback of payments was refused") as caught:
        airflow.verdict()
    assert words in str(caught.value) and airflow.pushed["verdict"]["outcome"] == "refused"
    assert airflow.ledger.lock() is None


def test_without_a_look_there_is_no_verdict_but_a_refusal(airflow: Airflow) -> None:
    with pytest.raises(ReleaseFailed, match="see the step look"):
        airflow.verdict()


def test_the_verdict_is_green_only_when_every_place_is_back(airflow: Airflow) -> None:
    airflow.look()
    with pytest.raises(ReleaseFailed, match=r"the rollback of 2\.0 by ann stopped in uksouth"):
        airflow.verdict()
    for name in SERVICE.places:
        region = airflow.ledger.region("CHG-1", name)
        region.phase = Phase.ROLLED_BACK
        airflow.ledger.save_region("CHG-1", region)
    assert airflow.verdict().startswith("2.0 is rolled back by ann: too slow; westeurope serves 1.0 again")
    assert airflow.pushed["verdict"]["outcome"] == "rolled_back"


def test_a_clear_of_the_look_does_not_end_what_has_begun(airflow: Airflow) -> None:
    # Given a rollback that has begun / When its look is cleared and finds a fault
    airflow.look()
    with pytest.raises(Refused):
        airflow.look(NO)
    # Then its places still know what they undo
    assert airflow.open().release == "CHG-1"


@pytest.mark.parametrize(
    ("states", "counted", "named"),
    [
        ({}, 0, None),
        ({"CHG-1": "running"}, 1, "CHG-1"),
        ({"CHG-1": "running"}, 0, "CHG-1"),
        ({"CHG-1": None}, 0, None),
        ({}, 1, "a release of payments that has just begun"),
    ],
)
def test_airflow_says_what_runs(
    airflow: Airflow, states: dict[str, str | None], counted: int, named: str | None
) -> None:
    airflow.states, airflow.counted = states, counted
    assert running_release(airflow.context(), airflow.ledger, "payments")() == named


def test_another_release_in_doubt_comes_first(airflow: Airflow) -> None:
    airflow.ledger.set_lock(Lock(kind="in_flight", reason="uksouth", release="CHG-0", at="t"))
    with pytest.raises(Refused, match="CHG-0 left a region in doubt"):
        airflow.look()


def test_a_region_that_a_later_release_changed_is_refused(airflow: Airflow) -> None:
    airflow.released("CHG-2")
    with pytest.raises(Refused, match="CHG-2 has changed uksouth since"):
        airflow.look(release="CHG-1")


def test_nothing_is_told_of_a_dry_look(airflow: Airflow) -> None:
    airflow.look(dry=True)
    with pytest.raises(AirflowSkipException):
        TellBackOperator(task_id="tell", service=SERVICE).execute(airflow.context())


def test_a_region_released_again_ends_the_talk_of_a_rollback(airflow: Airflow) -> None:
    airflow.look()
    run = airflow.open()
    assert run.record().rollback is not None
    run.released_again()
    assert run.record().rollback is None


@pytest.mark.parametrize(
    ("held", "state", "named"),
    [(True, "running", "train_evening, run CHG-9"), (False, "running", None), (True, "failed", None)],
)
def test_a_train_that_only_waits_holds_no_way_back_up(
    airflow: Airflow, held: bool, state: str, named: str | None
) -> None:
    entry = Entry(dag="train_evening", run="CHG-9", began="t", step="turn", at=0.0, number=1, held=held)
    airflow.stores[asset_of("payments")].set("turn/train_evening", entry.model_dump(mode="json"))
    airflow.states["CHG-9"] = state
    assert running_release(airflow.context(), airflow.ledger, "payments", ["evening"])() == named


@pytest.mark.parametrize(
    ("phase", "train", "counted", "named"),
    [
        (Phase.WAITING, None, 1, None),
        (Phase.WAITING, None, 2, "a release of payments that has just begun"),
        (Phase.CHECKED, None, 1, "CHG-2"),
        (Phase.CHANGING, None, 1, "CHG-2"),
        (Phase.WAITING, "evening", 0, "CHG-2"),
    ],
)
def test_a_release_that_only_waits_holds_no_way_back_up(
    airflow: Airflow, phase: Phase, train: str | None, counted: int, named: str | None
) -> None:
    """Given CHG-2, which runs and waits for its window; a train would stop for all of its services."""
    regions = [RegionRecord(name=name, phase=phase) for name in SERVICE.places]
    header = {"dag": "release_payments", "service": "payments", "build": "3.0", "on_failure": "halt"}
    airflow.ledger.open(
        ReleaseRecord(release="CHG-2", started_at="t", regions=regions, train=train, **header)  # type: ignore[arg-type]
    )
    airflow.states["CHG-2"], airflow.counted = "running", counted
    assert running_release(airflow.context(), airflow.ledger, "payments")() == named
    # And once the rollback has locked the service, no region of it can begin
    if named is None:
        airflow.look()
        waiting = ReleaseRun(
            SERVICE, ChangeRequest("3.0", SERVICE.places, OnFailure.HALT), airflow.ledger, "CHG-2"
        )
        with pytest.raises(Locked, match=r"2\.0 was rolled back by ann"):
            begin(waiting, SERVICE.places[0])
