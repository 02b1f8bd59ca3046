"""A region that is released again after a way back: what was done is forgotten, what was seen is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.airlock.errors import Locked
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.loading import load_service
from include.airlock.model.machines import Command, MachinePhase, MachineRecord, Membership, Shift
from include.airlock.model.record import Phase, RegionRecord, ReleaseRecord
from include.airlock.release.lane import begin
from include.airlock.release.ledger import Ledger
from include.airlock.release.run import ReleaseRun
from tests.unit.release.test_ledger import Store

SERVICE = load_service(Path(__file__).resolve().parents[3] / "dags/services/checkout.yaml")
FARM = SERVICE.places[0]
GROUP = Membership(kind="classic", key="c", name="c", target="i-1")


@pytest.fixture
def run() -> ReleaseRun:
    """A release whose first farm was rolled back: two machines, of which one had the build before."""
    store: Any = Store()
    run = ReleaseRun(SERVICE, ChangeRequest.of(SERVICE, {"build": "2"}), Ledger(store), "r1")
    turned = MachineRecord(
        id="i-1", page="http://i-1/status", memberships=[GROUP], scaling_group="asg", old_build="1", aim="1",
        phase=MachinePhase.DONE, command=Command(token="t", build="1", sent_at=1.0, id="c-1", sends=1),
        failure="deploy: no",
    )  # fmt: skip
    alone = MachineRecord(id="i-2", old_build="2", aim="2", phase=MachinePhase.DONE, already=True)
    region = RegionRecord(
        name=FARM, phase=Phase.ROLLED_BACK, old_build="1", new_build="2", failure="roll: no",
        machines=[turned, alone], shift=Shift(listener="l", live="a", idle="b", before={"a": 1}),
    )  # fmt: skip
    others = [RegionRecord(name=name) for name in SERVICE.places[1:]]
    run.ledger.open(
        ReleaseRecord(
            release="r1",
            dag="d",
            service="checkout",
            build="2",
            on_failure="halt",
            started_at="t",
            regions=[region, *others],
        )
    )
    run.save(region)
    return run


def test_it_is_refused_until_it_is_unlocked(run: ReleaseRun) -> None:
    run.lock("rolled_back", "it was bad")
    with pytest.raises(Locked, match="it was bad"):
        begin(run, FARM)
    assert run.region(FARM).phase is Phase.ROLLED_BACK


def test_it_begins_as_the_preflight_saw_it(run: ReleaseRun) -> None:
    # Given a farm that was rolled back, and no lock / When its step is cleared
    assert run.region(FARM).touched
    region = begin(run, FARM)
    # Then nothing is meant, and what the next look is compared with is still known
    assert region == run.region(FARM)
    assert (region.phase, region.failure, region.touched) == (Phase.WAITING, None, False)
    assert [(m.id, m.old_build, m.memberships, m.scaling_group, m.already) for m in region.machines] == [
        ("i-1", "1", [GROUP], "asg", False),
        ("i-2", "2", [], None, True),
    ]
    assert [(m.phase, m.command, m.failure, m.aim) for m in region.machines] == [
        (MachinePhase.WAITING, None, None, None),
        (MachinePhase.DONE, None, None, None),
    ]
