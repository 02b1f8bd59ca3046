"""A listener's switch killed, cut off and crossed at any act: proved, undone, or a loud stop."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.airlock.model.record import Phase
from tests.unit.aws.machine_cloud import NEW
from tests.unit.aws.machine_wires import wired
from tests.unit.aws.release_drive import Release
from tests.unit.aws.router_cloud import (
    BLUE,
    GREEN,
    Listener,
    assert_sound,
    bind,
    released,
    routed,
    service,
)

SPECS = {
    (steps, bake): service(steps, bake)
    for steps in ("[100]", "[10, 50, 100]", "[50, 100]")
    for bake in ("0s", "20s", "3m")
}
LANE = ("check", "switch", "verify", "bake")
words = st.one_of(
    st.sampled_from(["kill", "kill", "lost", "lost", "cut", "throttled", "portal", "third", "reset"]),
    st.integers(1, 4).map(lambda number: f"sick i-{number}"),
    st.integers(1, 80).map(lambda acts: f"rival {acts}"),
)
harmless = st.sampled_from(["kill", "lost", "cut", "throttled"])
ACTS = st.integers(1, 500)
common = settings(deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))
gaps = st.sampled_from([1.0, 20.0, 400.0])


def way_back(release: Release, listener: Listener) -> str:
    listener.back = True
    told = release.back()
    listener.back = False
    return told


@settings(common, max_examples=120)
@given(
    spec=st.sampled_from(sorted(SPECS)),
    on_failure=st.sampled_from(["halt", "roll_back_region"]),
    script=st.dictionaries(ACTS, words, max_size=5),
    fates=st.lists(st.sampled_from(["well", "fails", "broken", "liar", "endless"]), max_size=3),
    gap=gaps,
)
def test_whatever_happens_nothing_ill_or_foreign_is_touched(
    spec: tuple[str, str], on_failure: str, script: dict[int, str], fates: list[str], gap: float
) -> None:
    # Given deploys that end somehow, kills, lost answers, illness, rivals and somebody in the portal
    cloud, listener = routed()
    cloud.fates = list(fates)
    with wired(cloud) as (bound, patch):
        bind(bound, patch, listener)
        release = released(cloud, SPECS[spec], on_failure, gap, dict(script))
        # When it is released, and brought back or halted where it fails
        if release.forward(*LANE) != "accepted":
            way_back(release, listener)
        assert_sound(release, listener)
        # And when all is well again and it is cleared, it ends accepted
        cloud.script, cloud.fates = {}, []
        for box in cloud.boxes.values():
            box.sick = False
        cloud.sleep(1.0)
        cloud.sleep(600.0)
        mend(release, listener)
        assert_sound(release, listener)


def mend(release: Release, listener: Listener) -> None:
    """What people do: undo what somebody did in the portal, clear what failed, unlock, clear again."""
    for _ in range(3):
        if listener.foreign_at is not None and release.region.phase is not Phase.ACCEPTED:
            shift = None if release.region.phase is Phase.ROLLED_BACK else release.region.shift
            listener.write((shift.weights or shift.before) if shift else {BLUE: 1})
            listener.foreign_at = None
        if release.region.phase in (Phase.STUCK, Phase.ROLLING_BACK):
            assert way_back(release, listener) == "done"
            assert_sound(release, listener)
        release.run().ledger.unlock(by="test", reason="mended", run="unlock")
        if release.forward(*LANE) == "accepted" or release.region.phase is Phase.ACCEPTED:
            return
        way_back(release, listener)
        assert_sound(release, listener)
    raise AssertionError(f"it can't be mended: {release.region.failure}")


@settings(common, max_examples=80)
@given(spec=st.sampled_from(sorted(SPECS)), script=st.dictionaries(ACTS, harmless, max_size=5), gap=gaps)
def test_kills_and_lost_answers_alone_stop_no_switch(
    spec: tuple[str, str], script: dict[int, str], gap: float
) -> None:
    # Given workers that die and answers that are lost, and nothing wrong with machines or builds
    cloud, listener = routed()
    with wired(cloud) as (bound, patch):
        bind(bound, patch, listener)
        release = released(cloud, SPECS[spec], "halt", gap, dict(script))
        # Then it is released, with one deploy on each idle machine, and each step was given once taken
        assert release.forward(*LANE) == "accepted"
        assert_sound(release, listener)
        assert sorted(order.machine for order in cloud.orders if order.build == NEW) == ["i-3", "i-4"]
        shares = [weights.get(GREEN, 0) for weights in listener.calls]
        assert shares == sorted(shares)


@pytest.mark.parametrize("spec", sorted(SPECS))
def test_the_way_back_is_one_call(spec: tuple[str, str]) -> None:
    # Given a switch that is verified, and turns out bad
    cloud, listener = routed()
    with wired(cloud) as (bound, patch):
        bind(bound, patch, listener)
        release = released(cloud, SPECS[spec], "roll_back_region", 1.0, {})
        assert release.forward("check", "switch", "verify") == "accepted"
        before = len(listener.calls)
        # When it is brought back / Then one call moves all of the traffic, and it is proved
        assert way_back(release, listener) == "done"
        assert listener.calls[before:] == [{BLUE: 100, GREEN: 0}]
        assert release.region.phase is Phase.ROLLED_BACK
        # And when that step is cleared nothing is asked again
        assert way_back(release, listener) == "done"
        assert len(listener.calls) == before + 1
