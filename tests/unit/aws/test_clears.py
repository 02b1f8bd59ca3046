"""Steps that people clear: after a failure, after a halt, after a way back and an unlock."""

from __future__ import annotations

import pytest

from include.airlock.errors import Locked
from include.airlock.model.record import Phase
from tests.unit.aws.farms import Shape, assert_sound, released
from tests.unit.aws.machine_cloud import NEW, OLD, MachineCloud
from tests.unit.aws.machine_wires import wired
from tests.unit.aws.release_drive import Release

SHAPES = [
    Shape(),
    Shape(size=3, most=2),
    Shape(standby=True, suspended=("AZRebalance",)),
    Shape(size=4, zonal=True),
]
FATES = ["fails", "broken", "liar", "endless"]


def builds(cloud: MachineCloud) -> set[str]:
    return {box.build for box in cloud.boxes.values()}


def failed(cloud: MachineCloud, shape: Shape, on_failure: str, fate: str) -> Release:
    """A release whose first machine is done and whose second deploy ends badly."""
    cloud.fates = ["well", fate]
    release = released(cloud, shape, on_failure)
    assert release.forward() != "accepted"
    return release


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fate", FATES)
def test_a_clear_right_after_a_failure_goes_on(shape: Shape, fate: str) -> None:
    # Given a deploy that failed, or that runs yet / When the step is cleared before its way back was taken
    cloud = shape.cloud()
    with wired(cloud):
        release = failed(cloud, shape, "halt", fate)
        # Then it goes on where it was, one deploy at a time, and is accepted
        assert release.forward() == "accepted"
        assert_sound(release, shape)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("on_failure", ["halt", "roll_back_machine"])
def test_a_clear_after_a_halt_releases_the_rest(shape: Shape, fate: str, on_failure: str) -> None:
    # Given a release that was halted, what was out put back or named
    cloud = shape.cloud()
    with wired(cloud):
        release = failed(cloud, shape, on_failure, fate)
        assert release.back() == "done"
        assert_sound(release, shape)
        # When it is cleared / Then every machine gets the build, and those that have it are left alone
        before = len(cloud.orders)
        done = [name for name, box in cloud.boxes.items() if box.build == NEW]
        assert release.forward() == "accepted"
        assert_sound(release, shape)
        assert not {order.machine for order in cloud.orders[before:]} & set(done)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fate", FATES)
def test_a_clear_after_a_way_back_waits_for_the_unlock(shape: Shape, fate: str) -> None:
    # Given a release that was rolled back
    cloud = shape.cloud()
    with wired(cloud):
        release = failed(cloud, shape, "roll_back_region", fate)
        assert release.back() == "done"
        assert release.region.phase is Phase.ROLLED_BACK
        assert_sound(release, shape)
        sent = len(cloud.orders)
        # When it is cleared / Then the lock stops it, and nothing is touched
        assert "is locked" in release.forward()
        assert (len(cloud.orders), builds(cloud)) == (sent, {OLD})
        with pytest.raises(Locked):
            release.preflight()
        # And after an unlock it is released from its lane alone, or from the preflight on
        release.run().ledger.unlock(by="test", reason="mended", run="unlock")
        if fate == "liar":
            release.preflight()
        assert release.forward() == "accepted"
        assert_sound(release, shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_way_back_that_got_stuck_goes_on_when_it_is_cleared(shape: Shape) -> None:
    # Given a way back whose deploys fail, too
    cloud = shape.cloud()
    with wired(cloud):
        release = failed(cloud, shape, "roll_back_region", "broken")
        cloud.fates = ["broken", "endless"]
        assert "could not be proved to be back" in release.back()
        assert release.region.phase is Phase.STUCK
        assert_sound(release, shape)
        # When its step is cleared and they succeed / Then every machine is back
        cloud.fates = []
        assert release.back() == "done"
        assert release.region.phase is Phase.ROLLED_BACK
        assert_sound(release, shape)


def test_a_lost_command_is_not_taken_for_the_one_before_the_clear() -> None:
    # Given a deploy that failed, and a Clear whose own deploy request gets no answer and shows up late
    shape = Shape()
    cloud = shape.cloud()
    cloud.lost_sends, cloud.list_lag_s = {3}, 20.0
    with wired(cloud):
        release = failed(cloud, shape, "halt", "fails")
        # Then the failed one is not found in its place
        assert release.forward() == "accepted"
        assert len(cloud.orders) == 3


@pytest.mark.parametrize("on_failure", ["roll_back_machine", "roll_back_region"])
@pytest.mark.parametrize("acts", [20, 60, 200])
def test_a_second_process_of_the_way_back_is_not_written_over(on_failure: str, acts: int) -> None:
    # Given a way back that a second process crosses at any of its looks / Then it ends as one would have
    for at in range(1, 60, 3):
        shape = Shape()
        cloud = shape.cloud()
        with wired(cloud):
            release = failed(cloud, shape, on_failure, "broken")
            cloud.script = {cloud.acts + at: f"rival {acts}"}
            assert release.back() == "done"
            assert_sound(release, shape)
            assert cloud.away == set()


def test_a_step_that_is_cleared_after_it_was_accepted_changes_nothing() -> None:
    shape = Shape()
    cloud = shape.cloud()
    with wired(cloud):
        release = released(cloud, shape, "halt")
        assert release.forward() == "accepted"
        before = list(cloud.journal)
        assert release.forward() == "accepted"
        assert release.back() == "done"
        assert cloud.journal == before


@pytest.mark.parametrize("place", range(1, 40))
def test_another_machine_that_turns_sick_keeps_the_rest_in(place: int) -> None:
    # Given two machines, of which the other one turns sick at any moment / Then the last healthy one stays
    shape = Shape()
    cloud = shape.cloud()
    cloud.script = {place: "sick i-2"}
    with wired(cloud):
        release = released(cloud, shape, "halt")
        outcome = release.forward()
        release.back()
        assert outcome != "accepted"
        assert_sound(release, shape)
        assert cloud.memberships("i-1") == cloud.homes["i-1"]
        assert release.region.failure
