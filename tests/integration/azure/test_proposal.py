"""A start by the calendar: its build is what all staging slots hold, or it says why there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.azure.operators import ProposeOperator
from include.airlock.azure.proposal import Held, decide
from include.airlock.errors import Refused, RequestError, Unreachable
from include.airlock.model.machines import MachineRecord
from include.airlock.model.record import Decision, Outcome, Phase, RegionRecord, ReleaseRecord
from include.airlock.model.service import Service
from include.airlock.model.slot_swap import Scheduled
from include.airlock.model.windows import Window
from include.airlock.release.ledger import Ledger
from include.airlock.release.operators import VerdictOperator
from include.airlock.release.preflight import preflight
from include.airlock.release.proposal import NO_BUILD, Proposal, way_back
from include.airlock.release.run import ReleaseRun, open_release
from include.airlock.release.verdict import outcome_of
from tests.integration.rehearsal import NEW, OLD, MemoryStore, Rehearsal, quick, spec
from tests.sandbox_client import SandboxClient

WEST, NORTH, SOUTH = "westeurope", "northeurope", "uksouth"
EVER = Window.model_validate(
    {
        "days": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
        "opens": "00:00",
        "closes": "24:00",
        "time_zone": "UTC",
    }
)


class AnyAsset(dict[Any, MemoryStore]):
    """One store, whatever the asset."""

    def __missing__(self, asset: Any) -> MemoryStore:
        self[asset] = MemoryStore()
        return self[asset]


class Start:
    """A DAG run as its steps see it; ``kind`` is Airflow's word for who started it."""

    def __init__(self, kind: str = "scheduled", **params: Any) -> None:
        self.service: Service = quick(spec("payments"), windows=(EVER,), scheduled=Scheduled(build="staging"))
        moment = datetime(2026, 11, 24, 20, tzinfo=UTC)
        run = SimpleNamespace(
            run_id="scheduled__1",
            dag_id="release_payments",
            run_type=kind,
            start_date=moment,
            run_after=moment,
        )
        self.said: dict[str, Any] = {}
        ti = SimpleNamespace(
            xcom_push=lambda key, value: self.said.update({key: value}),
            get_dagrun_state=lambda dag, release: "running",
        )
        asked = {"build": None, "regions": [], **params}
        task = SimpleNamespace(task_id="propose")
        self.context: Any = {"dag_run": run, "params": asked, "ti": ti, "task": task}
        self.context["asset_state_store"] = AnyAsset()

    def propose(self) -> str:
        said: str = ProposeOperator(task_id="propose", service=self.service).execute(self.context)
        return said

    def open(self) -> ReleaseRun:
        return open_release(self.context, self.service)

    def record(self) -> ReleaseRecord:
        return self.open().record()


@pytest.mark.parametrize(
    ("held", "regions"),
    [
        ([Held(WEST, OLD, NEW), Held(NORTH, OLD, NEW)], (WEST, NORTH)),
        ([Held(WEST, NEW, NEW), Held(NORTH, OLD, NEW)], (NORTH,)),
        ([Held(WEST, NEW, NEW), Held(NORTH, NEW, NEW)], ()),
    ],
)
def test_what_all_slots_hold_is_proposed(held: list[Held], regions: tuple[str, ...]) -> None:
    """Only where production has another build; where it has not anywhere, there is nothing to release."""
    assert decide(held) == Proposal(NEW, regions)


def test_slots_that_disagree_propose_nothing() -> None:
    with pytest.raises(Refused) as refused:
        decide([Held(WEST, OLD, NEW), Held(NORTH, OLD, "2026.11.3")])
    assert str(refused.value) == (
        "the staging slots hold different builds: westeurope (staging 2026.11.2, production 2026.11.1), "
        "northeurope (staging 2026.11.3, production 2026.11.1)"
    )


@pytest.mark.parametrize("held", [Held(NORTH, OLD, None), Held(NORTH, None, NEW)])
def test_what_can_t_be_read_is_asked_again(held: Held) -> None:
    with pytest.raises(Unreachable, match="northeurope"):
        decide([Held(WEST, OLD, NEW), held])


def test_a_scheduled_start_releases_what_staging_holds(connections: None, sandbox: SandboxClient) -> None:
    # Given staging slots that agree / When the calendar starts a release
    start = Start()
    with pytest.raises(RequestError, match="see the step propose"):
        start.open()
    assert start.propose() == f"all staging slots hold {NEW}; {WEST}, {NORTH}, {SOUTH} shall get it"
    # Then its change request is that build, whatever staging gets meanwhile and however often it is asked
    sandbox.stage("payments", WEST, "2026.11.9")
    assert start.propose().startswith(f"all staging slots hold {NEW}")
    run = start.open()
    assert (run.request.build, run.request.regions) == (NEW, (WEST, NORTH, SOUTH))
    assert (run.request.on_failure, run.record().build) == (start.service.on_failure, NEW)
    assert (
        run.record().reason
        == f"By calendar; all staging slots hold {NEW}; {WEST}, {NORTH}, {SOUTH} shall get it"
    )
    # And it can be released
    sandbox.stage("payments", WEST, NEW)
    release = Rehearsal(start.service, run.request, run.ledger, run.release)
    assert release.go()[0] is Outcome.RELEASED


