"""docs/runbook.md says what is so: its sentences are said, its steps and calls exist, no act is missing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from include.airlock.model.loading import load_service
from include.airlock.model.rollback import Way, rollback_schema
from include.airlock.model.service import SlotSwapService
from include.airlock.strategies import compile_plan
from include.airlock.strategies.rollback import compile_rollback
from tests.unit.pages import ROOT, curls, pieces, said, text
from tests.unit.test_docs import airflow_paths

PAGE = "docs/runbook.md"
PAYMENTS = load_service(ROOT / "dags" / "services" / "payments.yaml")
PLACES = "westeurope|northeurope|uksouth"


def rows() -> list[tuple[str, str, str]]:
    """What is seen, what customers get, what to do."""
    part = text(PAGE).split("| you see |")[1].split("\n\n")[0]
    found = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in part.splitlines()[2:]]
    return [(row[0], row[1], row[2]) for row in found if len(row) == 3]


def test_each_sentence_shown_is_one_that_is_said() -> None:
    shown = [quoted for row in rows() for quoted in re.findall(r"`([^`]*[ …][^`]*)`", row[0])]
    shown += re.findall(r"says `([^`]*)`", text(PAGE))
    assert len(shown) > 8
    source = said()
    # The examples' regions stand for whichever it is.
    words = [re.sub(rf"\b({PLACES})\b", "…", each) for each in shown]
    assert [piece for each in words for piece in pieces(each) if piece not in source] == []


def test_each_row_leads_to_an_act_on_the_page() -> None:
    acts = re.findall(r"^### ([A-G])\. (.*)$", text(PAGE), re.MULTILINE)
    assert [letter for letter, _ in acts] == list("ABCDEFG")
    led = {letter for *_, do in rows() for letter in re.findall(r"\[([A-G])\]\(#", do)}
    assert led == {letter for letter, _ in acts}


def test_the_button_is_named_as_the_form_names_it() -> None:
    title = rollback_schema(PAYMENTS)["dry"]["title"]
    assert f"*{title}*" in text(PAGE)
    assert "`is back`" in text(PAGE) and Way.DONE


@pytest.mark.parametrize(
    ("words", "file", "path", "kind"),
    [
        ("*Clear Task Instance*", "dags", "runAndTaskActions.clear.button", "taskInstance_one"),
        ("*Mark Dag Run as...*", "dags", "runAndTaskActions.markAs.button", "dagRun_one"),
        ("*Downstream*", "dags", "runAndTaskActions.options.downstream", ""),
        ("*Trigger*", "components", "triggerDag.button", ""),
        ("*Required Actions*", "hitl", "requiredAction_other", ""),
    ],
)
def test_each_click_is_named_as_airflow_names_it(words: str, file: str, path: str, kind: str) -> None:
    assert words in text(PAGE)
    said_by = ui(file)
    for key in path.split("."):
        said_by = said_by[key]
    assert f"*{said_by.replace('{{type}}', ui('common').get(kind, ''))}*" == words


def ui(file: str) -> Any:
    """What Airflow's own pages say in English."""
    import airflow

    folder = Path(airflow.__file__).parent / "ui" / "dist" / "i18n" / "locales" / "en"
    return json.loads((folder / f"{file}.json").read_text(encoding="utf-8"))


def test_each_step_named_is_in_a_graph() -> None:
    known = {step.id for plan in (compile_plan(PAYMENTS), compile_rollback(PAYMENTS)) for step in plan}
    named = set(re.findall(rf"`((?:{PLACES})\.\w+)`", text(PAGE)))
    for _, _, body in curls(PAGE):
        named |= set(body["task_ids"])
    assert named and named <= known


def test_its_calls_are_calls_that_airflow_knows() -> None:
    for method, url, _ in curls(PAGE):
        path = urlsplit(url.removeprefix("$AIRFLOW")).path
        assert any(known == method and pattern.fullmatch(path) for known, pattern in airflow_paths()), path


@pytest.mark.parametrize("word", ["Airflow is down", "lock is left", "stuck", "half-out", "window closes"])
def test_what_happens_at_night_is_covered(word: str) -> None:
    assert re.search(rf"^### [A-G]\. .*{word}", text(PAGE), re.MULTILINE)


def test_the_swap_by_hand_is_the_one_that_is_tried() -> None:
    """The Azure CLI is no dependency; where it is there, ``test_clients_azure_cli`` runs these very words."""
    (line,) = re.findall(r"^az (.*)$", text(PAGE), re.MULTILINE)
    words = line.split()
    assert isinstance(PAYMENTS, SlotSwapService)
    region = PAYMENTS.region("northeurope")
    given = dict(zip(words[4::2], words[5::2], strict=True))
    assert given.pop("--resource-group") == region.resource_group
    assert given.pop("--name") == region.app
    tried = (ROOT / "tests/integration/sandbox/test_clients_azure_cli.py").read_text(encoding="utf-8")
    assert all(f'"{word}"' in tried for word in (*words[:4], *given, *given.values()))
