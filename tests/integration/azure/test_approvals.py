"""Releases that wait for people, against the sandbox: the answers are set, the cloud is real."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.airlock.errors import Decided, NotApproved
from include.airlock.model.approvals import Approvals, Ask, Before, SafeChoice
from include.airlock.model.decision import APPROVE, REJECT, Choice
from include.airlock.model.record import Outcome, Phase
from tests.integration.rehearsal import NEW, OLD, Rehearsal, answer
from tests.sandbox_client import SandboxClient

WEST, NORTH, SOUTH = "westeurope", "northeurope", "uksouth"
PAGE = {"service": "payments", "region": NORTH, "slot": "production"}
SWAP = {"service": "payments", "region": NORTH, "operation": "swap"}
BEFORE_BOTH = Approvals(before=(Before.RELEASE, Before.EACH_REGION), expiry=timedelta(hours=2))


@pytest.fixture
def approved(rehearse: Any) -> Any:
    """Make a release of two regions that wants approvals; ``answers`` are given to its questions in turn."""

    def make(answers: list[dict[str, Any]], approvals: Approvals = BEFORE_BOTH, **conf: Any) -> Rehearsal:
        release: Rehearsal = rehearse({"approvals": approvals}, **{"regions": [WEST, NORTH]} | conf)
        release.answers = answers
        return release

    return make


@pytest.fixture
def failing(rehearse: Any, sandbox: SandboxClient) -> Any:
    """Make a release that asks, whose second region is swapped and then shows a dead dependency."""

    def make(*answers: dict[str, Any], otherwise: str = "roll_back_region", **more: Any) -> Rehearsal:
        ask = Ask(expiry=timedelta(minutes=10), otherwise=SafeChoice(otherwise))
        release: Rehearsal = rehearse({"ask": ask}, on_failure="ask", regions=[WEST, NORTH])
        assert release.step_until(NORTH, "swap")
        sandbox.fault("status_dependency_down", where=PAGE)
        release.answers = list(answers)
        return release

    return make


def builds(sandbox: SandboxClient) -> list[str]:
    return [sandbox.build("payments", name) for name in (WEST, NORTH)]


def finish(release: Rehearsal, sandbox: SandboxClient) -> tuple[Outcome, str]:
    """The rest of the second region's lane, and the way back where that fails: the old build is well."""
    if not (release.verify(NORTH) and release.bake(NORTH)):
        sandbox.clear_faults()
        if release.back(NORTH):
            release.step("roll_back_earlier")
    return release.outcome()


# --- approvals


def test_approved_it_goes_on(approved: Any, sandbox: SandboxClient) -> None:
    # Given a release that wants an approval at its start and before each region / When all are given
    release = approved([answer(APPROVE, "ann", "ready"), answer(APPROVE, "ben"), answer(APPROVE, "cy")])
    # Then it is released, and who approved what and why is on record
    assert release.go()[0] is Outcome.RELEASED
    told = [(each.about, each.chosen, each.by, each.why) for each in release.record.decisions]
    assert told == [
        ("release", APPROVE, "ann", "ready"),
        (WEST, APPROVE, "ben", None),
        (NORTH, APPROVE, "cy", None),
    ]
    assert release.record.question is None
    # And the body showed an approver what goes where
    body = release.asked[0].body
    assert f"{WEST}: 2026.11.1 → 2026.11.2" in body.replace("\\", "")


def test_refused_at_the_start_nothing_is_touched(approved: Any, sandbox: SandboxClient) -> None:
    release = approved([answer(REJECT, "ann", "the database is being moved")], on_failure="roll_back_release")
    outcome, sentence = release.go()
    assert outcome is Outcome.REFUSED
    assert "it was not approved by ann: the database is being moved" in sentence
    # And no way back finds anything to do
    assert not release.back(WEST) and not release.back(NORTH)
    assert sandbox.requests_of("swap") == []
    assert release.ledger.lock() is None


