"""``airlock plan`` over HTTP, and a release that is bound to a plan."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from include.airlock.cli.ending import CannotGoOn
from include.airlock.cli.planning import lines_of
from tests.integration.cli.airflow_stand_in import Json, StandIn, Story, step

Airlock = Callable[..., tuple[int, str, str]]
CALL: Json = {
    "n": 1,
    "place": "uksouth",
    "step": "swap",
    "call": "POST slotsswap",
    "target": "payments-uksouth/staging",
    "body": {"targetSlot": "production"},
    "expected_s": 62.0,
    "from": "last 7 releases",
}
HASH = "3f2a9c01d4e5b687"
PLAN: Json = {
    "hash": HASH,
    "service": "payments",
    "build": "2026.11.2",
    "request": {"build": "2026.11.2", "regions": ["uksouth"], "on_failure": "halt"},
    "places": [
        {"name": "uksouth", "builds": {"production": "2026.11.1", "staging": "2026.11.2"}, "facts": {}}
    ],
    "calls": [CALL],
    "stages": [
        {"place": "uksouth", "step": "swap", "expected_s": 62.0, "from": "last 7 releases"},
        {"place": "uksouth", "step": "bake", "expected_s": 300.0, "from": "default"},
    ],
    "expected_s": 365.0,
    "way_back": [{"place": "uksouth", "text": "at once: the same swap again", "calls": [CALL]}],
    "warnings": ["uksouth waits for its window until 2026-11-24 20:00 UTC"],
    "made_at": "2026-11-03T20:00:00+00:00",
    "made_by": "plan__2026.11.2_20261103T200000Z",
}
SENTENCE = f"2026.11.2 is planned as {HASH}; nothing was touched"


def planned(asked: Json) -> Story:
    verdict = {"outcome": "planned", "sentence": SENTENCE, "regions": []}
    pages = [("queued", []), ("success", [step("verdict", "success", 1, 2)])]
    return Story("x", asked["conf"], pages, verdict, plan=PLAN)


def refused(asked: Json) -> Story:
    verdict = {"outcome": "refused", "sentence": "refused: payments is locked", "regions": []}
    return Story("x", asked["conf"], [("failed", [step("verdict", "failed", 1, 2)])], verdict)


def test_a_plan_is_printed_as_airflow_made_it(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = planned

    code, out, err = airlock(
        *("plan", "payments", "2026.11.2", "--region", "uksouth", "--on-failure", "halt", "--every", "0.2")
    )

    assert (code, err) == (0, "")
    asked = airflow.posted()[0]
    assert asked["conf"] == {
        "build": "2026.11.2",
        "on_failure": "halt",
        "regions": ["uksouth"],
        "plan_only": True,
    }
    assert asked["dag_run_id"].startswith("plan__2026.11.2_")
    assert out.splitlines()[0] == f"plan {HASH}: payments 2026.11.2, about 6 min"
    for line in (
        "  uksouth: production 2026.11.1, staging 2026.11.2",
        "  1  uksouth  swap  62 s (last 7 releases)  POST slotsswap  payments-uksouth/staging  "
        "targetSlot=production",
        "     uksouth  bake  5 min (default)         (only looks)",
        "  uksouth: at once: the same swap again",
        "  uksouth waits for its window until 2026-11-24 20:00 UTC",
    ):
        assert line in out.splitlines()
    assert out.splitlines()[-1] == (
        "to release just this: airlock release payments 2026.11.2 --region uksouth --on-failure halt "
        f"--plan {HASH}"
    )


def test_a_plan_fits_a_terminal() -> None:
    for width in (40, 80, 120):
        assert max(len(line) for line in lines_of(PLAN, width)) <= width
    assert "\x1b" not in "".join(lines_of({**PLAN, "warnings": ["\x1b[2J"]}, 80))


def test_a_plan_of_another_version_is_refused_in_words() -> None:
    with pytest.raises(CannotGoOn, match="this version can't read the plan"):
        list(lines_of({"hash": HASH}, None))


def test_a_plan_for_machines_is_the_whole_of_it(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = planned

    code, out, _ = airlock("plan", "payments", "2026.11.2", "--json", "--every", "0.2")

    said = json.loads(out)
    assert code == 0
    assert said.pop("run").startswith("plan__")
    assert said == {"event": "plan", "outcome": "planned", "sentence": SENTENCE, "plan": PLAN, "exit": 0}


def test_what_would_be_refused_can_not_be_planned(airflow: StandIn, airlock: Airlock) -> None:
    airflow.next_story = refused

    code, out, _ = airlock("plan", "payments", "2026.11.2", "--every", "0.2")

    assert (code, out) == (4, "refused: refused: payments is locked\n")


def test_a_plan_without_a_plan_has_failed(airflow: StandIn, airlock: Airlock) -> None:
    def story(asked: Json) -> Story:
        made = planned(asked)
        made.plan = None
        return made

    airflow.next_story = story

    code, out, err = airlock("plan", "payments", "2026.11.2", "--every", "0.2")

    assert (code, out) == (1, "")
    assert "left no plan; see its step preflight" in err


def test_a_plan_that_waits_says_for_what(airflow: StandIn, airlock: Airlock) -> None:
    airflow.add_run("release_payments", Story("CHG-0", {}, [("running", [])]))
    airflow.next_story = planned

    _, _, err = airlock("plan", "payments", "2026.11.2", "--every", "0.2")

    assert err == "airlock: waits until CHG-0 has ended\n"


def test_a_release_is_bound_to_a_plan(airflow: StandIn, airlock: Airlock) -> None:
    code, _, _ = airlock("release", "payments", "2026.11.2", "--change-request", "CHG-1", "--plan", HASH)

    assert code == 0
    assert airflow.posted()[0]["conf"]["plan"] == HASH


@pytest.mark.parametrize("digits", ["3F2A", "--hash--", f"{HASH}0"])
def test_what_is_no_hash_is_refused_at_once(airflow: StandIn, airlock: Airlock, digits: str) -> None:
    code, _, err = airlock("release", "payments", "2026.11.2", f"--plan={digits}")

    assert code == 2
    assert "--plan: " in err
    assert airflow.posted() == []


def test_a_plan_is_no_release_and_gives_no_estimate(airflow: StandIn, airlock: Airlock) -> None:
    """Given a plan after the last release, then the status is still that of the release."""
    airflow.add_run("release_payments", Story("CHG-1", {"build": "2026.11.2"}, [("success", [])]))
    airflow.add_run("release_payments", Story("plan__2", {"plan_only": True}, [("success", [])]))

    code, out, _ = airlock("status", "payments")

    assert code == 0
    assert out.startswith("payments CHG-1: success")
