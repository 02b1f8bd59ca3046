"""``airlock unlock`` and ``airlock rollback`` over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.integration.cli.airflow_stand_in import Json, StandIn, Story, step

Airlock = Callable[..., tuple[int, str, str]]
UNLOCKED = "payments is unlocked (the ledger answers again); it was locked since 20:04 by CHG-1: it failed"


def unlocks(asked: Json) -> Story:
    pages = [("queued", []), ("running", []), ("success", [step("unlock", "success", 1, 2)])]
    return Story("manual__1", asked["conf"], pages, returned=UNLOCKED)


def test_unlocking_says_which_lock_it_was(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = unlocks

    code, out, _ = airlock("unlock", "payments", "--reason", "the ledger answers again")

    assert (code, out) == (0, f"{UNLOCKED}\n")
    assert airflow.posted()[0]["conf"] == {"service": "payments", "reason": "the ledger answers again"}


def test_unlocking_for_machines(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = unlocks

    _, out, _ = airlock("unlock", "payments", "--reason", "the ledger answers again", "--json")

    assert json.loads(out) == {"event": "unlocked", "service": "payments", "sentence": UNLOCKED}


def test_what_is_not_locked_can_not_be_unlocked(airflow: StandIn, airlock: Airlock) -> None:
    def story(asked: Json) -> Story:
        pages = [("failed", [step("unlock", "failed", 1, 2)])]
        return Story("manual__1", asked["conf"], pages, last_words="payments is not locked")

    airflow.next_story = story

    code, out, err = airlock("unlock", "payments", "--reason", "to be sure")

    assert (code, out, err) == (1, "", "airlock: payments is not locked\n")


def rollback(state: str, outcome: str) -> Callable[[Json], Story]:
    """A rollback of two regions, the last one first."""

    def story(asked: Json) -> Story:
        last = "success" if state == "success" else "failed"
        pages = [
            ("queued", []),
            ("running", [step("uksouth.roll_back", "running", 1), step("westeurope.roll_back", None)]),
            (
                state,
                [
                    step("uksouth.roll_back", "success", 1, 9),
                    step("westeurope.roll_back", last, 10, 19),
                    step("verdict", last, 20, 21),
                ],
            ),
        ]
        sentence = "2026.11.1 serves again"
        if outcome == "dry":
            sentence = "as it stands:\n  - uksouth: at once: staging holds it\n  - westeurope: is back: it is"
        verdict = {"outcome": outcome, "sentence": sentence, "release": "CHG-1"}
        return Story("x", asked["conf"], pages, verdict)

    return story


def test_a_rollback_that_is_watched(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = rollback("success", "rolled_back")

    code, out, _ = airlock(
        *("rollback", "payments", "--reason", "customers see errors", "--release", "CHG-1"),
        *("--region", "uksouth", "--watch", "--every", "0.2"),
    )

    assert code == 0
    asked = airflow.posted()[0]
    assert asked["conf"] == {
        "reason": "customers see errors",
        "dry": False,
        "release": "CHG-1",
        "regions": ["uksouth"],
    }
    assert asked["dag_run_id"].startswith("rollback_")
    assert "uksouth: going back" in out
    assert "uksouth: brought back" in out
    assert "waits until" not in out
    assert out.splitlines()[-1] == "rolled_back: 2026.11.1 serves again"


def test_a_rollback_that_failed_or_was_refused(airflow: StandIn, airlock: Airlock) -> None:
    ask = ("rollback", "payments", "--reason", "customers see errors", "--watch", "--every", "0.2")
    airflow.next_story = rollback("failed", "halted")
    assert airlock(*ask)[0] == 1
    airflow.next_story = rollback("failed", "refused")
    assert airlock(*ask)[0] == 4


def test_the_status_of_a_release_says_that_it_was_undone(airflow: StandIn, airlock: Airlock) -> None:
    """Given a release that was released and rolled back later, its own verdict does not stand alone."""
    verdict = {"outcome": "released", "sentence": "2026.11.2 is released", "regions": []}
    airflow.add_run("release_payments", Story("CHG-1", {}, [("success", [])], verdict))
    assert "since then" not in airlock("status", "payments")[1]

    dry = Story("rollback_1", {"dry": True}, [("success", [])], {"outcome": "dry", "release": "CHG-1"})
    airflow.add_run("rollback_payments", dry)
    back = {"outcome": "rolled_back", "sentence": "2026.11.1 serves again", "release": "CHG-1"}
    airflow.add_run("rollback_payments", Story("rollback_2", {"dry": False}, [("success", [])], back))
    back = {"outcome": "rolled_back", "sentence": "of another release", "release": "CHG-0"}
    airflow.add_run("rollback_payments", Story("rollback_3", {"dry": False}, [("success", [])], back))

    assert airlock("status", "payments")[1].splitlines()[-1] == "since then: 2026.11.1 serves again"
    said = json.loads(airlock("status", "payments", "--json")[1])
    assert said["rollback"] == {"run": "rollback_2", "sentence": "2026.11.1 serves again"}


def test_a_dry_rollback_waits_for_its_answer(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = rollback("success", "dry")

    code, out, _ = airlock("rollback", "payments", "--reason", "only to see", "--dry", "--every", "0.2")

    assert code == 0
    assert airflow.posted()[0]["conf"]["dry"] is True
    assert "going back" not in out
    assert "follow it" not in out
    assert out.splitlines()[-3:] == [
        "dry: as it stands:",
        "    - uksouth: at once: staging holds it",
        "    - westeurope: is back: it is",
    ]


def test_a_rollback_can_be_followed_later(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("release_payments", Story("CHG-1", {}))
    airflow.add_run("rollback_payments", rollback("success", "rolled_back")({"conf": {}}))

    code, out, _ = airlock("watch", "payments", "x", "--every", "0.2")

    assert code == 0
    assert "2026.11.1 serves again" in out
