"""Steps that run again at an odd moment: what an earlier one stored is neither lost nor taken for proof."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from include.airlock.announce.operators import tell_again
from include.airlock.azure import place
from include.airlock.azure.arm import Answer
from include.airlock.azure.look import RegionView
from include.airlock.azure.operators import RefreshOperator, slots
from include.airlock.azure.refresh import refresh
from include.airlock.azure.swap_decision import Timing
from include.airlock.azure.way_back import swap_back
from include.airlock.errors import (
    AirlockError,
    Drifted,
    Locked,
    NotHealthy,
    NotProvenBack,
    Rejected,
    SwapFailed,
    Unreachable,
)
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.health import Reading
from include.airlock.model.loading import load_service
from include.airlock.model.record import (
    Phase,
    RegionRecord,
    ReleaseRecord,
    Side,
    SwapIntent,
    SwapPhase,
    Watch,
)
from include.airlock.model.streak import Accept, Policy
from include.airlock.release import back, preflight
from include.airlock.release.ledger import Ledger, Lock
from include.airlock.release.run import ReleaseRun
from include.airlock.release.steps import RollBackOperator, VerifyOperator
from include.airlock.status.watch import watch
from tests.unit.azure.cloud_model import NEW, OLD, CloudModel
from tests.unit.azure.test_swap_loop import Disk
from tests.unit.azure.test_swap_loop import run as carry_out

SERVICE = load_service(Path(__file__).resolve().parents[3] / "dags/services/payments.yaml")
WEST, NORTH, UK = "westeurope", "northeurope", "uksouth"
SWAP = SwapIntent(
    phase=SwapPhase.DONE,
    direction="forward",
    production=Side(),
    staging=Side(),
    expected="2026.11.2",
    since=0.0,
)


class Store(dict[str, Any]):
    def set(self, key: str, value: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)


def release(on_failure: str = "roll_back_release", **phases: Phase) -> ReleaseRun:
    """A release whose regions stand at these phases; each that began has been swapped."""
    request = ChangeRequest.of(SERVICE, {"build": "2026.11.2", "on_failure": on_failure})
    run = ReleaseRun(SERVICE, request, Ledger(Store()), "r1")
    names = [region.name for region in SERVICE.regions]
    header = ReleaseRecord(
        release="r1", dag="d", service="payments", build=request.build, on_failure=on_failure,
        started_at="t", regions=[RegionRecord(name=name) for name in names],
    )  # fmt: skip
    run.ledger.open(header)
    for name, phase in phases.items():
        swap = None if phase is Phase.WAITING else SWAP.model_copy()
        run.save(RegionRecord(name=name, phase=phase, swap=swap, old_build="1", new_build="2026.11.2"))
    return run


@pytest.fixture
def brought_back(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The regions that are brought back, in order."""
    names: list[str] = []
    monkeypatch.setattr(back, "roll_back", lambda run, name, places, patience: names.append(name))
    return names


def test_a_stuck_earlier_region_is_brought_back_when_its_step_is_cleared(brought_back: list[str]) -> None:
    # Given a way back that got stuck in region two / When its step runs again
    run = release(**{WEST: Phase.ACCEPTED, NORTH: Phase.STUCK, UK: Phase.ROLLED_BACK})
    back.roll_back_earlier(run, slots, patience=1.0)
    # Then it goes on with region two, not past it
    assert brought_back == [NORTH, WEST]


def test_a_release_that_is_accepted_everywhere_is_not_brought_back(brought_back: list[str]) -> None:
    # Given a release that was resumed to its end / When a step of its earlier way back is cleared
    run = release(**{WEST: Phase.ACCEPTED, NORTH: Phase.ACCEPTED, UK: Phase.ACCEPTED})
    back.roll_back_earlier(run, slots, patience=1.0)
    # Then nothing is swapped
    assert brought_back == []


