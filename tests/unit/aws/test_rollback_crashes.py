"""A rollback on AWS killed, cut off and crossed at any act: the old build everywhere, no floor is broken.

What must not happen while it goes on is checked by the models, ``machine_cloud`` and ``router_cloud``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.airlock.errors import AirlockError
from include.airlock.model.record import Phase
from include.airlock.release import rollback
from tests.unit.aws.farms import Shape, assert_sound
from tests.unit.aws.farms import released as farm_released
from tests.unit.aws.machine_cloud import NEW, OLD, Killed, MachineCloud
from tests.unit.aws.machine_wires import wired
from tests.unit.aws.release_drive import Release
from tests.unit.aws.router_cloud import BLUE, GREEN, bind, routed, service
from tests.unit.aws.router_cloud import released as router_released
from tests.unit.aws.test_farm_crashes import shapes
from tests.unit.release.pressing import Press, Serial

logging.disable(logging.WARNING)

words = st.one_of(
    st.sampled_from(["kill", "kill", "lost", "cut", "throttled"]),
    st.integers(1, 60).map(lambda acts: f"rival {acts}"),
)
scripts = st.dictionaries(st.integers(1, 260), words, max_size=5)
gaps = st.sampled_from([1.0, 20.0, 400.0])
common = settings(deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))


@contextmanager
def pressed(cloud: MachineCloud, release: Release, script: dict[int, str], gap: float) -> Iterator[Press]:
    """The button of a release that ended; what the script says counts from here on."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollback, "ThreadPoolExecutor", Serial)
        press = Press(cloud, release.service, release.run().ledger, lambda: None, gap_s=gap)

        def rival(acts: int) -> None:
            """Another process of the same step, which Airflow held for lost."""
            mine, cloud.leash = cloud.process, cloud.acts + acts
            cloud.process += 1_000
            with suppress(Killed, AirlockError, AssertionError):
                for name in reversed(press.places):
                    press.undo(name, 60.0)
            cloud.process, cloud.leash = mine, None

        cloud.rival, cloud.way_back = rival, True
        cloud.script = {cloud.acts + act: word for act, word in script.items()}
        yield press


@settings(common, max_examples=80)
@given(shape=shapes, script=scripts, gap=gaps)
def test_every_machine_gets_the_old_build_again(shape: Shape, script: dict[int, str], gap: float) -> None:
    # Given a farm whose release ended well
    cloud = shape.cloud()
    with wired(cloud):
        release = farm_released(cloud, shape, "halt")
        assert release.forward() == "accepted"
        # When it is undone by workers that die, ask in vain, or are held for lost
        with pressed(cloud, release, script, gap) as press:
            assert press.go(), press.stopped
    # Then each machine was deployed to once and stands where it stood
    assert release.region.phase is Phase.ROLLED_BACK
    assert_sound(release, shape)
    assert sorted(order.machine for order in cloud.orders if order.build == OLD) == sorted(cloud.boxes)
    assert len([order for order in cloud.orders if order.build == NEW]) == len(cloud.boxes)


@settings(common, max_examples=60)
@given(script=scripts, gap=gaps, steps=st.sampled_from(["[100]", "[10, 50, 100]"]))
def test_all_requests_go_back_to_the_old_group(script: dict[int, str], gap: float, steps: str) -> None:
    # Given a listener whose release ended well
    cloud, listener = routed()
    with wired(cloud) as (bound, patch):
        bind(bound, patch, listener)
        release = router_released(cloud, service(steps, "0s"), "halt", 1.0, {})
        assert release.forward("check", "switch", "verify", "bake") == "accepted"
        sent, listener.back = len(cloud.orders), True
        # When it is undone by workers that die, ask in vain, or are held for lost
        with pressed(cloud, release, script, gap) as press:
            assert press.go(), press.stopped
    # Then the weights say so, and nothing was deployed
    assert release.region.phase is Phase.ROLLED_BACK
    assert (listener.weights.get(GREEN, 0), len(cloud.orders)) == (0, sent)
    assert listener.weights[BLUE]
