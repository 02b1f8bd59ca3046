"""Plans are kept, shared out over places that were begun, and learn from how long steps took."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.azure.planned import foresee
from include.airlock.errors import Refused
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.loading import load_service
from include.airlock.model.machines import MachineRecord
from include.airlock.model.plan_report import Foreseen, PlanReport
from include.airlock.model.record import Phase, RegionRecord, ReleaseRecord, Side
from include.airlock.model.service import SlotSwapService
from include.airlock.model.service_base import WhenClosed
from include.airlock.model.windows import Window
from include.airlock.release import planning
from include.airlock.release.ledger import KEPT_PLANS, Ledger
from include.airlock.release.place import Fault
from include.airlock.release.planning import PlanDrifted, bound_plan, hold_to, make
from include.airlock.release.run import ReleaseRun
from tests.integration.rehearsal import SPECS, MemoryStore

OLD, NEW, OTHER = "2026.11.1", "2026.11.2", "2026.11.3"
WEST, NORTH, SOUTH = PLACES = ("westeurope", "northeurope", "uksouth")
START = datetime(2026, 11, 21, 20, tzinfo=UTC)


def payments() -> SlotSwapService:
    service = load_service(SPECS / "payments.yaml")
    assert isinstance(service, SlotSwapService)
    return service


def release(ledger: Ledger, name: str, **conf: object) -> ReleaseRun:
    """A release of payments, opened."""
    service = payments()
    request = ChangeRequest.of(service, {"build": NEW, **conf})
    ledger.open(
        ReleaseRecord(
            release=name,
            dag="release_payments",
            service="payments",
            build=NEW,
            on_failure=request.on_failure,
            started_at="t",
            regions=[RegionRecord(name=place) for place in request.regions],
        )
    )
    return ReleaseRun(service, request, ledger, name)


def seen(run: ReleaseRun, **staging: str) -> dict[str, Foreseen]:
    """What each place foresees; all hold NEW in staging but those named."""
    regions = [
        RegionRecord(
            name=name,
            old_build=OLD,
            new_build=NEW,
            production=Side(build=OLD),
            staging=Side(build=staging.get(name, NEW)),
        )
        for name in run.request.regions
    ]
    service = payments()
    return {region.name: foresee(service, region, run.request) for region in regions}


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(MemoryStore())


@pytest.fixture
def plan(ledger: Ledger) -> PlanReport:
    """One that was made by a run of its own."""
    run = release(ledger, "PLAN-1")
    return make(run, seen(run), [])


def test_the_same_world_is_no_drift(ledger: Ledger, plan: PlanReport) -> None:
    run = release(ledger, "CHG-1", plan=plan.hash)
    bound = bound_plan(run)
    assert bound == plan
    hold_to(run, bound, seen(run), [])
    # And what is bound to keeps who made it, and when
    assert make(run, seen(run), ["closed"]).made_by == "PLAN-1"


@given(st.sets(st.sampled_from(PLACES)), st.sets(st.sampled_from(PLACES)))
def test_drift_is_where_this_release_has_not_begun(changed: set[str], begun: set[str]) -> None:
    # Given a release bound to a plan, places that hold something else since, and places that it has begun
    ledger = Ledger(MemoryStore())
    first = release(ledger, "PLAN-1")
    plan = make(first, seen(first), [])
    run = release(ledger, "CHG-1", plan=plan.hash)
    foreseen = {
        name: part for name, part in seen(run, **dict.fromkeys(changed, OTHER)).items() if name not in begun
    }
    # When it is held to its plan / Then it stops exactly for the places to come, each named
    bad = Fault(WEST, "state", "the staging slot is Stopped, not Running")
    stops = sorted(changed - begun)
    if not stops:
        hold_to(run, plan, foreseen, [bad])
        return
    with pytest.raises(PlanDrifted) as refusal:
        hold_to(run, plan, foreseen, [bad])
    *drifted, last = refusal.value.faults
    assert sorted(fault.region for fault in drifted) == stops and last == bad
    assert {fault.text for fault in drifted} == {f"staging held {NEW}, now holds {OTHER}"}


def test_places_that_were_begun_keep_their_part(ledger: Ledger) -> None:
    # Given a release with a plan / When it plans again with one place begun
    run = release(ledger, "CHG-1")
    first = make(run, seen(run), [])
    record = run.record()
    record.plan = first.hash
    ledger.save_header(record)
    left = {name: part for name, part in seen(run).items() if name != WEST}
    # Then the plan is the same, whatever that place holds now
    assert make(run, left, []).hash == first.hash


def test_only_so_many_plans_are_remembered(ledger: Ledger, plan: PlanReport) -> None:
    for number in range(KEPT_PLANS - 1):
        ledger.save_plan(plan.model_copy(update={"hash": f"{number:016x}"}))
    assert ledger.plan(plan.hash) == plan
    ledger.save_plan(plan)  # the oldest becomes the newest
    ledger.save_plan(plan.model_copy(update={"hash": "f" * 16}))
    assert ledger.plan(plan.hash) == plan and ledger.plan(f"{0:016x}") is None
    assert len(ledger.plans()) == KEPT_PLANS
    # And one that is forgotten refuses, but not a release that has nothing left to begin
    run = release(ledger, "CHG-1", plan=f"{0:016x}")
    with pytest.raises(Refused, match="no plan 0000000000000000 of payments is remembered"):
        bound_plan(run)
    record = run.record()
    record.plan = f"{0:016x}"
    ledger.save_header(record)
    for name in run.request.regions:
        with pytest.raises(Refused, match="is remembered"):
            bound_plan(run)
        region = run.region(name)
        region.machines = [MachineRecord(id="i-1", begun=True)]
        run.save(region)
    assert bound_plan(run) is None


def test_windows_on_the_way_are_foreseen(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given a window of an hour, regions that are given 15 minutes each and take half an hour, and a start
    # at its opening
    window = {"days": ["tuesday"], "opens": "20:00", "closes": "21:00", "time_zone": "UTC"}
    monkeypatch.setattr(planning, "_now", lambda: datetime(2026, 11, 24, 20, tzinfo=UTC))
    for number, (then, override) in enumerate([("stop", None), ("wait", None), ("wait", "urgent")]):
        run = release(ledger, f"CHG-{number}")
        keys = {"windows": (Window.model_validate(window),), "when_closed": WhenClosed(then)}
        run.service = run.service.model_copy(update={**keys, "bake": timedelta(minutes=28)})
        run.request = replace(run.request, window_override=override)
        foreseen = {name: replace(part, looks={"bake": 28 * 60.0}) for name, part in seen(run).items()}
        # When it is planned / Then it says where the window would hold it up
        warnings = make(run, foreseen, ["first"]).warnings
        assert warnings[0] == "first"
        if override:
            assert warnings == ["first"]
        elif then == "stop":
            assert warnings[1].startswith(f"it would end before {NORTH}: its expected 43 min do not fit")
            assert len(warnings) == 2
        else:
            assert warnings[1].startswith(f"{NORTH} would wait until 2026-12-01 20:00 UTC: its expected 43")
            assert warnings[2].startswith(f"{SOUTH} would wait until 2026-12-08 20:00 UTC")


def after(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def test_laps_are_from_the_end_of_the_step_before() -> None:
    region = RegionRecord(name=WEST, lap_at=after(0))
    region.lap("swap", after(60))
    region.lap("verify", after(63.04))
    assert region.laps == {"swap": 60.0, "verify": 3.0}
    # After a failure nobody knows how long a person took to look
    failed = region.model_copy(update={"lap_at": None})
    failed.lap("bake", after(9999))
    assert "bake" not in failed.laps and failed.lap_at == after(9999)
    failed.begin_afresh()
    assert failed.laps == {} and failed.lap_at is None


def test_only_accepted_releases_tell(ledger: Ledger) -> None:
    for number, (phase, seconds) in enumerate(
        [(Phase.ACCEPTED, 10.0), (Phase.ROLLED_BACK, 999.0), (Phase.ACCEPTED, 30.0), (Phase.ACCEPTED, 20.0)]
    ):
        run = release(ledger, f"CHG-{number}")
        run.save(RegionRecord(name=WEST, phase=phase, laps={"swap": seconds}))
    assert ledger.seconds_of_steps(WEST, most=10) == {"swap": [20.0, 30.0, 10.0]}
    assert ledger.seconds_of_steps(WEST, most=2) == {"swap": [20.0, 30.0]}
    run = release(ledger, "CHG-9")
    report = make(run, seen(run), [])
    swap = report.calls[0]
    assert (swap.place, swap.expected_s, swap.source) == (WEST, 20.0, "last 3 releases")
    assert report.calls[1].source == "default"


def test_a_refresh_that_is_not_needed_is_not_planned(ledger: Ledger) -> None:
    run = release(ledger, "CHG-1", refresh_build=OLD)
    assert all(part.later == () for part in seen(run).values())
    run = replace(run, request=replace(run.request, refresh_build=None))
    assert all(part.later for part in seen(run).values())
