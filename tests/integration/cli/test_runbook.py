"""docs/runbook.md: each command of ``airlock`` that it shows is run, and ends as it should."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest

from tests.integration.cli.airflow_stand_in import Json, StandIn, Story, question, step
from tests.integration.cli.test_approve import FAILED, asking
from tests.unit.pages import ROOT, blocks

PAGE = "docs/runbook.md"
LINES = [line for block in blocks(PAGE, "bash") for line in block.splitlines() if line.startswith("airlock ")]
BACK = {"outcome": "rolled_back", "sentence": "2026.11.2 is rolled back", "regions": []}
HALTED = {"outcome": "halted", "sentence": "2026.11.2 stopped in northeurope", "regions": []}


def _undone(asked: Json) -> Story:
    return Story("x", asked["conf"], [("success", [])], BACK, returned="payments is unlocked")


def _queued(asked: Json) -> Story:
    return Story("x", asked["conf"], [("queued", [])], None)


@pytest.mark.parametrize("line", LINES)
def test_each_command_shown_ends_well(
    airflow: StandIn,
    airlock: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
) -> None:
    monkeypatch.chdir(ROOT)
    _, *arguments = shlex.split(line)
    if arguments[0] in ("unlock", "rollback"):
        airflow.next_story = _undone
    elif arguments[0] == "release":
        airflow.next_story = _queued
        arguments = _next_window_is_now(arguments)
    elif arguments[0] == "approve":
        airflow.add_run("release_payments", asking(question("northeurope.verify", FAILED), run="CHG-1001"))
    elif arguments[0] == "status":
        ended = ("failed", [step("verdict", "failed", 1, 2)])
        airflow.add_run("release_payments", Story("CHG-1001", {"build": "2026.11.2"}, [ended], HALTED))

    code, _, err = airlock(*arguments)

    assert (code, err) == (0, "")


def _next_window_is_now(arguments: list[str]) -> list[str]:
    """The shipped spec of payments has no windows, so that its next opening can't be told."""
    return ["2099-11-03T20:00:00+00:00" if word == "next-window" else word for word in arguments]


def test_every_act_has_its_command() -> None:
    assert {line.split()[1] for line in LINES} == {
        *("status", "rollback", "approve", "window", "release", "unlock")
    }