def test_refused_between_regions_the_first_keeps_the_new_build(approved: Any, sandbox: SandboxClient) -> None:
    # Given a policy that would bring all back / When the second region is refused
    yes, no = answer(APPROVE), answer(REJECT, "ann", "too late tonight")
    release = approved([yes, yes, no], on_failure="roll_back_release")
    outcome, sentence = release.go()
    # Then it ends cleanly between the regions: nothing failed, so nothing is brought back or locked
    assert outcome is Outcome.HALTED
    assert (
        f"stopped between regions, before {NORTH}: it was not approved by ann: too late tonight" in sentence
    )
    assert builds(sandbox) == [NEW, OLD]
    assert release.ledger.lock() is None
    # When it is cleared and approved then / Then it goes on to its end; what was approved is not asked again
    release.answers = [answer(APPROVE, "ben", "tomorrow it is")]
    assert release.step("approve") and release.lane(WEST) and release.lane(NORTH)
    assert release.outcome()[0] is Outcome.RELEASED
    assert len(release.asked) == 4


def test_an_expired_question_is_a_no(approved: Any, sandbox: SandboxClient) -> None:
    release = approved([])
    outcome, sentence = release.go()
    assert outcome is Outcome.REFUSED
    assert "nobody approved it within 2h" in sentence
    assert isinstance(release.errors["approve"], NotApproved)
    assert release.record.decisions[-1].timed_out


def test_who_asked_may_not_approve(approved: Any, sandbox: SandboxClient) -> None:
    # Given a spec in which somebody else must approve, one of two people
    approvals = Approvals(before=(Before.RELEASE,), by=("ann", "ben"), not_requester=True)
    release = approved(
        [
            answer(APPROVE, "ann", "it is mine"),
            answer(APPROVE, "eve"),
            answer(REJECT, "ben"),
            answer(APPROVE, "ben"),
        ],
        approvals,
    )
    record = release.record
    record.requested_by = "ann"
    release.ledger.save_header(record)
    # When the one who asked, a stranger, and a no without a reason come first / Then none of them is taken
    assert release.go()[0] is Outcome.RELEASED
    refused = [each.refused for each in release.record.decisions]
    assert refused == [
        "ann asked for the release, so somebody else must answer",
        "only ann, ben may answer",
        "it needs a reason",
        None,
    ]
    # And each time the question was put again, with why, for what was left of its time
    assert [each.question.remark for each in release.asked] == [None, *refused[:3]]
    assert len({each.question.until for each in release.asked}) == 1


# --- guided failure


def test_retry_looks_again_and_goes_on(failing: Any, sandbox: SandboxClient) -> None:
    # Given a region that failed at verify and is sick no more / When somebody answers to retry
    release = failing(answer(Choice.RETRY, "ann"))
    asked: list[Phase] = []

    def mend() -> None:
        asked.append(release.run.region(NORTH).phase)
        assert release.ledger.lock().kind == "in_flight", "it is in flight while it waits"
        sandbox.clear_faults()

    release.before_answer = mend
    outcome, _ = finish(release, sandbox)
    # Then the same step goes on, and the release ends well
    assert outcome is Outcome.RELEASED
    assert asked == [Phase.FAILED]
    assert builds(sandbox) == [NEW, NEW]


def test_a_retry_that_fails_asks_again(failing: Any, sandbox: SandboxClient) -> None:
    release = failing(
        answer(Choice.RETRY), answer(Choice.RETRY), answer(Choice.ROLL_BACK_REGION, "ann", "no")
    )
    outcome, sentence = finish(release, sandbox)
    assert outcome is Outcome.ROLLED_BACK
    assert "ann answered 'Roll this region back': no" in sentence
    assert len(release.asked) == 3
    assert builds(sandbox) == [NEW, OLD]


