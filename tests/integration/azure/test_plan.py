"""The plan of a release of payments: what it says is what then happens; bound to one, drift stops it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from include.airlock.errors import Locked, Refused
from include.airlock.model.record import Outcome
from include.airlock.release.ledger import Ledger
from include.airlock.release.place import FaultsFound
from include.airlock.release.planning import PlanDrifted, bound_plan
from tests.integration.planned import asked, last, plan_of, planned
from tests.integration.rehearsal import NEW, OLD, Rehearsal
from tests.integration.undoing import Undoing
from tests.sandbox_client import SandboxClient

WEST, NORTH, SOUTH = "westeurope", "northeurope", "uksouth"
OTHER = "2026.11.3"


@pytest.fixture
def plan(rehearse: Any) -> Any:
    """Make a plan of payments: the run that made it."""

    def make(**conf: Any) -> Rehearsal:
        made: Rehearsal = rehearse(plan_only=True, release="PLAN-1", **conf)
        assert made.step("preflight"), made.errors
        return made

    return make


@pytest.fixture
def bound(rehearse: Any, plan: Any) -> Any:
    """Make a plan, and a release that is bound to it."""

    def make(**conf: Any) -> Rehearsal:
        made = plan()
        release: Rehearsal = rehearse(ledger=made.ledger, plan=plan_of(made).hash, **conf)
        return release

    return make


def refused(release: Rehearsal) -> list[str]:
    """What the preflight says when it refuses, one line a fault."""
    assert not release.step("preflight")
    fault = release.errors["preflight"]
    assert isinstance(fault, PlanDrifted), fault
    assert release.outcome()[0] is Outcome.REFUSED
    return [str(each) for each in fault.faults]


def test_what_is_planned_is_what_is_done(rehearse: Any, plan: Any, sandbox: SandboxClient) -> None:
    # Given a plan / Then nothing was touched, and it ends well
    made = plan()
    assert asked(sandbox) == []
    outcome, sentence = made.outcome()
    assert outcome is Outcome.PLANNED
    assert sentence == (
        f"{NEW} was only planned for {WEST}, {NORTH}, {SOUTH}, nothing was touched; plan {plan_of(made).hash}"
    )
    # When a release bound to it runs / Then it makes the same calls in the same order
    release: Rehearsal = rehearse(ledger=made.ledger, plan=plan_of(made).hash)
    assert release.go()[0] is Outcome.RELEASED, release.errors
    swaps = [call for call in plan_of(made).calls if call.step == "swap"]
    assert asked(sandbox) == planned(swaps)
    # And its way back, the swaps in reverse order
    since = last(sandbox)
    assert Undoing.of(release).go()[0] is Outcome.ROLLED_BACK
    assert asked(sandbox, since=since) == planned(c for way in plan_of(made).way_back for c in way.calls)


def test_the_refresh_is_planned_as_well(rehearse: Any, sandbox: SandboxClient) -> None:
    release: Rehearsal = rehearse(regions=[WEST], refresh_build=OTHER)
    assert release.go()[0] is Outcome.RELEASED, release.errors
    release.step(f"refresh.{WEST}")
    assert asked(sandbox) == planned(plan_of(release).calls)
    # And a staging slot that will hold what it is to get is left alone
    again: Rehearsal = rehearse(regions=[NORTH], refresh_build=OLD, release="CHG-2")
    assert again.step("preflight"), again.errors
    assert [call.step for call in plan_of(again).calls] == ["swap"]


def test_past_releases_tell_how_long_it_takes(rehearse: Any) -> None:
    release: Rehearsal = rehearse(regions=[WEST, NORTH])
    assert release.go()[0] is Outcome.RELEASED, release.errors
    assert {call.source for call in plan_of(release).calls} == {"default"}
    assert set(release.run.region(WEST).laps) == {"swap", "verify", "bake"}
    # When the next one is planned, only for one of them
    later: Rehearsal = rehearse(
        ledger=release.ledger, release="CHG-2", build=OLD, regions=[WEST, SOUTH], plan_only=True
    )
    assert not later.step("preflight"), "uksouth runs that build already"
    later = rehearse(ledger=release.ledger, release="CHG-3", build=OLD, regions=[WEST], plan_only=True)
    assert later.step("preflight"), later.errors
    [swap, _refresh] = plan_of(later).calls
    assert swap.source == "last release"
    assert swap.expected_s == release.run.region(WEST).laps["swap"]


def test_drift_stops_a_bound_release(bound: Any, sandbox: SandboxClient) -> None:
    # Given a release bound to a plan, and another build in one staging slot since
    release: Rehearsal = bound()
    sandbox.stage("payments", WEST, OTHER)
    since = last(sandbox)
    # When it starts / Then it says what changed, and nothing is touched
    lines = refused(release)
    assert lines[0] == f"{WEST}: staging held {NEW}, now holds {OTHER}"
    assert asked(sandbox, since=since) == [] and release.ledger.lock() is None
    sentence = release.outcome()[1]
    assert f"not as plan {release.request.plan} has it; nothing was touched" in sentence
    assert {"region": WEST, "code": "drifted", "text": lines[0].partition(": ")[2]} in release.record.faults


def test_another_wish_or_spec_is_named(bound: Any) -> None:
    release: Rehearsal = bound(on_failure="halt", regions=[WEST])
    release.service = release.service.model_copy(update={"bake": timedelta(seconds=1)})
    assert refused(release) == [
        f"the request: the regions were {WEST}, {NORTH}, {SOUTH} and are {WEST}",
        "the request: the policy was roll_back_region and is halt",
        "the spec: bake was 0s, is 1s",
    ]


def test_an_unknown_plan_is_refused(rehearse: Any, plan: Any) -> None:
    made = plan()
    release: Rehearsal = rehearse(ledger=made.ledger, plan="0123456789abcdef")
    assert not release.step("preflight")
    said = str(release.errors["preflight"])
    assert said.startswith("no plan 0123456789abcdef of payments is remembered")
    assert plan_of(made).hash in said and release.outcome()[0] is Outcome.REFUSED


def test_a_clear_under_way_is_not_stopped_by_its_own_doing(bound: Any, sandbox: SandboxClient) -> None:
    # Given a bound release whose first region is accepted and whose second is swapped
    release: Rehearsal = bound()
    assert release.step_until(NORTH, "swap"), release.errors
    # When its preflight is cleared / Then it passes, with the same plan
    assert release.step("preflight"), release.errors
    assert release.record.plan == release.request.plan
    # When the region to come has drifted / Then a cleared preflight says so, of it alone
    sandbox.stage("payments", SOUTH, OTHER)
    lines = refused_again(release)
    assert lines[0] == f"{SOUTH}: staging held {NEW}, now holds {OTHER}"
    assert {line.partition(":")[0] for line in lines} == {SOUTH}
    # When it is as planned again / Then the release goes on to its end
    release.service = release.service.model_copy()
    sandbox.stage("payments", SOUTH, NEW)
    unbound = Rehearsal(release.service, replace(release.request, plan=None), release.ledger)
    assert unbound.step("preflight"), unbound.errors
    assert unbound.lane(NORTH) and unbound.lane(SOUTH), unbound.errors
    assert unbound.outcome()[0] is Outcome.RELEASED


def refused_again(release: Rehearsal) -> list[str]:
    """What the preflight of a release under way says."""
    assert not release.step("preflight")
    fault = release.errors["preflight"]
    assert isinstance(fault, FaultsFound)
    return [str(each) for each in fault.faults]


def test_a_plan_that_was_forgotten_holds_only_what_has_not_begun(bound: Any) -> None:
    # Given a bound release that has begun its first region, and a plan that nobody remembers
    release: Rehearsal = bound()
    assert release.step_until(WEST, "swap"), release.errors
    store: Any = release.ledger._store
    store.delete(f"plan/{release.request.plan}")
    # When its preflight is cleared / Then what it was bound to can't be told for the regions to come
    assert not release.step("preflight")
    assert "no plan" in str(release.errors["preflight"])
    # But where all have begun there is nothing left to compare
    assert bound_plan(replace(release.run, request=replace(release.request, regions=(WEST,)))) is None


def test_a_plan_refuses_as_a_release_does(rehearse: Any, plan: Any, sandbox: SandboxClient) -> None:
    # Given a region that can't be released
    sandbox.stage("payments", SOUTH, OTHER)
    made: Rehearsal = rehearse(plan_only=True)
    assert not made.step("preflight")
    assert isinstance(made.errors["preflight"], FaultsFound)
    assert made.outcome()[0] is Outcome.REFUSED and made.record.plan is None
    # And a service that is locked
    made.run.lock("rolled_back", "it was bad")
    other: Rehearsal = rehearse(ledger=made.ledger, release="PLAN-2", plan_only=True, regions=[WEST])
    assert not other.step("preflight")
    assert isinstance(other.errors["preflight"], Locked)


def test_plans_put_no_release_out_of_mind(rehearse: Any) -> None:
    # Given a release, and many plans after it
    release: Rehearsal = rehearse(regions=[WEST])
    assert release.go()[0] is Outcome.RELEASED
    ledger: Ledger = release.ledger
    for number in range(60):
        rehearse(ledger=ledger, release=f"PLAN-{number}", build=OLD, plan_only=True, regions=[WEST])
    made: Rehearsal = rehearse(ledger=ledger, release="P", build=OLD, plan_only=True, regions=[WEST])
    assert made.step("preflight"), made.errors
    # Then the release is known, is the last one, and has a say
    assert ledger.known() == ["CHG-1"] and ledger.release("PLAN-0") is None
    assert ledger.changed_later("CHG-1", WEST) is None
    assert len(ledger.seconds_taken(WEST, most=10)) == 1
    assert Undoing.of(release).look().release == "CHG-1"


def test_no_step_but_the_preflight_is_there_for_a_plan(plan: Any) -> None:
    made: Rehearsal = plan()
    acting = [step.id for step in made.plan if step.room != "announce" and step.verb != "verdict"]
    assert [name for name in acting if made.operator(name).plans] == ["preflight"]


def test_a_plan_can_not_be_bound(rehearse: Any) -> None:
    with pytest.raises(Exception, match="plan_only releases nothing, so there is nothing to bind"):
        rehearse(plan_only=True, plan="0123456789abcdef")
    with pytest.raises(Exception, match="a plan's hash has 16 digits"):
        rehearse(plan="DROP")
    assert issubclass(PlanDrifted, Refused)
