"""A release between two target groups: deploy to the idle one, weight by weight, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from include.airlock.model.record import Outcome
from tests.integration.aws.moments import Moments, weight_is
from tests.integration.aws.trace import ATTACH, DETACH, Scene
from tests.integration.aws.world import REGION
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.sandbox_client import Json

CHANGE = "ModifyListener"
IMPATIENT = {"healthy_timeout": timedelta(seconds=3)}


def weights(pair: Scene) -> dict[str, int]:
    """The listener's weights now, by group name; a group in no action is left out."""
    found = pair.sandbox.aws("elbv2").describe_listeners(ListenerArns=[pair.told["listener"]])
    [action] = found["Listeners"][0]["DefaultActions"]
    names = {arn: name for name, arn in pair.told["target_groups"].items()}
    return {names[each["TargetGroupArn"]]: each["Weight"] for each in action["ForwardConfig"]["TargetGroups"]}


def set_weights(pair: Scene, **shares: int) -> None:
    """Somebody sets the listener's weights: ``blue=…, green=…``."""
    arns = pair.told["target_groups"]
    groups = [{"TargetGroupArn": arns[f"search-{c}"], "Weight": share} for c, share in shares.items()]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}
    pair.sandbox.aws("elbv2").modify_listener(ListenerArn=pair.told["listener"], DefaultActions=[action])


def green(pair: Scene) -> list[str]:
    """The machines of the idle group."""
    held = pair.sandbox.aws_state("target_groups")["search-green"]["targets"]
    return sorted(target.partition(":")[0] for target in held)


def switches(pair: Scene) -> list[Json]:
    """The requests for weights that Airlock sent."""
    found: list[Json] = pair.sandbox.requests_of(f"elasticloadbalancing:{CHANGE}")
    return found


def shares(pair: Scene) -> list[int]:
    """The weights that the green group had, one after the other, as the listener routed by them."""
    green, listener = pair.told["target_groups"]["search-green"], pair.told["listener"]
    events = [each for each in pair.sandbox.events("listener_changed") if each["listener"] == listener]
    return [each["weights"].get(green, 0) for each in events]


def test_step_by_step(shift: Any, pair: Scene) -> None:
    # Given a live group and an idle one / When a build is released
    release: Rehearsal = shift()
    outcome, sentence = release.go()
    # Then it went to the idle machines, and got the requests in steps
    assert outcome is Outcome.RELEASED, (sentence, release.errors)
    idle = green(pair)
    assert sorted(pair.deployed()) == [(machine, NEW) for machine in idle]
    assert shares(pair) == [0, 10, 50, 100]
    assert weights(pair) == {"search-blue": 0, "search-green": 100}
    # And the old group is warm, in its places and untouched
    known = pair.sandbox.aws_state("machines")
    assert {known[m]["build"] for m in pair.machines if m not in idle} == {OLD}
    assert set(pair.standings()["search-blue"].values()) == {"healthy"}
    assert pair.asked(*DETACH, *ATTACH) == []
    # And clearing every step changes nothing
    before = len(switches(pair))
    assert release.go()[0] is Outcome.RELEASED
    assert (len(switches(pair)), len(pair.deployed())) == (before, len(idle))


def fall_sick(pair: Scene) -> None:
    """The idle machines fall sick; their load balancer finds out later."""
    for machine in green(pair):
        pair.sandbox.fault("machine_sick", where={"machine": machine})


def get_another_build(pair: Scene) -> None:
    """Somebody puts another build onto the idle machines."""
    for machine in green(pair):
        pair.sandbox.stage_machine(machine, "2026.10.9")


@pytest.mark.parametrize(
    ("policy", "turn_bad"), [("roll_back_region", fall_sick), ("halt", get_another_build)]
)
def test_a_build_that_turns_bad_at_10_percent(
    shift: Any, pair: Scene, moments: Moments, policy: str, turn_bad: Callable[[Scene], None]
) -> None:
    # Given machines that turn bad when they have got their first requests / When the build is released
    moments.once(weight_is(10), lambda: turn_bad(pair))
    release: Rehearsal = shift(IMPATIENT, on_failure=policy)
    outcome, sentence = release.go()
    # Then it goes no further; by policy it is switched back in one call, or stays as it is and says so
    assert 50 not in shares(pair)
    if policy == "halt":
        assert outcome is Outcome.HALTED, sentence
        assert "10 % of the requests" in sentence
        assert weights(pair) == {"search-blue": 90, "search-green": 10}
        return
    assert outcome is Outcome.ROLLED_BACK, (sentence, release.errors)
    assert shares(pair) == [0, 10, 0]
    assert len(switches(pair)) == 3
    assert weights(pair) == {"search-blue": 100, "search-green": 0}
    lock = release.ledger.lock()
    assert lock is not None and lock.kind == "rolled_back"


def test_a_deploy_that_fails_sends_no_request_there(shift: Any, pair: Scene) -> None:
    # Given a deploy that fails on an idle machine / When the build is released
    pair.sandbox.fault("deploy_fails", where={"machine": green(pair)[0]}, times=1, when="after_stop")
    release: Rehearsal = shift(on_failure="halt")
    outcome, sentence = release.go()
    # Then the listener is as it was, and clearing the failed step ends the release
    assert outcome is Outcome.HALTED, sentence
    assert switches(pair) == [] and weights(pair) == {"search-blue": 1}
    assert release.lane(REGION), release.errors
    assert release.outcome()[0] is Outcome.RELEASED
    assert weights(pair) == {"search-blue": 0, "search-green": 100}


