"""``airlock release``, ``watch`` and ``status`` over HTTP, with the exit codes of every outcome."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from tests.integration.cli.airflow_stand_in import DONE, WAITING, Json, StandIn, Story, at, lane, step

Airlock = Callable[..., tuple[int, str, str]]
VERDICTS = {
    "released": (0, "2026.11.2 is released in westeurope (before: 2026.11.1)"),
    "halted": (1, "2026.11.2 stopped in westeurope: it did not answer"),
    "rolled_back": (3, "2026.11.2 stopped in westeurope; westeurope was brought back"),
    "refused": (4, "2026.11.2 was refused before anything was touched: payments is locked"),
}


def verdict(outcome: str) -> Json:
    region = {
        "name": "westeurope",
        "phase": "accepted" if outcome == "released" else "failed",
        "old_build": "2026.11.1",
        "new_build": "2026.11.2",
        "failure": None if outcome == "released" else "it did not answer",
        "ended_at": at(50),
    }
    return {
        "outcome": outcome,
        "sentence": VERDICTS[outcome][1],
        "regions": [region],
        "faults": [],
        "warnings": [],
    }


def going(outcome: str) -> Callable[[Json], Story]:
    """A release of three looks that ends with this outcome."""

    def story(asked: Json) -> Story:
        end = "success" if outcome == "released" else "failed"
        lanes = lane("westeurope", *DONE) + lane("northeurope", *DONE, start=50)
        pages = [
            ("queued", []),
            ("running", [*lane("westeurope", *WAITING), *lane("northeurope", *WAITING)]),
            (
                "running",
                [
                    *lane("westeurope", "success", "running", None, None, None),
                    *lane("northeurope", *WAITING),
                ],
            ),
            (end, [*lanes, step("verdict", end, 100, 101)]),
        ]
        return Story("CHG-1", asked["conf"], pages, verdict(outcome))

    return story


def test_a_release_is_asked_for_under_the_change_request(airflow: StandIn, airlock: Airlock) -> None:
    code, out, _ = airlock(
        *("release", "payments", "2026.11.2", "--change-request", "CHG-1", "--reason", "new card scheme"),
        *("--region", "uksouth", "--region", "westeurope", "--on-failure", "halt"),
    )

    assert code == 0
    assert airflow.posted() == [
        {
            "dag_run_id": "CHG-1",
            "logical_date": None,
            "conf": {
                "build": "2026.11.2",
                "change_request": "CHG-1",
                "reason": "new card scheme",
                "on_failure": "halt",
                "regions": ["uksouth", "westeurope"],
            },
        }
    ]
    assert "payments CHG-1 is asked for (queued)" in out
    assert "airlock watch payments CHG-1" in out


@pytest.mark.parametrize("outcome", VERDICTS)
def test_watching_ends_with_the_verdict_and_its_code(
    airflow: StandIn, airlock: Airlock, outcome: str
) -> None:
    airflow.next_story = going(outcome)

    code, out, err = airlock(
        "release", "payments", "2026.11.2", "--change-request", "CHG-1", "--watch", "--every", "0.2"
    )

    assert (code, err) == (VERDICTS[outcome][0], "")
    assert "westeurope: swap" in out
    assert out.splitlines()[-1] == f"{outcome}: {VERDICTS[outcome][1]}"


@pytest.mark.parametrize("outcome", VERDICTS)
def test_asking_again_starts_nothing_and_ends_as_the_first_did(
    airflow: StandIn, airlock: Airlock, outcome: str
) -> None:
    asked = {"build": "2026.11.2", "change_request": "CHG-1"}
    airflow.add_run("release_payments", going(outcome)({"conf": asked}))
    airflow.stories["release_payments"][0].looks = 9

    code, out, _ = airlock("release", "payments", "2026.11.2", "--change-request", "CHG-1")

    assert code == VERDICTS[outcome][0]
    assert "was asked for already; nothing new starts" in out
    assert VERDICTS[outcome][1] in out
    assert len(airflow.stories["release_payments"]) == 1


def test_a_change_request_is_for_one_build(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("release_payments", Story("CHG-1", {"build": "2026.11.2"}))

    code, _, err = airlock("release", "payments", "2026.11.3", "--change-request", "CHG-1")

    assert code == 2
    assert "CHG-1 was already asked for with other build: 2026.11.2" in err


def test_an_answer_that_was_lost_is_looked_for(airflow: StandIn, airlock: Airlock) -> None:
    """Given a gateway that takes the request and answers 502, then the run is found by its id."""

    def lose(request: web.Request) -> web.StreamResponse | None:
        if request.method == "POST" and request.path.endswith("dagRuns"):
            airflow.add_run("release_payments", Story("CHG-1", {"build": "2026.11.2"}))
            return web.Response(status=502, text="bad gateway")
        return None

    airflow.trouble = lose

    code, out, _ = airlock("release", "payments", "2026.11.2", "--change-request", "CHG-1")

    assert code == 0
    assert "is asked for (queued)" in out
    assert len(airflow.posted()) == 1


def test_json_lines_end_with_the_verdict(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = going("released")

    code, out, _ = airlock(
        *("release", "payments", "2026.11.2", "--change-request", "CHG-1"),
        *("--watch", "--json", "--every", "0.2"),
    )

    said = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [each["event"] for each in said] == ["asked", *["progress"] * 3, "verdict"]
    assert [place["phase"] for place in said[2]["places"]] == ["swap", "waiting"]
    assert said[-1] | {"regions": []} == {
        "event": "verdict",
        "service": "payments",
        "run": "CHG-1",
        "build": "2026.11.2",
        "change_request": "CHG-1",
        "by": "ada",
        "run_after": "2026-11-03T20:00:00+00:00",
        "started": "2026-11-03T20:00:00+00:00",
        "ended": "2026-11-03T20:02:00+00:00",
        "outcome": "released",
        "sentence": VERDICTS["released"][1],
        "regions": [],
        "exit": 0,
    }


def test_past_releases_give_the_estimate(airflow: StandIn, airlock: Airlock) -> None:
    """Given releases that took 30 and 60 s in each region after its check, then a new one takes 45 s."""
    for name, each in (("CHG-8", 10.0), ("CHG-9", 20.0)):
        lanes = lane("westeurope", *DONE, each=each) + lane("northeurope", *DONE, each=each)
        airflow.add_run("release_payments", Story(name, {}, [("success", lanes)], verdict("released")))
    pages = [("running", lane("westeurope", *WAITING) + lane("northeurope", *WAITING))]
    airflow.add_run("release_payments", Story("CHG-10", {"build": "2026.11.2"}, pages))

    code, out, _ = airlock("status", "payments", "--json")

    assert code == 0
    assert [each["expected_s"] for each in json.loads(out)["places"]] == [45.0, 45.0]
    assert json.loads(out)["remaining_s"] == 90.0


def test_status_says_what_is_where_since_when(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("release_payments", going("released")({"conf": {"build": "2026.11.2"}}))
    airflow.stories["release_payments"][0].looks = 9

    code, out, _ = airlock("status", "payments")

    assert code == 0
    assert out.splitlines() == [
        "payments CHG-1: success",
        "build 2026.11.2, asked for by ada, started 2026-11-03 20:00 UTC, took 2 min",
        "  westeurope: 2026.11.2 since 2026-11-03 20:00 UTC",
        VERDICTS["released"][1],
    ]


def test_a_run_without_a_verdict_has_failed(airflow: StandIn, airlock: Airlock) -> None:
    """Given params that could not be read, then the log of the verdict says why, and it is no success."""
    tasks = [step("verdict", "failed", 1, 2)]
    said = "can't release payments: build: is missing"
    airflow.add_run("release_payments", Story("CHG-1", {}, [("failed", tasks)], last_words=said))
    code, out, _ = airlock("watch", "payments", "CHG-1")
    assert (code, out.splitlines()[-1]) == (1, f"failed: {said}")

    airflow.add_run("release_payments", Story("CHG-2", {}, [("success", tasks)]))
    code, out, _ = airlock("watch", "payments", "CHG-2")
    assert code == 1
    assert "left no verdict" in out


@pytest.mark.parametrize(
    ("story", "paused", "note"),
    [
        (Story("CHG-1", {}, run_after="2099-01-01T20:00:00Z"), False, "starts at 2099-01-01 20:00 UTC"),
        (Story("CHG-1", {}), True, "release_payments is paused in Airflow"),
        (Story("CHG-1", {}), False, "waits until CHG-0 has ended"),
    ],
)
def test_a_queued_run_says_what_it_waits_for(
    airflow: StandIn, airlock: Airlock, story: Story, paused: bool, note: str
) -> None:
    airflow.dags["release_payments"]["is_paused"] = paused
    airflow.add_run("release_payments", Story("CHG-0", {}, [("running", [])]))
    airflow.add_run("release_payments", story)

    assert note in airlock("status", "payments", "CHG-1")[1]


def test_a_release_is_queued_for_a_moment(airflow: StandIn, airlock: Airlock) -> None:
    code, _, _ = airlock(
        "release", "payments", "2026.11.2", "--change-request", "CHG-1", "--at", "2099-11-03T21:00:00+01:00"
    )

    assert code == 0
    assert airflow.posted()[0]["run_after"] == "2099-11-03T20:00:00+00:00"


def test_more_steps_than_a_page_holds_are_all_read(airflow: StandIn, airlock: Airlock) -> None:
    lanes = [each for number in range(30) for each in lane(f"region{number:02}", *DONE)]
    airflow.add_run("release_payments", Story("CHG-1", {}, [("running", lanes)]))

    places = json.loads(airlock("status", "payments", "--json")[1])["places"]

    assert [each["phase"] for each in places] == ["accepted"] * 30


def test_a_watch_survives_an_airflow_that_is_restarted(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = going("released")
    looks = iter(range(100))

    def trouble(request: web.Request) -> web.StreamResponse | None:
        down = request.path.endswith("CHG-1") and next(looks) in (1, 2)
        return web.Response(status=503) if down else None

    airflow.trouble = trouble

    code, out, _ = airlock(
        "release", "payments", "2026.11.2", "--change-request", "CHG-1", "--watch", "--every", "0.2"
    )

    assert code == 0
    assert VERDICTS["released"][1] in out


@pytest.mark.parametrize(("status", "detail"), [(401, "Token Expired"), (403, "Invalid JWT token")])
def test_a_token_that_is_refused_later_is_fetched_again(
    airflow: StandIn, airlock: Airlock, status: int, detail: str
) -> None:
    """It has expired, or Airflow was restarted with another key."""
    airflow.next_story = going("released")
    looks = iter(range(100))

    def trouble(request: web.Request) -> web.StreamResponse | None:
        if request.path.endswith("CHG-1") and next(looks) == 1:
            return web.json_response({"detail": detail}, status=status)
        return None

    airflow.trouble = trouble

    code, _, _ = airlock(
        "release", "payments", "2026.11.2", "--change-request", "CHG-1", "--watch", "--every", "0.2"
    )

    assert code == 0
    assert airflow.tokens == 2


def test_control_characters_from_outside_do_nothing(airflow: StandIn, airlock: Airlock) -> None:
    evil = dict(verdict("halted"), sentence="fine\x1b[2J\x1b[1;1Hreleased\nreleased: all is well")
    airflow.add_run("release_payments", Story("CHG-1", {}, [("failed", [])], evil))

    code, out, _ = airlock("watch", "payments", "CHG-1")

    assert code == 1
    assert "\x1b" not in out
    assert [line for line in out.splitlines() if line.startswith("released")] == []
    assert "\nhalted: fine" in out


def test_ctrl_c_stops_the_watching_only(
    airflow: StandIn, airlock: Airlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow.add_run("release_payments", Story("CHG-1", {}, [("running", lane("westeurope", *WAITING))]))

    def interrupt(_seconds: float) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("include.airlock.cli.releasing.Clock", _clock(interrupt))

    code, _, err = airlock("watch", "payments")

    assert code == 130
    assert "the release goes on: airlock watch payments CHG-1" in err
    assert all(method == "GET" or path == "/auth/token" for method, path, _ in airflow.asked)


def test_ctrl_c_says_how_to_return_as_soon_as_it_is_asked_for(
    airflow: StandIn, airlock: Airlock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a Ctrl-C after the request was sent and before it is watched, then it is not lost sight of."""

    def interrupt(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("include.airlock.cli.releasing.say_started", interrupt)

    code, out, err = airlock("release", "payments", "2026.11.2", "--change-request", "CHG-1", "--watch")

    assert (code, out) == (130, "")
    assert "the release goes on: airlock watch payments CHG-1" in err
    assert len(airflow.posted()) == 1


def _clock(pause: Callable[[float], Any]) -> Callable[[float], Any]:
    from include.airlock.cli.watching import Clock

    return lambda every: Clock(every, pause=pause)
