"""The sandbox's own door: what the demo and the figures read there is what a real release leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.local.control import SandboxControl
from include.local.demo_story import RELEASE_D
from include.local.machines import places_of
from include.local.rivals import article
from include.local.rivals.farm import Farm
from include.local.turns import Turns
from tests.sandbox_client import SandboxRun

PLACE = "eu-west-1.production"
SPEED = 60


@pytest.fixture(name="sandbox", scope="module")
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    run = SandboxRun(tmp_path_factory.mktemp("sandbox"), {"speed": SPEED})
    yield run
    assert run.stop() == 0


def test_a_fresh_farm_serves_in_every_group(sandbox: SandboxRun) -> None:
    farms = SandboxControl(sandbox.client.endpoints).farms("checkout")
    assert set(farms) == {"eu-west-1.staging", PLACE}
    machines = farms[PLACE].values()
    assert [(held.build, held.stage, len(held.standings)) for held in machines] == [
        ("2026.11.1", "serving", 2)
    ] * 2


def test_the_turns_of_a_release_are_in_the_journal(sandbox: SandboxRun) -> None:
    # Given a release by somebody who waits long enough
    control = SandboxControl(sandbox.client.endpoints)
    places = places_of(control.farms("checkout")[PLACE])
    farm = Farm.of_endpoints(sandbox.client.endpoints, "checkout", "eu-west-1", "production")
    assert article.release(farm, "2026.11.2", sleep_s=90 / SPEED, poll_s=0.1).ok
    # Then each machine left each of its groups once, on request, and came back with the build
    turns = Turns.read(control.journal(), places)
    once = dict.fromkeys(places, 1)
    assert (turns.left, turns.returned, turns.asked) == (once, once, once)
    assert turns.deployed == {id_: ["2026.11.2"] for id_ in farm.instances}
    assert (turns.most_out, turns.hasty) == (1, [])


def test_a_reset_makes_the_farm_anew(sandbox: SandboxRun) -> None:
    control = SandboxControl(sandbox.client.endpoints)
    control.reset()
    assert control.journal() == []
    assert {held.build for held in control.farms("checkout")[PLACE].values()} == {"2026.11.1"}


def test_the_demos_hosts_are_the_farms_public_ones(sandbox: SandboxRun) -> None:
    farm = sandbox.client.endpoints["services"]["checkout"]["regions"]["eu-west-1"]["farms"]["production"]
    assert set(RELEASE_D.scene.expected.hosts) == set(farm["public"])  # type: ignore[attr-defined]