def test_nothing_to_release_is_green_and_told(connections: None, sandbox: SandboxClient) -> None:
    # Given staging slots that hold what production holds / When the calendar starts a release
    for region in (WEST, NORTH, SOUTH):
        sandbox.stage("payments", region, OLD)
    start = Start()
    assert start.propose().startswith(
        "nothing to release: staging and production hold 2026.11.1 in westeurope"
    )
    # Then no region is asked for, the preflight passes, and the verdict is green and says why
    run = start.open()
    assert run.request.regions == ()
    assert preflight(run, pytest.fail).warnings == []  # type: ignore[arg-type]
    said = VerdictOperator(task_id="verdict", service=start.service).execute(start.context)
    assert said == "staging and production hold 2026.11.1 in westeurope, northeurope, uksouth"
    assert start.said["verdict"]["outcome"] == "nothing_to_release"


def test_a_refused_start_says_why_and_looks_anew_when_cleared(
    connections: None, sandbox: SandboxClient
) -> None:
    # Given slots that disagree / When the calendar starts a release / Then nothing is asked for
    sandbox.stage("payments", NORTH, "2026.11.3")
    start = Start()
    with pytest.raises(Refused, match="different builds"):
        start.propose()
    record = start.record()
    assert record.build == NO_BUILD
    outcome, sentence = outcome_of(record)
    assert outcome is Outcome.REFUSED
    assert "northeurope (staging 2026.11.3, production 2026.11.1)" in sentence
    # When it is mended and the step is cleared / Then the build is found
    sandbox.stage("payments", NORTH, NEW)
    start.propose()
    assert start.record().build == NEW
    assert start.open().request.regions == (WEST, NORTH, SOUTH)


def test_a_build_that_the_spec_does_not_take_is_refused(connections: None, sandbox: SandboxClient) -> None:
    start = Start()
    start.service = start.service.model_copy(update={"build_pattern": r"2027\..*"})
    with pytest.raises(RequestError, match="does not match this service's pattern"):
        start.propose()
    assert outcome_of(start.record())[0] is Outcome.REFUSED


def test_a_start_by_somebody_is_as_ever() -> None:
    """Given a run that a person or the API started, then it is what was asked for, and a build is needed."""
    start = Start("manual", build="2026.11.7", regions=[NORTH])
    with pytest.raises(AirflowSkipException):
        start.propose()
    assert (start.open().request.build, start.open().request.regions) == ("2026.11.7", (NORTH,))
    with pytest.raises(RequestError, match="build: is missing"):
        Start("manual").open()


@pytest.mark.parametrize("undone", [False, True])
def test_what_a_release_left_in_staging_is_not_released_by_the_calendar(
    connections: None, sandbox: SandboxClient, undone: bool
) -> None:
    # Given a release after which nothing was put into staging; undone since, or not
    start = Start()
    start.service = start.service.model_copy(update={"refresh": None})
    start.propose()
    run = start.open()
    assert Rehearsal(start.service, run.request, run.ledger, run.release).go()[0] is Outcome.RELEASED
    for region in run.record().regions if undone else []:
        region.phase = Phase.ROLLED_BACK
        run.save(region)
        sandbox.stage("payments", region.name, NEW)
    # When the doors open again / Then the calendar neither swaps back nor does again what was undone
    start.context["dag_run"].run_id = "scheduled__2"
    start.context["ti"].get_dagrun_state = lambda dag, release: "success"
    if not undone:
        assert start.propose() == f"nothing to release: staging holds {OLD}, the way back of scheduled__1"
        return
    decided = Proposal(NEW, (WEST, NORTH, SOUTH))
    with pytest.raises(Refused, match=f"{NEW} was rolled back in {WEST} .scheduled__1."):
        way_back(run.ledger, "scheduled__2", decided)
    # And a build that was put there since is none of this
    assert way_back(run.ledger, "scheduled__2", Proposal("2026.11.3", decided.regions)) is None


def test_slots_of_which_some_hold_a_way_back_are_refused() -> None:
    ledger = Ledger(MemoryStore())
    regions = [RegionRecord(name=WEST, phase=Phase.ACCEPTED, old_build=OLD, new_build=NEW)]
    regions[0].machines = [MachineRecord(id="i-1", begun=True)]
    header = ReleaseRecord(
        release="CHG-1", dag="d", service="payments", build=NEW, on_failure="halt", started_at="t"
    )
    ledger.open(header.model_copy(update={"regions": regions}))
    ledger.save_region("CHG-1", regions[0])
    with pytest.raises(Refused, match=f"the way back of CHG-1, in {WEST}"):
        way_back(ledger, "scheduled__2", Proposal(OLD, (WEST, NORTH)))


def test_a_new_proposal_asks_for_its_own_regions_alone(connections: None, sandbox: SandboxClient) -> None:
    # Given a start by the calendar that was looked at, and that somebody did not approve
    start = Start()
    start.propose()
    run = start.open()
    for name in run.request.regions:
        run.save(run.region(name))
    record = run.record()
    record.refusal = "not tonight"
    record.decisions = [Decision(at="t", about="release", question="May it?", chosen="Reject", by="ben")]
    run.ledger.save_header(record)
    # When a region has that build since, and the step is cleared
    sandbox.stage("payments", WEST, NEW, slot="production")
    assert start.propose() == f"all staging slots hold {NEW}; {NORTH}, {SOUTH} shall get it"
    # Then that region is not asked for, and what was answered is still known
    again = start.open()
    assert again.request.regions == (NORTH, SOUTH)
    assert [each.by for each in again.record().decisions] == ["ben"]
