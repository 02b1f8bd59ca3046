"""Trains by the command line: released, watched and undone like a service; and whose turn it is."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable

import pytest

from tests.integration.cli.airflow_stand_in import DONE, WAITING, Json, StandIn, Story, at, lane, step

Airlock = Callable[..., tuple[int, str, str]]
BUILDS = ("--build", "payments=2026.11.2", "--build", "catalog=2026.11.5")
SENTENCE = "the train evening is released: payments: …; catalog: …"


def _region(name: str, build: str) -> Json:
    return {
        "name": name,
        "phase": "accepted",
        "old_build": "2026.11.1",
        "new_build": build,
        "ended_at": at(50),
    }


VERDICT = {
    "outcome": "released",
    "sentence": SENTENCE,
    "train": "evening",
    "services": {
        "payments": {"outcome": "released", "regions": [_region("westeurope", "2026.11.2")]},
        "catalog": {"outcome": "released", "regions": [_region("westeurope", "2026.11.5")]},
    },
}


def story(asked: Json) -> Story:
    """A train with two services in one region: one is at work, then both are done."""
    both = ("westeurope.payments", "westeurope.catalog")
    lanes = [each for name in both for each in lane(name, *DONE)]
    at_work = [
        *lane(both[0], "success", "running", None, None, None),
        *lane(both[1], *WAITING),
        *lane("eastus.catalog", *WAITING),
    ]
    pages = [
        ("queued", []),
        ("running", at_work),
        ("success", [*lanes, step("verdict", "success", 100, 101)]),
    ]
    return Story("CHG-7", asked["conf"], pages, VERDICT)


def test_a_train_is_asked_for_with_a_build_for_each_service(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = story

    code, out, err = airlock(
        *("release", "--train", "evening", *BUILDS, "--change-request", "CHG-7", "--region", "westeurope"),
        *("--watch", "--every", "0.2"),
    )

    assert (code, err) == (0, "")
    assert airflow.posted() == [
        {
            "dag_run_id": "CHG-7",
            "logical_date": None,
            "conf": {
                "build_payments": "2026.11.2",
                "build_catalog": "2026.11.5",
                "change_request": "CHG-7",
                "regions": ["westeurope"],
            },
        }
    ]
    assert "westeurope.payments: swap" in out
    assert "eastus" not in out
    assert out.splitlines()[-1] == f"released: {SENTENCE}"


def test_its_status_says_which_build_of_which_service_is_where(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("train_evening", story({"conf": {"build_payments": "2026.11.2"}}))
    airflow.stories["train_evening"][0].looks = 9

    code, out, _ = airlock("status", "evening")

    assert code == 0
    assert out.splitlines() == [
        "evening CHG-7: success",
        "payments 2026.11.2, asked for by ada, started 2026-11-03 20:00 UTC, took 2 min",
        "  westeurope.payments: 2026.11.2 since 2026-11-03 20:00 UTC",
        "  westeurope.catalog: 2026.11.5 since 2026-11-03 20:00 UTC",
        SENTENCE,
    ]
    said = json.loads(airlock("status", "evening", "CHG-7", "--json")[1])
    assert (said["service"], said["build"], said["builds"]) == ("evening", None, {"payments": "2026.11.2"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--train", "evening", "--build", "payments=1"), "--build: catalog needs one: --build catalog=…"),
        (("--train", "evening", *BUILDS, "--build", "catalogue=1"), "did you mean 'catalog'?"),
        (("--train", "evening", *BUILDS, "--build", "payments=2"), "payments is named twice"),
        (("--train", "evening", "--build", "payments"), "is not like payments=2026.11.2"),
        (("--train", "evening", "--build", "payments=a b"), "--build: payments: "),
        (("--train", "evenin", *BUILDS), "did you mean 'evening'?"),
        (("--train", "evening", *BUILDS, "--region", "eastu"), "did you mean 'eastus'?"),
        (("--train", "evening", *BUILDS, "--refresh-build", "1"), "refreshes no staging slots"),
        (("--train", "evening", *BUILDS, "--plan", "0" * 16), "is not like payments=3f2a9c01d4e5b687"),
        (("--train", "evening", *BUILDS, "--plan", f"search={'0' * 16}"), "'search' is no service of"),
        (("--train", "evening", *BUILDS, "--at", "next-window"), "give a moment"),
        (("payments", "2026.11.2", "--train", "evening"), "are given by --build"),
        (("payments", "--build", "payments=1"), "a release is of a service and a build, or of a --train"),
        (("payments",), "a release is of a service and a build, or of a --train"),
    ],
)
def test_what_no_train_can_be_asked_for(
    airflow: StandIn, airlock: Airlock, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = airlock("release", *arguments)

    assert (code, out) == (2, "")
    assert said in err
    assert airflow.posted() == []


def test_another_build_of_a_service_needs_another_change_request(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("train_evening", Story("CHG-7", {"build_payments": "2026.11.1"}))

    code, _, err = airlock("release", "--train", "evening", *BUILDS, "--change-request", "CHG-7")

    assert code == 2
    assert "CHG-7 was already asked for with other build_payments: 2026.11.1" in err


def test_a_train_is_undone_as_a_whole(airflow: StandIn, airlock: Airlock) -> None:
    """Given a train that was released, then its rollback is asked for, and its status tells of it."""
    done = story({"conf": {}})
    done.looks = 9
    airflow.add_run("train_evening", done)
    undone = {"outcome": "rolled_back", "sentence": "evening is rolled back", "services": {}}
    undone["services"] = {"payments": {"release": "CHG-7", "regions": []}}
    airflow.next_story = lambda asked: Story("x", asked["conf"], [("success", [])], undone)

    ask = ("rollback", "evening", "--reason", "customers see errors")
    code, out, _ = airlock(*ask, "--release", "CHG-7", "--watch", "--every", "0.2")

    assert (code, out.splitlines()[-1]) == (0, "rolled_back: evening is rolled back")
    assert [path for method, path, _ in airflow.asked if method == "POST" and "dagRuns" in path] == [
        "/api/v2/dags/rollback_train_evening/dagRuns"
    ]
    assert "since then: evening is rolled back" in airlock("status", "evening")[1]
    assert "undoes all regions at once" in airlock(*ask, "--region", "westeurope")[2]


@pytest.mark.parametrize(
    ("waiting", "running", "first"),
    [
        ("release_payments", "train_evening", "evening CHG-7"),
        ("train_evening", "release_payments", "payments CHG-7"),
        ("release_identity", "train_evening", None),
    ],
)
def test_a_release_says_whose_turn_it_is(
    airflow: StandIn, airlock: Airlock, waiting: str, running: str, first: str | None
) -> None:
    airflow.add_run(running, Story("CHG-7", {}, [("running", [])]))
    gate = "turn" if waiting == "train_evening" else "preflight"
    airflow.add_run(waiting, Story("CHG-8", {}, [("running", [step(gate, "deferred", 1)])]))

    note = json.loads(airlock("status", waiting.partition("_")[2], "--json")[1])["note"]

    said = f"waits for {first}: releases of one service take turns"
    assert note == (said if first else None)


def test_the_status_of_a_service_tells_of_a_later_train(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("release_payments", Story("CHG-1", {"build": "2026.11.1"}, [("success", [])], start=-500))
    airflow.add_run("train_evening", Story("CHG-7", {"build_payments": "2026.11.2"}, [("success", [])]))

    said = "since then: in the train evening (success): airlock status evening CHG-7"
    assert said in airlock("status", "payments")[1]
    assert json.loads(airlock("status", "payments", "--json")[1])["later"] == {
        "train": "evening",
        "run": "CHG-7",
        "state": "success",
    }
    assert airlock("status", "payments", "CHG-7")[1].startswith("payments CHG-7: success\npayments 2026.11.2")


def test_a_service_that_was_released_in_trains_alone(airflow: StandIn, airlock: Airlock) -> None:
    code, _, err = airlock("status", "payments")

    assert code == 2
    assert "payments was never released by this Airflow but in a train; see airlock status evening" in err


PLAN: Json = {
    "train": "evening",
    "plans": {"payments": "3f2a9c01d4e5b687", "catalog": "4f2a9c01d4e5b687"},
    "calls": [
        {
            "n": 1,
            "place": "westeurope",
            "service": "payments",
            "step": "swap",
            "call": "POST",
            "target": "a/b",
        },
        {
            "n": 2,
            "place": "westeurope",
            "service": "catalog",
            "step": "swap",
            "call": "POST",
            "target": "c/d",
        },
    ],
    "expected_s": 120.0,
    "warnings": ["catalog: its window closes at 22:00"],
}


def train_planned(asked: Json) -> Story:
    verdict = {"outcome": "planned", "sentence": "the train evening was only planned", "services": {}}
    return Story("x", asked["conf"], [("success", [step("verdict", "success", 1, 2)])], verdict, plan=PLAN)


def test_a_train_is_planned_and_released_just_so(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = train_planned
    code, out, err = airlock("plan", "--train", "evening", *BUILDS, "--region", "westeurope")
    assert (code, err) == (0, "")
    (asked,) = airflow.posted()
    assert asked["conf"]["plan_only"] is True and asked["dag_run_id"].startswith("plan__evening_")
    assert "2  westeurope  catalog  swap  POST  c/d" in out
    # What it says can be typed as it is, and binds each service to its plan
    last = out.splitlines()[-1].removeprefix("to release just this: ")
    airflow.next_story = story
    code, _, err = airlock(*shlex.split(last)[1:])
    assert (code, err) == (0, "")
    conf = airflow.posted()[-1]["conf"]
    assert {f"plan_{name}": digits for name, digits in PLAN["plans"].items()}.items() <= conf.items()
    assert (conf["build_catalog"], conf["regions"]) == ("2026.11.5", ["westeurope"])
