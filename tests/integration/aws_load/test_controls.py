"""The load proof tells a careful release from careless ones.

The same farm under the same load: releases that must fail the proof, and careful ones, which are one.
Without the first the others would show nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from include.local.rivals import article
from include.local.rivals.farm import Farm
from tests.integration.aws_load.conftest import SPEED
from tests.integration.aws_load.long_requests import PER_BALANCER, long_requests
from tests.integration.aws_load.releases import (
    HEALTHY,
    TooFewOthers,
    drain_for,
    kill_without_detach,
    standings,
    wait_for_states,
    wait_until,
)
from tests.integration.aws_load.running_load import LIMITS, NEW, OLD, load_on
from tests.load.report import Limits
from tests.sandbox_client import SandboxClient

pytestmark = pytest.mark.timeout(90)
SLEEP_S = article.SLEEP_S / SPEED
WARM_UP_S = 1.5 * article.SLEEP_S


def fall_sick(sandbox: SandboxClient, farm: Farm, machine: str) -> None:
    """Make a machine's health page fail, and wait until every load balancer has taken it out."""
    sandbox.fault("machine_sick", where={"machine": machine})
    wait_until(lambda: HEALTHY not in standings(farm, machine).values())


def test_a_deploy_without_a_detach_is_caught(sandbox: SandboxClient, farm: Farm, tmp_path: Path) -> None:
    """Given load, when both machines are deployed to while they serve, then requests fail."""
    with load_on(sandbox, tmp_path) as load:
        kill_without_detach(farm, NEW)
        sandbox.wait_until(lambda: load.answered(NEW))

    assert load.failed > 0
    assert any("requests failed" in fault for fault in load.faults())


def test_fixed_sleeps_and_a_slow_warm_up_are_caught(
    sandbox: SandboxClient, farm: Farm, tmp_path: Path
) -> None:
    """Given a build that warms up for longer than the article's sleep, when its pipeline releases it,
    then it calls itself done, and clients had an outage.
    """
    sandbox.fault("slow_warm_up", seconds=WARM_UP_S)
    with load_on(sandbox, tmp_path) as load:
        outcome = article.release(farm, NEW, sleep_s=SLEEP_S, poll_s=0.1)
        sandbox.wait_until(lambda: load.answered(NEW))

    assert outcome.ok
    assert load.failed > 0
    assert any("requests failed" in fault for fault in load.faults())


def test_fixed_sleeps_that_are_long_enough_pass(sandbox: SandboxClient, farm: Farm, tmp_path: Path) -> None:
    """Given a build that is warm within the article's sleep, when its pipeline releases it, then nothing
    fails: it was the warm-up that failed the pipeline above.
    """
    with load_on(sandbox, tmp_path) as load:
        article.release(farm, NEW, sleep_s=SLEEP_S, poll_s=0.1)
        sandbox.wait_until(lambda: load.answered(NEW))

    assert load.faults() == []


def test_a_detach_without_a_guard_is_caught(sandbox: SandboxClient, farm: Farm, tmp_path: Path) -> None:
    """Given a farm whose second machine is already out, when the first is detached with all waits
    but no guard, then nobody serves.
    """
    first, second = farm.instances
    fall_sick(sandbox, farm, second)
    with load_on(sandbox, tmp_path) as load:
        wait_for_states(farm, NEW, machines=[first], guarded=False)
        sandbox.wait_until(lambda: load.answered(NEW))

    assert load.failed > 0
    assert any("requests failed" in fault for fault in load.faults())


def test_the_guard_stops_that_release(sandbox: SandboxClient, farm: Farm, tmp_path: Path) -> None:
    """Given the same farm, when each detach is guarded, then nothing is detached and no request fails."""
    fall_sick(sandbox, farm, farm.instances[1])
    with load_on(sandbox, tmp_path) as load, pytest.raises(TooFewOthers):
        wait_for_states(farm, NEW)

    assert load.faults(Limits(max_gap_s=2.0, min_requests=10, builds=frozenset({OLD}))) == []
    assert sandbox.requests_of("elasticloadbalancing:DeregisterTargets") == []


def test_waits_for_states_lose_no_request(sandbox: SandboxClient, farm: Farm, tmp_path: Path) -> None:
    """Given load, when every wait is for a state and each detach is guarded, then the load is a proof."""
    with load_on(sandbox, tmp_path) as load:
        wait_for_states(farm, NEW)
        sandbox.wait_until(lambda: load.answered(NEW))

    assert load.faults(LIMITS) == []
    assert load.failed == 0


def test_waits_for_states_outlast_a_slow_warm_up(sandbox: SandboxClient, farm: Farm, tmp_path: Path) -> None:
    """Given the build that the article's pipeline fails with, when states are waited for, then none fails."""
    sandbox.fault("slow_warm_up", seconds=WARM_UP_S)
    with load_on(sandbox, tmp_path) as load:
        wait_for_states(farm, NEW)
        sandbox.wait_until(lambda: load.answered(NEW))

    assert load.faults(LIMITS) == []


def test_fixed_sleeps_cut_long_requests(sandbox: SandboxClient, farm: Farm) -> None:
    """Given requests of 90 s in flight, and balancers that would wait, when the article's pipeline deploys
    after 60 s, then half of them are cut: all those on that machine.
    """
    drain_for(farm, 120)
    with long_requests(sandbox, 90 / SPEED) as sent:
        article.release(replace(farm, instances=farm.instances[:1]), NEW, sleep_s=SLEEP_S, poll_s=0.1)

    assert sent.cut == PER_BALANCER


def test_waits_for_states_let_long_requests_end(sandbox: SandboxClient, farm: Farm) -> None:
    """Given the same requests, when the deploy waits until the machine is drained, then none is cut."""
    drain_for(farm, 120)
    with long_requests(sandbox, 90 / SPEED) as sent:
        wait_for_states(farm, NEW, machines=farm.instances[:1])

    assert sent.cut == 0
