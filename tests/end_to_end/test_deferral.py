"""Waits that are longer than a step's patience: the triggerer keeps them, and no worker waits."""

from __future__ import annotations

import time

import pytest

from include.local.api import AirflowApi
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.release import Release
from tests.end_to_end.world import NEW, OLD, WEST
from tests.sandbox_client import SandboxClient

BAKE = f"{WEST}.bake"


@pytest.fixture(scope="module")
def releases(api: AirflowApi, sandbox: SandboxClient) -> tuple[Release, Release]:
    """Two releases side by side, both watched by the triggerer."""
    both = (Release.start(api, sandbox, "long_bake"), Release.start(api, sandbox, "bad_bake"))
    for release in both:
        wait_for("a deferred bake", lambda each=release: each.state_of(BAKE) == "deferred", timeout_s=120)
    return both


def test_a_region_that_turns_bad_fails_long_before_the_bake_is_over(
    releases: tuple[Release, Release], sandbox: SandboxClient
) -> None:
    # Given a region that bakes under the triggerer's eyes / When a dependency goes away
    _, bad = releases
    where = {"service": bad.service, "region": WEST, "slot": "production"}
    fault = sandbox.fault("status_dependency_down", where=where)
    began = time.monotonic()
    # Then the release fails and says so, long before the 75 s are over, and nothing is swapped again
    assert bad.ended() == "failed"
    assert time.monotonic() - began < 60
    assert "not connected" in bad.sentence()
    assert len(bad.asked()) == 1
    sandbox.clear_faults(fault["id"])


def test_a_sound_region_is_accepted_when_the_bake_is_over(
    releases: tuple[Release, Release], sandbox: SandboxClient
) -> None:
    # Given a region that stays sound / When its bake is over / Then it is accepted, by one swap
    good, _ = releases
    assert good.ended() == "success"
    assert len(good.asked()) == 1
    assert sandbox.build(good.service, WEST) == NEW
    assert sandbox.build(good.service, WEST, "staging") == OLD