@pytest.mark.parametrize(
    ("choice", "outcome", "expected"),
    [
        (Choice.ROLL_BACK_REGION, Outcome.ROLLED_BACK, [NEW, OLD]),
        (Choice.ROLL_BACK_RELEASE, Outcome.ROLLED_BACK, [OLD, OLD]),
        (Choice.HALT, Outcome.HALTED, [NEW, NEW]),
    ],
)
def test_a_choice_is_done(
    failing: Any, sandbox: SandboxClient, choice: Choice, outcome: Outcome, expected: list[str]
) -> None:
    # Given a spec that would do something else / When somebody chooses / Then that is done
    release = failing(answer(choice, "ann"), otherwise="halt")
    found, sentence = finish(release, sandbox)
    assert found is outcome
    assert f"ann answered '{choice}'" in sentence
    assert isinstance(release.errors[f"{NORTH}.verify"], Decided)
    assert builds(sandbox) == expected
    assert release.ledger.lock() is not None


def test_nobody_answers_and_the_safe_choice_is_taken(failing: Any, sandbox: SandboxClient) -> None:
    release = failing(otherwise="roll_back_release")
    outcome, sentence = finish(release, sandbox)
    assert outcome is Outcome.ROLLED_BACK
    assert "nobody answered in time, so: Roll all back" in sentence
    assert builds(sandbox) == [OLD, OLD]


def test_accepted_with_reason(failing: Any, sandbox: SandboxClient) -> None:
    # Given a region whose new build answers, with a dependency that it can do without
    release = failing(answer(Choice.ACCEPT, "ann"), answer(Choice.ACCEPT, "ann", "the cache is optional"))
    outcome, sentence = finish(release, sandbox)
    # Then a reason is asked for, and the region is accepted with its failure on record
    assert outcome is Outcome.RELEASED
    assert f"{NORTH} was accepted by ann although verify: " in sentence
    assert "(the cache is optional)" in sentence
    assert [each.refused for each in release.record.decisions] == ["it needs a reason", None]
    assert release.run.region(NORTH).although.startswith("verify: ")
    assert release.ledger.lock() is None
    # And nothing that is cleared afterwards asks or changes anything
    assert release.lane(NORTH)
    assert release.outcome()[0] is Outcome.RELEASED


def test_what_does_not_answer_is_not_accepted(failing: Any, sandbox: SandboxClient) -> None:
    # Given somebody who swapped back in the portal / When somebody accepts it
    release = failing(answer(Choice.ACCEPT, "ann", "looks good"), answer(Choice.HALT, "ann"))
    release.before_answer = lambda: sandbox.stage("payments", NORTH, OLD, slot="production")
    outcome, _ = finish(release, sandbox)
    # Then it is not taken, and says what answers
    assert outcome is Outcome.HALTED
    assert release.record.decisions[0].refused == f"{NORTH} can't be accepted: {OLD} answers, not {NEW}"


def test_an_unfinished_swap_is_not_accepted(rehearse: Any, sandbox: SandboxClient) -> None:
    # Given a swap of which nobody knows whether it ends
    release = rehearse(on_failure="ask", regions=[NORTH])
    sandbox.fault("swap_never_ends", where=SWAP, switched=False)
    release.answers = [answer(Choice.ACCEPT, "ann", "looks good"), answer(Choice.HALT, "ann")]
    assert not release.step_until(NORTH, "swap")
    assert release.record.decisions[0].refused == (
        f"{NORTH} can't be accepted: the swap is not proved to have ended"
    )
    assert not release.back(NORTH)
    assert release.outcome()[0] is Outcome.HALTED


def test_a_decision_holds_until_it_is_obeyed(failing: Any, sandbox: SandboxClient) -> None:
    # Given a decision that was stored by a worker that died then, and a region that is well by now
    release = failing(answer(Choice.ROLL_BACK_REGION, "ann", "enough"))
    assert not release.verify(NORTH)
    sandbox.clear_faults()
    # When Airflow starts the step again / Then the decision holds
    assert not release.verify(NORTH)
    assert isinstance(release.errors[f"{NORTH}.verify"], Decided)
    assert len(release.asked) == 1
    # When the way back has obeyed it, the service is unlocked and all is cleared / Then it is released anew
    assert release.back(NORTH)
    assert builds(sandbox) == [NEW, OLD]
    release.ledger.unlock(by="ann", reason="mended", run="u1")
    assert release.lane(NORTH)
    assert release.outcome()[0] is Outcome.RELEASED
