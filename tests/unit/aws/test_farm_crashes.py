"""A farm's release killed, cut off and crossed at any act: no machine is forgotten, no floor is broken.

What must not happen while it goes on is checked by the model at each act (see ``machine_cloud``).
"""

from __future__ import annotations

import logging

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.airlock.model.record import Phase
from tests.unit.aws.farms import Shape, assert_sound, released
from tests.unit.aws.machine_cloud import NEW
from tests.unit.aws.machine_wires import wired
from tests.unit.aws.release_drive import Release

logging.disable(logging.INFO)

POLICIES = ("halt", "roll_back_machine", "roll_back_region", "roll_back_release")
FATES = ("well", "fails", "broken", "liar", "endless")

shapes = st.builds(
    Shape,
    size=st.integers(2, 4),
    most=st.integers(1, 2),
    classic=st.booleans(),
    zonal=st.booleans(),
    standby=st.booleans(),
    slow_start=st.sampled_from([0.0, 30.0]),
    suspended=st.sampled_from([(), ("AZRebalance",), ("Launch", "ReplaceUnhealthy")]),
    least=st.sampled_from([None, None, 0]),
).filter(lambda shape: shape.size > shape.most and not (shape.zonal and shape.size < 4))
words = st.one_of(
    st.sampled_from(["kill", "kill", "lost", "lost", "cut", "throttled"]),
    st.integers(1, 4).map(lambda number: f"sick i-{number}"),
    st.integers(1, 80).map(lambda acts: f"rival {acts}"),
)
harmless = st.sampled_from(["kill", "lost", "cut", "throttled"])
ACTS = st.integers(1, 260)
common = settings(deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))


@settings(common, max_examples=250)
@given(
    shape=shapes,
    on_failure=st.sampled_from(POLICIES),
    script=st.dictionaries(ACTS, words, max_size=5),
    fates=st.lists(st.sampled_from(FATES), max_size=4),
    gap=st.sampled_from([1.0, 20.0, 400.0]),
    lag=st.sampled_from([0.0, 20.0]),
)
def test_whatever_happens_nobody_is_forgotten(
    shape: Shape, on_failure: str, script: dict[int, str], fates: list[str], gap: float, lag: float
) -> None:
    # Given a farm, deploys that end somehow, and a row of kills, lost answers, illness and rivals
    cloud = shape.cloud()
    cloud.script, cloud.fates, cloud.list_lag_s = dict(script), list(fates), lag
    with wired(cloud):
        release = released(cloud, shape, on_failure, gap)
        # When it is released, and brought back or halted where it fails
        outcome = release.forward()
        if outcome != "accepted":
            release.back()
        # Then it ended in a state that is sound or told
        assert_sound(release, shape)
        # And when all is well again and the failed steps are cleared, it ends accepted
        cloud.script, cloud.fates = {}, []
        for box in cloud.boxes.values():
            box.sick = False
        cloud.sleep(1.0)
        cloud.sleep(600.0)
        mend(release, shape)
        assert_sound(release, shape)


def mend(release: Release, shape: Shape) -> None:
    """What people do: clear what failed, unlock, clear again. Each stop on the way is sound or told."""
    for _ in range(3):
        if release.region.phase in (Phase.STUCK, Phase.ROLLING_BACK):
            assert release.back() == "done"
            assert_sound(release, shape)
        release.run().ledger.unlock(by="test", reason="mended", run="unlock")
        if release.forward() == "accepted":
            return
        release.back()
        assert_sound(release, shape)
    raise AssertionError(f"it can't be mended: {release.region.failure}")


@settings(common, max_examples=150)
@given(
    shape=shapes,
    script=st.dictionaries(ACTS, harmless, max_size=5),
    gap=st.sampled_from([1.0, 20.0, 400.0]),
)
def test_kills_and_lost_answers_alone_stop_no_release(
    shape: Shape, script: dict[int, str], gap: float
) -> None:
    # Given workers that die and answers that are lost, and nothing wrong with machines or builds
    cloud = shape.cloud()
    cloud.script = dict(script)
    with wired(cloud):
        release = released(cloud, shape, "halt", gap)
        # Then it is released, with one deploy on each machine
        assert release.forward() == "accepted"
        assert_sound(release, shape)
        sent = [order.machine for order in cloud.orders if order.build == NEW]
        assert sorted(sent) == sorted(cloud.boxes)
