"""The process of a release is killed between any two calls: nothing is forgotten, and nothing done twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.airlock.model.record import Outcome
from tests.integration.aws.conftest import quick_connections
from tests.integration.aws.doomed import (
    Doomed,
    after_each_change,
    before_each_change,
    later_and_later,
    survive,
)
from tests.integration.aws.trace import Scene
from tests.integration.aws.world import PRODUCTION, blue_green, rolling
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.sandbox_client import SandboxClient, SandboxRun

FORWARD = ("orders", "checkout", "addresses", "undrained", "scaled")
"""Released forward; ``patient`` is brought back, and ``search`` is blue/green."""


def forward(release: Rehearsal) -> None:
    """What is left of the lane, step by step, as Airflow would try it again."""
    [place] = release.request.regions
    assert release.lane(place), release.errors


def back(release: Rehearsal) -> None:
    """The way back of the lane."""
    assert release.back(PRODUCTION), release.errors


class Killed:
    """The releases after they were killed many times, and how their groups had stood before."""

    def __init__(self, sandbox: SandboxClient, folder: Path) -> None:
        self.sandbox = sandbox
        self.scenes = {name: Scene(sandbox, name) for name in (*FORWARD, "lonely", "search")}
        self.before = {name: scene.standings() for name, scene in self.scenes.items()}
        production: dict[str, Any] = {"regions": [PRODUCTION], "on_failure": "roll_back_region"}

        def doomed(name: str, *more: Any, **keys: Any) -> Doomed:
            return Doomed(rolling(name, **keys), folder / f"{name}.json", *more, conf=production)

        shift = blue_green(step_bake=timedelta(0))
        self.doomed = {
            "orders": doomed("orders", after_each_change(), forward),
            "checkout": doomed("checkout", before_each_change(), forward),
            "addresses": doomed(
                "addresses", later_and_later("call", 20, 7), forward, farm={"classic_load_balancers": ()}
            ),
            "undrained": doomed("undrained", later_and_later("store", 1, 1), forward),
            "scaled": doomed(
                "scaled",
                later_and_later("after_change", 1, 1),
                forward,
                farm={"autoscaling_group": "scaled-production"},
            ),
            "lonely": doomed("lonely", after_each_change(), back, min_healthy=0),
            "search": Doomed(shift, folder / "search.json", later_and_later("call", 20, 7), forward),
        }

    def run(self) -> None:
        """The preflights and what a way back needs before it; then the deaths."""
        for name, each in self.doomed.items():
            release = each.rehearsal()
            assert release.step("preflight"), release.errors
            if name == "lonely":
                assert release.step("check", PRODUCTION) and release.step("roll", PRODUCTION), release.errors
        survive(list(self.doomed.values()))


@pytest.fixture(scope="module")
def killed(aws_run: SandboxRun, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """All of them, side by side."""
    aws_run.client.reset()
    with pytest.MonkeyPatch.context() as patched:
        quick_connections(aws_run.client, patched)
        found = Killed(aws_run.client, tmp_path_factory.mktemp("killed"))
        found.run()
        yield found


@pytest.mark.parametrize("service", FORWARD)
def test_machine_by_machine(killed: Killed, service: str) -> None:
    # Given a release whose process was killed again and again / Then it ended well all the same
    release, scene = killed.doomed[service].rehearsal(), killed.scenes[service]
    assert killed.doomed[service].tries >= 5
    outcome, sentence = release.outcome()
    assert outcome is Outcome.RELEASED, sentence
    # And every machine got the build once, while the others served, and is back where it was
    assert scene.deployed() == [(machine, NEW) for machine in scene.machines]
    assert scene.standings() == killed.before[service]
    scene.assert_never_below(len(scene.machines) - 1)
    scene.assert_one_deploy_at_a_time()
    assert release.ledger.lock() is None


def test_auto_scaling_is_given_back(killed: Killed) -> None:
    group = killed.sandbox.aws_state("scaling_groups")["scaled-production"]
    assert group["suspended"] == []
    assert set(group["instances"].values()) == {"InService"}


def test_on_the_way_back(killed: Killed) -> None:
    # Given a way back whose process was killed after each of its changes / Then the old build serves again
    release, scene = killed.doomed["lonely"].rehearsal(), killed.scenes["lonely"]
    assert killed.doomed["lonely"].tries > 3
    assert release.outcome()[0] is Outcome.ROLLED_BACK
    assert [build for _, build in scene.deployed()] == [NEW, OLD]
    assert scene.standings() == killed.before["lonely"]
    scene.assert_one_deploy_at_a_time()


def test_between_two_groups(killed: Killed) -> None:
    # Given a blue/green release that was killed at calls of every kind / Then all requests go to the new build
    release, pair = killed.doomed["search"].rehearsal(), killed.scenes["search"]
    outcome, sentence = release.outcome()
    assert outcome is Outcome.RELEASED, sentence
    assert len(pair.deployed()) == 2
    listener, groups = pair.told["listener"], pair.told["target_groups"]
    changes = [e for e in pair.sandbox.events("listener_changed") if e["listener"] == listener]
    shares = [each["weights"].get(groups["search-green"], 0) for each in changes]
    assert shares == sorted(shares) and shares[-1] == 100
    pair.assert_one_deploy_at_a_time(most=2)
