"""The process of a release is killed between any two calls: nothing is forgotten, and nothing done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from include.airlock.model.record import Outcome
from tests.integration.aws.doomed import (
    Doomed,
    Fate,
    after_each_change,
    before_each_change,
    later_and_later,
    survive,
)
from tests.integration.aws.trace import Scene
from tests.integration.aws.world import PRODUCTION, blue_green, rolling
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.sandbox_client import SandboxClient

FORWARD = ("orders", "checkout", "addresses", "patient", "scaled")
"""Released forward; ``lonely`` is brought back, and ``search`` is blue/green."""


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

        def doomed(
            name: str, fates: Iterator[Fate], act: Callable[[Rehearsal], object], **keys: Any
        ) -> Doomed:
            return Doomed(rolling(name, **keys), folder / f"{name}.json", fates, act, production)

        shift = blue_green(step_bake=timedelta(0))
        self.doomed = {
            "orders": doomed("orders", after_each_change(), forward),
            "checkout": doomed("checkout", before_each_change(), forward),
            "addresses": doomed(
                "addresses", later_and_later("call", 20, 7), forward, farm={"classic_load_balancers": ()}
            ),
            "patient": doomed("patient", later_and_later("store", 1, 1), forward),
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


def machine_by_machine(killed: Killed, service: str) -> None:
    """Every machine got the build once, while the others served, and is back where it was."""
    release, scene = killed.doomed[service].rehearsal(), killed.scenes[service]
    outcome, sentence = release.outcome()
    assert outcome is Outcome.RELEASED, sentence
    assert scene.deployed() == [(machine, NEW) for machine in scene.machines]
    assert scene.standings() == killed.before[service]
    scene.assert_never_below(len(scene.machines) - 1)
    scene.assert_one_deploy_at_a_time()
    assert release.ledger.lock() is None


def on_the_way_back(killed: Killed, service: str) -> None:
    """The old build serves again, and was deployed once."""
    release, scene = killed.doomed[service].rehearsal(), killed.scenes[service]
    outcome, sentence = release.outcome()
    assert outcome is Outcome.ROLLED_BACK, sentence
    assert [build for _, build in scene.deployed()] == [NEW, OLD]
    assert scene.standings() == killed.before[service]
    scene.assert_one_deploy_at_a_time()


def between_two_groups(killed: Killed, service: str) -> None:
    """All requests go to the new build, and got there without a step back."""
    release, pair = killed.doomed[service].rehearsal(), killed.scenes[service]
    outcome, sentence = release.outcome()
    assert outcome is Outcome.RELEASED, sentence
    assert len(pair.deployed()) == 2
    listener, groups = pair.told["listener"], pair.told["target_groups"]
    changes = [e for e in pair.sandbox.events("listener_changed") if e["listener"] == listener]
    shares = [each["weights"].get(groups["search-green"], 0) for each in changes]
    assert shares == sorted(shares) and shares[-1] == 100
    pair.assert_one_deploy_at_a_time(most=2)


def test_killed_again_and_again(
    sandbox: SandboxClient, connections: None, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    # Given seven releases side by side / When the process of each is killed at one call after the other
    killed = Killed(sandbox, tmp_path)
    killed.run()
    # Then each of them ended as if nothing had happened
    for service, each in killed.doomed.items():
        judge = {"lonely": on_the_way_back, "search": between_two_groups}.get(service, machine_by_machine)
        with subtests.test(service):
            assert each.tries >= 4, "it was hardly killed"
            judge(killed, service)
    # And Auto Scaling works as before
    group = sandbox.aws_state("scaling_groups")["scaled-production"]
    assert group["suspended"] == []
    assert set(group["instances"].values()) == {"InService"}