class Page:
    """A region whose page always says the same."""

    def __init__(self, running: bool) -> None:
        self.looks = 0
        self._reading = Reading("2026.11.2", running, "stopped")

    def reading(self) -> Reading:
        self.looks += 1
        return self._reading


def test_good_answers_of_an_earlier_call_alone_accept_nothing() -> None:
    # Given a bake that is over, good answers from long before, and a page that has turned bad since
    page = Page(running=False)
    policy = Policy(consecutive=3, unhealthy_after=2, interval_s=0.01, deadline_s=60.0, soak_s=100.0)
    proof = Watch(since=time.time() - 101.0, good=3)
    # When the step comes back / Then it looks, and does not accept
    watched = watch(page.reading, "2026.11.2", policy, proof=proof, patience=5.0, switched=True)
    assert page.looks > 0
    assert not isinstance(watched.decision, Accept)


def test_a_second_look_of_the_way_back_does_not_hide_why() -> None:
    # Given a region that is on its way back because it was not healthy / When a look gets no answer
    run = release(**{WEST: Phase.ROLLING_BACK})
    region = run.region(WEST)
    region.failure = "verify: queue is not connected"
    run.save(region)
    step = RollBackOperator(task_id="westeurope.roll_back", service=SERVICE, region=WEST, places=slots)
    step.note_failure(run, Unreachable("read app: no answer"))
    # Then the reason stays, and a way back that got stuck adds to it
    assert run.region(WEST).failure == "verify: queue is not connected"
    stuck = back.stuck(run, run.region(WEST), Drifted("unclear"))
    step.note_failure(run, stuck)
    failure = run.region(WEST).failure or ""
    assert failure.startswith("verify: queue is not connected; could not be proved")
    assert len([event for event in run.region(WEST).events if "could not be proved" in event.text]) == 1
    assert isinstance(stuck, NotProvenBack) and run.region(WEST).watch is None


def test_a_cleared_step_does_not_write_into_a_way_back() -> None:
    # Given a way back under way / When a cleared step of the lane is refused
    run = release(**{WEST: Phase.ROLLING_BACK})
    region = run.region(WEST)
    region.watch = Watch(since=1.0, good=2)
    run.save(region)
    before = run.region(WEST)
    step = VerifyOperator(task_id="westeurope.verify", service=SERVICE, region=WEST, places=slots)
    step.note_failure(run, Locked("locked"))
    # Then the record is the way back's alone
    assert run.region(WEST) == before


class View:
    """A region as the way back sees it: a model of its app."""

    def __init__(self, cloud: CloudModel) -> None:
        self.site, self.world = cloud, cloud.look

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""


@pytest.mark.parametrize(
    ("posts", "fault", "kept"),
    [(0, Drifted("unclear"), False), (1, Drifted("unclear"), True), (1, SwapFailed("gave up"), False)],
    ids=["never sent", "sent", "proved to have failed"],
)
def test_a_way_back_that_was_never_sent_is_meant_anew(
    monkeypatch: pytest.MonkeyPatch, posts: int, fault: AirlockError, kept: bool
) -> None:
    # Given a way back that was meant, and sent or not
    run = release(**{WEST: Phase.ROLLING_BACK})
    region = run.region(WEST)
    region.way_back = SWAP.model_copy(update={"posts": posts})
    run.save(region)

    def stops(*_: object) -> None:
        raise fault

    monkeypatch.setattr(place, "swap_back", stops)
    monkeypatch.setattr(RegionView, "of", lambda *_: View(CloudModel()))
    # When it stops / Then a person is asked for, and only one that may have done something stays what it was
    with pytest.raises(NotProvenBack, match=str(fault)):
        back.roll_back(run, WEST, slots, patience=1.0)
    assert run.region(WEST).phase is Phase.STUCK
    assert (run.region(WEST).way_back is not None) is kept


