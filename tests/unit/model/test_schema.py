"""The generated schema and reference are fresh, and editors and the loader agree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from include.airlock.errors import SpecError
from include.airlock.model import schema
from include.airlock.model.loading import parse_service
from tests.unit.model.specs import BLUE_GREEN, EXAMPLES, ROLLING, ROOT, SMALLEST, changed, example

REFERENCE = schema.files()[schema.REFERENCE_FILE]


def test_the_generated_files_are_fresh() -> None:
    assert schema.stale() == [], "run python -m include.airlock.model.schema --write"


def test_a_stale_file_is_told(tmp_path: Path) -> None:
    """Given one file that somebody edited, when it is checked, then that one is told; written, none is."""
    (tmp_path / "docs").mkdir()
    schema.write(tmp_path)
    assert schema.stale(tmp_path) == []
    (tmp_path / schema.REFERENCE_FILE).write_text("edited", encoding="utf-8")
    assert schema.stale(tmp_path) == [schema.REFERENCE_FILE]


def test_the_command_checks() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "include.airlock.model.schema", "--check"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, cwd="/", check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.json_schema())


@pytest.mark.parametrize("name", EXAMPLES)
def test_editors_accept_the_examples(name: str) -> None:
    text = example(name)
    jsonschema.validate(yaml.safe_load(text), schema.json_schema())
    assert text.startswith("# yaml-language-server: $schema=../../docs/service.schema.json\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("owner: team-payments", "ownr: x"),
        ("strategy: slot_swap", "strategy: slot_swp"),
        ("name: westeurope", "name: West"),
        ("format: json", "format: jsn"),
        ("  build: build\n", ""),
        ("path: /status", "path: status"),
        ("health: state", "health: state\n  interval: 5"),
        ("health: state", "health: state\n  consecutive: 0"),
        ("  dependencies: dependencies\n", ""),
    ],
)
def test_editors_and_the_loader_refuse_the_same(old: str, new: str) -> None:
    text = changed(old, new)
    assert not jsonschema.Draft202012Validator(schema.json_schema()).is_valid(yaml.safe_load(text))
    with pytest.raises(SpecError):
        parse_service(text, name="payments.yaml")


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        (ROLLING, "name: eu-west-1", "name: EU"),
        (ROLLING, "[payments-production]", "['-x']"),
        (ROLLING, "[payments-production]", "['arn:aws:s3:::bucket']"),
        (ROLLING, "build_parameter: Build", "build_parameter: Build\n  parameters: {Mode: fast}"),
        (ROLLING, "build_parameter: Build", "build_parameter: Build\n  parameters: {'a b': [fast]}"),
        (ROLLING, "  build_parameter: Build\n", ""),
        (ROLLING, "owner: team-payments", "owner: x\nrefresh: null"),
        (ROLLING, "owner: team-payments", "owner: x\nmax_unavailable: 0"),
        (BLUE_GREEN, "payments-alb:443", "payments-alb"),
        (BLUE_GREEN, "[payments-blue, payments-green]", "[payments-blue]"),
        (BLUE_GREEN, "owner: team-payments", "owner: x\nsteps: [0, 100]"),
        (BLUE_GREEN, "owner: team-payments", "owner: x\non_failure: roll_back_machine"),
    ],
)
def test_they_refuse_the_same_on_machines(text: str, old: str, new: str) -> None:
    """Given a spec that both take, when one place is spoiled, then both refuse it."""
    validator = jsonschema.Draft202012Validator(schema.json_schema())
    assert validator.is_valid(yaml.safe_load(text)) and parse_service(text, name="payments.yaml")
    spoiled = changed(old, new, text)
    assert not validator.is_valid(yaml.safe_load(spoiled))
    with pytest.raises(SpecError):
        parse_service(spoiled, name="payments.yaml")


def test_the_faults_shown_in_the_reference_are_real() -> None:
    """Given the two faults that the reference shows, when they are made in the example, then they read so."""
    shown = re.findall(r"^payments\.yaml:\d+: .*$", REFERENCE, re.MULTILINE)
    text = example("payments").replace("slot_swap", "slot_swp").replace("  interval:", "  intervall:")
    with pytest.raises(SpecError) as refusal:
        parse_service(text, name="payments.yaml")
    assert str(refusal.value).splitlines() == shown


def test_every_key_is_in_the_reference() -> None:
    reference = REFERENCE
    models = [schema.json_schema(), *schema.json_schema()["$defs"].values()]
    keys = {key for model in models for key in model.get("properties", ())}
    assert [key for key in sorted(keys) if f"`{key}`" not in reference] == []
    for row in re.findall(r"^\| .*$", reference, re.MULTILINE):
        assert len(re.findall(r"(?<!\\)\|", row)) == 5, row


def test_the_reference_names_the_defaults_as_they_are_written() -> None:
    assert "| `bake` | duration from 0s to 24h | `5m` |" in REFERENCE
    assert parse_service(SMALLEST + "bake: 5m\n", name="payments.yaml").bake == (
        parse_service(SMALLEST, name="payments.yaml").bake
    )
