"""What Airflow's form of a release shows, and what it refuses before a run is made."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from include.airlock.model.change_request import KEYS, ChangeRequest
from include.airlock.model.form import params_schema
from include.airlock.model.loading import parse_service
from tests.unit.model.specs import BLUE_GREEN, EXAMPLES, ROLLING, SMALLEST, example, service

SERVICES = {name: parse_service(example(name), name=f"{name}.yaml") for name in EXAMPLES}
PAYMENTS = SERVICES["payments"]
WINDOWS = "windows: [{days: [tuesday], opens: '20:00', closes: '22:00', time_zone: Europe/London}]\n"
SCHEDULED = "scheduled: {build: staging}\n"


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_takes_what_a_change_request_takes(name: str) -> None:
    """Given the schemas, then each is sound, each default is valid, and only the build is required."""
    schemas = params_schema(SERVICES[name])
    lacking = set() if "refresh" in type(SERVICES[name]).model_fields else {"refresh_build"}
    lacking |= set() if SERVICES[name].has_windows else {"window_override"}
    assert set(schemas) == set(KEYS) - lacking
    assert [key for key, schema in schemas.items() if "default" not in schema] == ["build"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["title"] and schema["description"]
        if "default" in schema:
            jsonschema.validate(schema["default"], schema)
    defaults = {key: schema["default"] for key, schema in schemas.items() if "default" in schema}
    assert ChangeRequest.of(SERVICES[name], {"build": "2026.11.2", **defaults}).regions


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("build", ["2026.11.2"], ["", "v1", "2026.11.2 ", None, 5]),
        ("regions", [[], None, ["uksouth"]], [["mars"], ["uksouth", "uksouth"], "uksouth"]),
        ("on_failure", ["halt"], ["x", None]),
        ("change_request", [None, "CHG-1"], ["a b", "C" * 65]),
        ("refresh_build", [None, "2026.11.3"], ["v1"]),
        ("reason", [None, "why"], ["r" * 501]),
        ("plan_only", [True, False], ["yes", 1]),
        ("plan", [None, "3f2a9c01d4e5b687"], ["3F2A9C01D4E5B687", "3f2a"]),
    ],
)
def test_it_says_what_is_wrong_before_anything_starts(key: str, good: list[Any], bad: list[Any]) -> None:
    validator = jsonschema.Draft202012Validator(params_schema(PAYMENTS)[key])
    assert [value for value in good if not validator.is_valid(value)] == []
    assert [value for value in bad if validator.is_valid(value)] == []


def test_free_text_has_no_examples_since_the_form_would_make_a_list_of_them() -> None:
    schemas = params_schema(service())
    free = ("build", "change_request", "refresh_build", "plan")
    assert [key for key in free if "examples" in schemas[key]] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_offers_what_the_strategy_has(name: str) -> None:
    """Given the form, then each policy and place it offers is taken, and it offers all that are."""
    asked = SERVICES[name]
    schemas = params_schema(asked)
    assert tuple(schemas["on_failure"]["enum"]) == asked.policies
    assert set(schemas["on_failure"]["values_display"]) == set(asked.policies)
    assert tuple(schemas["regions"]["items"]["enum"]) == asked.places
    # What the form lets choose among; without it a list is typed, line by line.
    assert tuple(schemas["regions"]["examples"]) == asked.places
    for policy in schemas["on_failure"]["enum"]:
        conf = {"build": "2026.11.2", "on_failure": policy, "regions": [asked.places[-1]]}
        assert ChangeRequest.of(asked, conf).on_failure == policy


@pytest.mark.parametrize(("text", "word"), [(ROLLING, "farm"), (BLUE_GREEN, "region")])
def test_it_speaks_the_strategys_words(text: str, word: str) -> None:
    schemas = params_schema(service(text))
    assert schemas["on_failure"]["title"] == f"If a {word} fails"
    assert schemas["build"]["description"] == (
        "The build that every machine shall get, like 2026.11.2: a letter or digit, then letters, digits, "
        "'.', '_', '+' and '-'; at most 64 characters."
    )


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (r"20[0-9]{2}\.[0-9]+\.[0-9]+", r"like 2026.11.2. Its pattern is 20[0-9]{2}\.[0-9]+\.[0-9]+ here."),
        ("v[0-9]+", "production shall get. Its pattern is v[0-9]+ here."),
    ],
)
def test_a_service_s_own_pattern_is_shown_with_an_example_that_fits(pattern: str, said: str) -> None:
    """Airflow's form shows no pattern by itself, and its answer to a wrong build only repeats it."""
    schema = params_schema(service(f"{SMALLEST}build_pattern: '{pattern}'\n"))["build"]
    assert schema["description"].endswith(said)
    assert schema["pattern"] == f"^(?:{pattern})$"


def test_params_stand_in_sections() -> None:
    """Given all that a spec can have, then what is needed stands in the section that is open at first."""
    schemas = params_schema(service(SMALLEST + WINDOWS))
    sections: dict[str | None, list[str]] = {}
    for key, schema in schemas.items():
        sections.setdefault(schema.get("section"), []).append(key)
    assert sections == {
        None: ["build", "change_request", "reason"],
        "Where": ["regions"],
        "How": ["on_failure"],
        "Plan": ["plan_only", "plan"],
        "Windows": ["window_override"],
        "Afterwards": ["refresh_build"],
    }


def test_the_windows_are_shown_where_they_can_be_set_aside() -> None:
    shown = params_schema(service(SMALLEST + WINDOWS))["window_override"]["description"]
    assert shown.endswith("the release stops before it. Windows: tuesday 20:00–22:00 Europe/London.")
    frozen = "freezes: [{dates: [12-24], time_zone: UTC, reason: Christmas}]\nwhen_closed: wait\n"
    assert params_schema(service(SMALLEST + frozen))["window_override"]["description"].endswith("it waits.")


def test_beside_a_schedule_the_build_may_be_left_out_and_is_said_to_be_needed() -> None:
    """Airflow allows no required param there; see docs/windows.md."""
    build = params_schema(service(SMALLEST + WINDOWS + SCHEDULED))["build"]
    assert build["default"] is None
    assert build["description"].startswith("Needed, but for a start by the calendar: the build that")
