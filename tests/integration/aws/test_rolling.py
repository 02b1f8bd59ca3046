"""A rolling release with nothing in its way: what it asks for, and what clients notice of it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from include.airlock.model.record import Outcome
from tests.integration.aws.trace import ATTACH, DETACH, Scene
from tests.integration.aws.world import PRODUCTION, SPEED, STAGING
from tests.integration.aws_load.running_load import load_on
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.sandbox_client import SandboxClient


def test_both_farms_in_order(roll: Any, sandbox: SandboxClient) -> None:
    # Given two sound farms / When both are released
    first, scene = Scene(sandbox, "checkout", "staging"), Scene(sandbox, "checkout")
    before = scene.standings()
    release: Rehearsal = roll("checkout", regions=[STAGING, PRODUCTION])
    outcome, sentence = release.go()
    assert outcome is Outcome.RELEASED, (sentence, release.errors)
    # Then the first was done before the second was touched, each machine left and came back once, in turn
    assert scene.builds() == first.builds() == [NEW, NEW]
    assert first.entries()[-1]["at"] <= scene.asked(*DETACH)[0]["at"]
    for farm in (first, scene):
        farm.assert_never_below(1)
        farm.assert_one_deploy_at_a_time()
        assert farm.turns(*DETACH) == farm.turns("SendCommand") == farm.turns(*ATTACH) == farm.machines
    # And everybody is back exactly where they were
    assert scene.standings() == before
    assert release.ledger.lock() is None
    # And when every step is cleared and runs again, nothing is sent
    sent = len(sandbox.requests_of("ssm:SendCommand")), len(scene.asked(*DETACH, *ATTACH))
    assert release.go()[0] is Outcome.RELEASED
    assert sent == (len(sandbox.requests_of("ssm:SendCommand")), len(scene.asked(*DETACH, *ATTACH)))


def test_no_client_notices(roll: Any, sandbox: SandboxClient, tmp_path: Path) -> None:
    # Given clients on kept and new connections, with long requests, through both balancers
    with load_on(sandbox, tmp_path) as load:
        # When the farm is released
        release: Rehearsal = roll("checkout")
        outcome, sentence = release.go()
        assert outcome is Outcome.RELEASED, (sentence, release.errors)
        sandbox.wait_until(lambda: load.answered(NEW))
    # Then each of them was answered, by the old build and by the new one
    assert load.faults() == []
    assert load.failed == 0


def test_requests_of_90_s_are_answered(roll: Any, sandbox: SandboxClient) -> None:
    # Given requests of 90 s in flight on both machines, and a deregistration delay that lets them end
    farm = Scene(sandbox, "patient")
    seconds = 90 / SPEED

    def whole(url: str) -> bool:
        answer = requests.get(f"{url}/slow", params={"seconds": str(seconds)}, timeout=30)
        return answer.ok and answer.json()["build"] == OLD

    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(whole, url) for url in farm.urls * 4]
        sandbox.wait_until(lambda: sum(_in_flight(farm)) >= len(sent))
        # When the farm is released
        began = time.monotonic()
        release: Rehearsal = roll("patient")
        outcome, sentence = release.go()
        assert outcome is Outcome.RELEASED, (sentence, release.errors)
    # Then none of them was cut: the deploy waited for each
    assert all(one.result() for one in sent)
    assert time.monotonic() - began > seconds
    assert [entry for entry in farm.entries() if entry.get("event") == "killed_connection"] == []


def _in_flight(farm: Scene) -> list[int]:
    known = farm.sandbox.aws_state("machines")
    return [known[machine]["in_flight"] for machine in farm.machines]


def test_two_at_once_registered_by_address(roll: Any, sandbox: SandboxClient) -> None:
    # Given three machines whose addresses are registered, of which two may be out at once
    farm = Scene(sandbox, "addresses")
    before = farm.standings()
    release: Rehearsal = roll("addresses", {"classic_load_balancers": ()}, {"max_unavailable": 2})
    # When they are released
    outcome, sentence = release.go()
    # Then one of them always served, and the addresses are registered as they were
    assert outcome is Outcome.RELEASED, (sentence, release.errors)
    assert farm.builds() == [NEW] * 3
    farm.assert_never_below(1, most_out=2)
    assert farm.standings() == before


def test_a_machine_that_has_the_build_is_left_alone(roll: Any, scene: Scene) -> None:
    # Given a machine that got the new build some other way / When the farm is released
    first, second = scene.machines
    scene.sandbox.stage_machine(first, NEW)
    release: Rehearsal = roll()
    outcome, sentence = release.go()
    # Then only the other one is touched
    assert outcome is Outcome.RELEASED, (sentence, release.errors)
    assert scene.turns(*DETACH) == scene.turns("SendCommand") == [second]
    assert scene.builds() == [NEW, NEW]
