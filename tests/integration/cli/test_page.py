"""docs/command-line.md: each command shown is run, each option, variable and exit code is described."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from include.airlock.cli.commands import ANSWERS, parser
from include.airlock.cli.ending import Exit
from include.airlock.cli.lanes import ASKS, HELD, VERBS
from tests.integration.cli.airflow_stand_in import Json, StandIn, Story, question, step
from tests.integration.cli.test_approve import BEFORE, FAILED, asking
from tests.integration.cli.test_plan import planned
from tests.integration.cli.test_trains import train_planned
from tests.unit.pages import ROOT, all_blocks, blocks, commands, text

PAGE = "docs/command-line.md"
Airlock = Callable[..., tuple[int, str, str]]
SHOWN = [line for block in blocks(PAGE, "bash") for line in block.splitlines() if line.strip()]
RELEASED = {"outcome": "released", "sentence": "2026.11.2 is released", "regions": []}


@pytest.mark.parametrize("line", SHOWN)
def test_each_command_shown_ends_well(
    airflow: StandIn, airlock: Airlock, tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    program, *arguments = shlex.split(line)
    assert program == "airlock"
    if arguments[0] == "release":
        airflow.next_story = _ended
    elif arguments[0] in ("unlock", "rollback"):
        airflow.next_story = _undone
    elif arguments[0] == "plan":
        airflow.next_story = train_planned if "--train" in arguments else planned
    elif arguments[0] == "approve":
        airflow.add_run("release_payments", _asking(arguments))
    elif arguments[0] in ("watch", "status"):
        airflow.add_run("release_payments", _ended({"conf": {"build": "2026.11.2"}}))
        airflow.stories["release_payments"][0].run_id = "CHG-1001"
    elif arguments[0] == "new":
        (tmp_path / "dags").mkdir()
        arguments += ["--dags", str(tmp_path / "dags")]

    code, out, err = airlock(*arguments)

    assert (code, err) == (0, "")
    if "--json" in arguments:
        assert [json.loads(each) for each in out.splitlines()]


def _ended(asked: Json) -> Story:
    return Story("CHG-1", asked["conf"], [("success", [step("verdict", "success", 1, 2)])], RELEASED)


def _asking(arguments: list[str]) -> Story:
    """A release whose step asks what the shown command answers."""
    failed = "--step" in arguments
    return asking(
        question("westeurope.verify", FAILED) if failed else question("approve", BEFORE), run="CHG-1001"
    )


def _undone(asked: Json) -> Story:
    verdict = {"outcome": "rolled_back", "sentence": "2026.11.1 serves again", "regions": []}
    return Story("x", asked["conf"], [("success", [])], verdict, returned="payments is unlocked")


@pytest.mark.parametrize("block", [each for each in all_blocks("bash") if "airlock " in each.values[0]])
def test_each_command_of_every_page_is_one(block: str) -> None:
    """Its words are understood; what it does is shown above, or by the page's own test."""
    for words in commands(block):
        if words[0] in ("airlock", "bin/airlock"):
            parser().parse_args(words[1:])


def test_each_command_has_its_section_and_example() -> None:
    for name, _ in _commands():
        assert f"\n## {name}\n" in text(PAGE)
        assert any(line.startswith(f"airlock {name}") for line in SHOWN), name
    # Nothing is promised that is not there.
    assert {line.split()[1] for line in SHOWN} == {name for name, _ in _commands()}


def test_each_option_and_variable_is_described() -> None:
    options = {
        option
        for _, command in _commands()
        for action in command._actions
        for option in action.option_strings
        if option.startswith("--") and option != "--help"
    }
    assert [option for option in sorted(options) if option not in text(PAGE)] == []
    folder = ROOT / "include" / "airlock" / "cli"
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert set(re.findall(r"`(AIRLOCK_[A-Z_]+)`", text(PAGE))) == {
        *re.findall(r'environ\.get\("(AIRLOCK_[A-Z_]+)"', source)
    }


def test_each_exit_code_and_phase_is_described() -> None:
    assert [phase for phase in (ASKS, HELD, *ANSWERS) if f"`{phase}`" not in text(PAGE)] == []
    rows = re.findall(r"^\| (\d+) \|", text(PAGE), re.MULTILINE)
    assert [int(row) for row in rows] == [int(each) for each in Exit]
    assert [verb for verb in VERBS if f"`{verb}`" not in text(PAGE)] == []


def _commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    (action,) = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    yield from action.choices.items()