def test_an_idle_group_that_does_not_get_healthy(shift: Any, pair: Scene) -> None:
    # Given an idle group that its load balancer finds amiss / When the build is released
    pair.sandbox.fault("target_never_healthy", where={"group": "search-green"})
    release: Rehearsal = shift(IMPATIENT)
    outcome, sentence = release.go()
    # Then no request goes there, and all of them go to the old group
    assert outcome is Outcome.ROLLED_BACK, (sentence, release.errors)
    assert "is not healthy after 3 s" in sentence
    assert max(shares(pair)) == 0


def test_somebody_else_changes_the_weights(shift: Any, pair: Scene, moments: Moments) -> None:
    # Given a person who changes the weights in the middle of a release
    moments.once(weight_is(10), lambda: set_weights(pair, blue=70, green=30))
    release: Rehearsal = shift(on_failure="halt")
    outcome, sentence = release.go()
    # Then it stops and leaves them
    assert outcome is Outcome.HALTED
    assert "somebody changed the weights" in sentence
    assert weights(pair) == {"search-blue": 70, "search-green": 30}


def test_requests_for_weights_that_get_no_answer(shift: Any, pair: Scene) -> None:
    # Given answers that are lost / When a build is released / Then each share was set all the same, in order
    for fault in ("lost_reply", "throttled", "connection_dropped"):
        pair.sandbox.fault(fault, where={"operation": CHANGE}, times=2)
    release: Rehearsal = shift({"steps": (50, 100)})
    outcome, sentence = release.go()
    assert outcome is Outcome.RELEASED, (sentence, release.errors)
    assert sorted(set(shares(pair)), key=shares(pair).index) == [0, 50, 100]


def test_both_groups_serve_already(shift: Any, pair: Scene) -> None:
    # Given a listener that sends to both groups / When a build is released / Then it is refused
    set_weights(pair, blue=50, green=50)
    outcome, sentence = shift().go()
    assert outcome is Outcome.REFUSED
    assert "so none of them is idle" in sentence
    assert pair.deployed() == []


def test_a_third_group(shift: Any, pair: Scene) -> None:
    # Given a listener that also sends to a group that the spec does not name
    third = pair.sandbox.endpoints["services"]["orders"]["regions"][REGION]["farms"]["production"]
    pair.told["target_groups"]["search-third"] = third["target_groups"]["orders-production"]
    try:
        set_weights(pair, blue=50, third=50)
        outcome, sentence = shift().go()
    finally:
        del pair.told["target_groups"]["search-third"]
    # Then it is refused
    assert outcome is Outcome.REFUSED
    assert "it also sends requests to orders-production" in sentence


def test_an_idle_group_with_nobody_in_it(shift: Any, pair: Scene) -> None:
    # Given an idle group without machines / When a build is released / Then it is refused
    arn = pair.told["target_groups"]["search-green"]
    targets = [{"Id": machine} for machine in green(pair)]
    pair.sandbox.aws("elbv2").deregister_targets(TargetGroupArn=arn, Targets=targets)
    pair.sandbox.wait_until(lambda: not green(pair))
    outcome, sentence = shift().go()
    assert outcome is Outcome.REFUSED
    assert "search-green" in sentence


def test_the_way_back_is_not_taken_to_a_group_that_is_not_well(
    shift: Any, pair: Scene, moments: Moments
) -> None:
    # Given an old group that is lost once all requests go to the new one
    old = [machine for machine in pair.machines if machine not in green(pair)]

    def lose() -> None:
        for machine in old:
            pair.sandbox.fault("machine_dies", where={"machine": machine})
        pair.sandbox.wait_until(lambda: set(pair.standings()["search-blue"].values()) == {"unused"})

    moments.once(lambda region: region.shift is not None and region.shift.stage == 0, lose)
    # When the build is released
    release: Rehearsal = shift({"steps": (100,)})
    outcome, sentence = release.go()
    # Then it is not accepted, since there is no way back, and nobody is sent to the lost machines
    assert outcome is Outcome.HALTED, sentence
    assert "no machine is healthy in search-blue, which holds the way back" in sentence
    assert weights(pair) == {"search-blue": 0, "search-green": 100}


def test_released_again_after_a_way_back(shift: Any, pair: Scene, moments: Moments) -> None:
    # Given a release that was switched back, and machines that are well again
    moments.once(weight_is(50), lambda: fall_sick(pair))
    release: Rehearsal = shift(IMPATIENT)
    assert release.go()[0] is Outcome.ROLLED_BACK, release.errors
    pair.sandbox.clear_faults()
    # When the service is unlocked and the lane's steps are cleared / Then it is released
    release.ledger.unlock(by="ann", reason="the database is back", run="unlock-1")
    assert release.lane(REGION), release.errors
    outcome, sentence = release.outcome()
    assert outcome is Outcome.RELEASED, sentence
    assert weights(pair) == {"search-blue": 0, "search-green": 100}
