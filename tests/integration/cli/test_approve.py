"""``airlock approve`` over HTTP: what waits, and answers to it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from include.airlock.cli.approving import ANSWERS
from include.airlock.cli.commands import ANSWERS as WORDS
from include.airlock.model.decision import APPROVE, REJECT, Choice
from tests.integration.cli.airflow_stand_in import Json, StandIn, Story, lane, question, step

Airlock = Callable[..., tuple[int, str, str]]
BEFORE = (APPROVE, REJECT)
FAILED = tuple(each.value for each in Choice)


def asking(*questions: Json, run: str = "CHG-1", after: str = "success") -> Story:
    steps = [each["task_instance"] for each in questions]
    gone_on = [each | {"state": after} for each in steps]
    for each in steps:
        each["dag_run_id"] = run
    return Story(run, {}, [("running", steps), ("running", gone_on)], questions=list(questions))


def answers(airflow: StandIn) -> list[Json]:
    return [body for method, _, body in airflow.asked if method == "PATCH"]


def test_each_option_has_its_word() -> None:
    assert tuple(ANSWERS) == WORDS
    assert set(ANSWERS.values()) == {APPROVE, REJECT, *FAILED}


def test_what_waits_is_shown_with_how_to_answer(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("release_payments", asking(question("approve", BEFORE, users=["ada", "bob"])))

    code, out, err = airlock("approve", "payments")

    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "payments CHG-1, approve, asked at 2026-11-03 20:00 UTC",
        "  approve asks",
        "  - Approve: payments_eu begins",
        "  - Reject: nothing is touched",
        "  may be answered by ada, bob",
        "  answer: airlock approve payments CHG-1 --answer approve|reject [--reason TEXT]",
    ]
    assert answers(airflow) == []


def test_what_waits_for_machines(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("release_payments", asking(question("westeurope.verify", FAILED)))

    code, out, _ = airlock("approve", "--json")

    assert code == 0
    said = json.loads(out)
    assert (said["event"], said["service"], said["run"]) == ("question", "payments", "CHG-1")
    assert said["answers"] == ["retry", "roll-back", "roll-back-all", "accept", "halt"]


def test_nothing_waits(airflow: StandIn, airlock: Airlock) -> None:
    assert airlock("approve", "payments", "CHG-1")[:2] == (
        0,
        "nothing of payments CHG-1 waits for an answer\n",
    )
    code, _, err = airlock("approve", "payments", "CHG-1", "--answer", "approve")
    assert (code, err) == (2, "airlock: nothing of payments CHG-1 waits for an answer\n")


@pytest.mark.parametrize(
    ("word", "why", "options"),
    [
        ("approve", None, BEFORE),
        ("reject", "not before the audit", BEFORE),
        ("retry", None, FAILED),
        ("roll-back", None, FAILED),
        ("roll-back-all", "customers see errors", FAILED),
        ("accept", "the page is wrong, the build is fine", FAILED),
        ("halt", None, FAILED),
    ],
)
def test_each_answer_is_given_as_it_is_called(
    airflow: StandIn, airlock: Airlock, word: str, why: str | None, options: tuple[str, ...]
) -> None:
    airflow.add_run("release_payments", asking(question("uksouth.verify", options)))

    reason = () if why is None else ("--reason", why)
    code, out, _ = airlock("approve", "payments", "CHG-1", "--answer", word, *reason)

    assert code == 0
    assert answers(airflow) == [{"chosen_options": [ANSWERS[word]], "params_input": {"why": why or ""}}]
    assert out.splitlines() == [
        f"uksouth.verify of CHG-1 is answered: {ANSWERS[word]}",
        "follow it: airlock watch payments CHG-1",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--answer", "reject"), "reject needs a --reason"),
        (("--answer", "accept", "--reason", "x"), "accept needs a --reason"),
        (("--answer", "approve", "--reason", "a" * 501), "--reason: "),
        (("--reason", "because"), "--reason goes with an answer"),
        (("--answer", "halt"), "approve can't be answered with halt, but with approve, reject"),
        (("--answer", "approve", "--step", "aprove"), "did you mean 'approve'?"),
    ],
)
def test_what_can_not_be_answered(
    airflow: StandIn, airlock: Airlock, arguments: tuple[str, ...], said: str
) -> None:
    airflow.add_run("release_payments", asking(question("approve", BEFORE)))

    code, out, err = airlock("approve", "payments", "CHG-1", *arguments)

    assert (code, out) == (2, "")
    assert said in err
    assert answers(airflow) == []


def test_of_several_questions_one_is_named(airflow: StandIn, airlock: Airlock) -> None:
    both = [question(name, BEFORE) for name in ("uksouth.approve", "westeurope.approve")]
    airflow.add_run("release_payments", asking(*both))

    code, _, err = airlock("approve", "payments", "--answer", "approve")
    assert (code, answers(airflow)) == (2, [])
    assert "several questions wait: CHG-1 uksouth.approve, CHG-1 westeurope.approve" in err
    code, _, _ = airlock("approve", "payments", "--answer", "approve", "--step", "uksouth.approve")
    assert code == 0


def test_somebody_was_quicker(airflow: StandIn, airlock: Airlock) -> None:
    asked = question("approve", BEFORE)
    airflow.add_run("release_payments", asking(asked))

    def quicker(request: object) -> None:
        asked["response_received"] = asked["response_received"] or getattr(request, "method", "") == "PATCH"

    airflow.trouble = quicker

    code, _, err = airlock("approve", "payments", "CHG-1", "--answer", "approve")

    assert (code, err) == (1, "airlock: approve of CHG-1 has just been answered by somebody else\n")


def test_who_may_not_answer_is_told_so(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("release_payments", asking(question("approve", BEFORE, users=["bob"])))

    code, _, err = airlock("approve", "payments", "CHG-1", "--answer", "approve")

    assert (code, err) == (5, "airlock: only bob may answer approve of CHG-1\n")


def test_an_answer_that_is_not_taken_is_no_success(airflow: StandIn, airlock: Airlock) -> None:
    """Given a requester who may not approve: Airflow takes the answer, the step asks again."""
    airflow.asks_again = True
    story = asking(question("approve", BEFORE), after="awaiting_input")
    airflow.add_run("release_payments", story)
    ask = ("approve", "payments", "CHG-1", "--answer", "approve")

    assert airlock(*ask)[::2] == (
        4,
        "airlock: approve of CHG-1 asks again: it failed again or that was not taken; its log says which\n",
    )
    story.log = ["that answer was not taken: ada asked for the release, so somebody else must answer"]
    assert airlock(*ask)[::2] == (
        4,
        "airlock: approve of CHG-1 asks again: that answer was not taken: ada asked for the release, so "
        "somebody else must answer\n",
    )


def test_a_train_asks_about_its_services(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("train_evening", asking(question("westeurope.payments.verify", FAILED)))

    code, out, _ = airlock("approve", "payments")
    assert (code, out.splitlines()[0].partition(",")[0]) == (0, "evening CHG-1")
    assert airlock("approve", "evening", "--answer", "retry")[0] == 0
    assert airlock("approve", "identity")[1] == "nothing of identity waits for an answer\n"
    assert "did you mean 'payments'?" in airlock("approve", "paymnts")[2]


def test_a_watch_says_that_people_are_asked(airflow: StandIn, airlock: Airlock) -> None:
    steps = lane("westeurope", "success", "success", "awaiting_input", None, None)
    story = Story("CHG-1", {}, [("running", steps), ("failed", [step("verdict", "failed", 1, 2)])])
    airflow.add_run("release_payments", story)

    _, out, _ = airlock("watch", "payments", "--every", "0.2")

    assert "westeurope: waits for an answer" in out
    assert "westeurope.verify waits for an answer: airlock approve payments CHG-1" in out