def test_a_way_back_begun_anew_does_not_inherit_the_age_of_one_never_sent() -> None:
    # Given a swapped region, and an old way back that was meant, never sent, and got stuck since
    cloud: Any = CloudModel(content=[NEW, OLD], duration=0.1)
    run = release(**{WEST: Phase.ROLLING_BACK})
    region = run.region(WEST)
    region.swap = SWAP.model_copy(update={"production": Side(build=OLD), "staging": Side(build=NEW)})
    region.way_back = SwapIntent(
        phase=SwapPhase.INTENT, direction="back", expected=OLD, since=1.0,
        production=Side(build=NEW), staging=Side(build=OLD),
    )  # fmt: skip
    region.back_since = time.time()
    run.save(region)
    # When its step is cleared / Then it is asked for, not taken for overdue
    view: Any = View(cloud)
    assert swap_back(view, run, region, Timing(timeout=300, settle=30), 30.0) is None
    assert (cloud.swaps, cloud.content) == (1, [OLD, NEW])


def test_a_late_preflight_does_not_forget_a_swap() -> None:
    # Given a preflight that was cleared alone, and a swap that was meant while it looked
    run = release(**{WEST: Phase.CHANGING})
    preflight._keep(run, WEST, lambda region: setattr(region, "old_build", "seen late"))
    # Then the swap's record stays
    assert run.region(WEST).swap is not None
    assert run.region(WEST).old_build == "1"


def test_a_refresh_waits_for_another_release_in_doubt() -> None:
    # Given an old release whose refresh is cleared, while a later release is in doubt
    run = release(**{WEST: Phase.ACCEPTED, NORTH: Phase.ACCEPTED, UK: Phase.ACCEPTED})
    run.ledger.set_lock(Lock(kind="in_flight", reason="in doubt", release="r2", at="t"))
    # When it runs / Then staging, which holds the way back of the later one, is left alone
    with pytest.raises(Locked, match="in doubt"):
        refresh(run, WEST, patience=1.0)


def test_a_failed_refresh_is_no_failure_of_the_region() -> None:
    run = release(**{WEST: Phase.ACCEPTED})
    step = RefreshOperator(task_id="refresh.westeurope", service=SERVICE, region=WEST)
    step.note_failure(run, NotHealthy("bad"))
    assert run.region(WEST).failure is None


def test_an_operation_told_on_another_server_is_not_followed_but_looked_at() -> None:
    # Given a platform that names another server for its operation: the token must not go there
    cloud = CloudModel()

    def elsewhere(location: str) -> Answer:
        raise Rejected("the operation's address is on another server")

    cloud.follow = elsewhere  # type: ignore[method-assign]
    # When it is carried out / Then the look proves the swap, which was asked for once
    carry_out(cloud, Disk(cloud))
    assert (cloud.posts, cloud.swaps) == (1, 1)


@pytest.mark.parametrize(
    "said",
    [
        "Could not fetch https://store.example.com/p-2.zip?sv=2024&sig=s3cr%2Ft",
        "Could not fetch 'https://user:s3cr%2Ft@store.example.com/p-2.zip'",
        "packageUri=https://store.example.com/p-2.zip?sig=s3cr%2Ft&se=1, type=zip",
        "the query sv=2024&sig=s3cr%2Ft was refused",
    ],
)
def test_what_the_platform_says_is_kept_without_secrets(said: str) -> None:
    # Given a platform that repeats the address of a package with its signature / Then it is not kept
    answer = Answer(400, {}, {"Code": "BadRequest", "Message": said + "\x1b[31m"}, said)
    assert "s3cr" not in answer.message
    assert "\x1b" not in answer.message


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), ("99999999", 300.0), ("²", None), ("soon", None)])
def test_a_wait_that_was_asked_for_is_bounded(value: str, seconds: float | None) -> None:
    assert Answer(429, {"retry-after": value}, None, "").retry_after == seconds


def test_telling_again_fits_into_a_run_id() -> None:
    # Given a release with the longest run id that Airflow takes / Then telling it later has one that fits
    assert len(tell_again("p" * 40, "r" * 250).dag_run_id) <= 250
