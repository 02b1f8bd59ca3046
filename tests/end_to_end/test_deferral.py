"""Waits that are longer than a step's patience: the triggerer keeps them, and no worker waits."""

from __future__ import annotations

import time
from functools import partial

import pytest

from include.local.api import AirflowApi
from include.local.turns import RUN
from tests.end_to_end.aws_world import PATIENT, PLACE
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.farm import Farm, asked
from tests.end_to_end.release import Release
from tests.end_to_end.world import NEW, OLD, WEST
from tests.sandbox_client import SandboxClient

BAKE, ROLL = f"{WEST}.bake", f"{PLACE}.roll"
WAITS = {"long_bake": BAKE, "bad_bake": BAKE, PATIENT: ROLL}


@pytest.fixture(scope="module")
def releases(api: AirflowApi, sandbox: SandboxClient) -> dict[str, Release]:
    """Three releases side by side, all kept by the triggerer."""
    # One machine has the build, so that only the other one drains.
    sandbox.stage_machine(Farm(sandbox, PATIENT).machines[0], NEW)
    started = {service: Release.start(api, sandbox, service) for service in WAITS}
    for service, task in WAITS.items():
        wait_for(
            f"{task} of {service} to be deferred",
            partial(_is_deferred, started[service], task),
            timeout_s=120,
        )
    return started


def _is_deferred(release: Release, task: str) -> bool:
    return release.state_of(task) == "deferred"


def test_a_region_that_turns_bad_fails_long_before_the_bake_is_over(
    releases: dict[str, Release], sandbox: SandboxClient
) -> None:
    # Given a region that bakes under the triggerer's eyes / When a dependency goes away
    bad = releases["bad_bake"]
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
    releases: dict[str, Release], sandbox: SandboxClient
) -> None:
    # Given a region that stays sound / When its bake is over / Then it is accepted, by one swap
    good = releases["long_bake"]
    assert good.ended() == "success"
    assert len(good.asked()) == 1
    assert sandbox.build(good.service, WEST) == NEW
    assert sandbox.build(good.service, WEST, "staging") == OLD


def test_a_drain_longer_than_the_patience(releases: dict[str, Release], sandbox: SandboxClient) -> None:
    # Given a machine whose group drains for longer than a step waits, so that the roll gave its worker back
    release, farm = releases[PATIENT], Farm(sandbox, PATIENT)
    assert asked(release.entries(), "elasticloadbalancing:DeregisterTargets")
    # When the triggerer's moment has come / Then the roll goes on: the machine left and came back once
    assert release.ended() == "success", release.sentence()
    first, second = farm.machines
    turns = farm.turns(release.entries())
    assert turns.deployed == {second: [NEW]}
    assert {machine for machine, _ in turns.left} == {machine for machine, _ in turns.returned} == {second}
    assert set(turns.left.values()) == set(turns.returned.values()) == {1}
    assert farm.builds() == [NEW, NEW]
    # The wait was no failed try: there was one command, and the step was never retried.
    assert len(asked(release.entries(), RUN)) == 1
    assert first not in {machine for entry in release.changes() for machine in entry["machines"]}
