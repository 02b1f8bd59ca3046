"""How a machine gets a build: as a parameter of its own, never spliced into anything."""

# ruff: noqa: E501 (the tables are read by their rows)

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from include.airlock.model.deploy import Deploy
from include.airlock.model.fields import Build
from tests.unit.model.faults import faults
from tests.unit.model.specs import ROLLING, changed


def deploy(**changes: Any) -> Deploy:
    return Deploy.model_validate({"document": "acme-deploy", "build_parameter": "Build", **changes})


def test_the_build_is_a_parameter_of_its_own() -> None:
    made = deploy(parameters={"Service": ["checkout"], "Flags": ["a", "b"]})
    assert made.parameters_for("2026.11.2") == {
        "Service": ["checkout"],
        "Flags": ["a", "b"],
        "Build": ["2026.11.2"],
    }


def test_what_is_made_for_one_build_does_not_change_the_spec() -> None:
    made = deploy(parameters={"Service": ["checkout"]})
    made.parameters_for("1")["Service"].append("x")
    assert made.parameters_for("2") == {"Service": ["checkout"], "Build": ["2"]}


@given(st.text(max_size=12) | st.from_regex(r"[0-9A-Za-z][0-9A-Za-z._+-]{0,63}", fullmatch=True))
def test_only_a_build_is_passed_on(build: str) -> None:
    """Given any text, then it is passed on whole if it may be asked for as a build, and refused else."""
    try:
        TypeAdapter(Build).validate_python(build)
    except ValidationError:
        with pytest.raises(ValueError, match="is not a build number"):
            deploy().parameters_for(build)
    else:
        assert deploy().parameters_for(build) == {"Build": [build]}


@pytest.mark.parametrize(
    "value",
    [
        "checkout",
        "",
        '{"flags": {"a": 1}}',
        "50%",
        "$HOME",
        "rebuild",
        "{{ssm:/checkout/flags}}",
        "a\n\tb",
        "builds",
    ],
)
def test_constant_values(value: str) -> None:
    assert deploy(parameters={"Mode": [value]}).parameters["Mode"] == (value,)


FILLED = "in it, and nothing is filled in here; the build goes to the document as its parameter 'Build'"
SCRIPT = (
    "as a command line, and a build is never part of one; write a document that has a parameter for the build"
)


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        (
            "",
            "10: deploy.build_parameter: is missing; name the parameter of the document that takes the build",
        ),
        (
            "build_parametr: Build",
            "10: deploy.build_parameter: is missing; name the parameter of the document that takes the build|"
            "12: deploy: unknown key 'build_parametr'; did you mean 'build_parameter'?",
        ),
        (
            "build_parameter: Build Number",
            "12: deploy.build_parameter: 'Build Number' is not valid: a document's parameter has letters and digits",
        ),
        (
            "build_parameter: B\n  parameters: {B: ['1']}",
            "13: deploy.parameters.B: takes the build, so it has no value here",
        ),
        (
            "build_parameter: Build\n  parameters: {Service: checkout}",
            "13: deploy.parameters.Service: 'checkout' is not a list",
        ),
        (
            "build_parameter: Build\n  parameters: {Service: []}",
            "13: deploy.parameters.Service: is empty",
        ),
        (
            "build_parameter: Build\n  parameters: {Service: [1]}",
            "13: deploy.parameters.Service[0]: 1 is not text; put it in quotes",
        ),
        (
            "build_parameter: Build\n  parameters: {Service: ['a\\b', \"a\\x1b\"]}",
            r"13: deploy.parameters.Service[1]: 'a\x1b' has control characters in it",
        ),
        (
            "build_parameter: Build\n  parameters: {a b: ['1']}",
            "13: deploy.parameters.a b: 'a b' is not valid: a document's parameter has letters and digits, 128 at most",
        ),
        *(
            (
                f"build_parameter: Build\n  parameters: {{Command: [x, '{value}']}}",
                f"13: deploy.parameters.Command[1]: has '{form}' {FILLED}",
            )
            for value, form in [
                ("install {build}", "{build}"),
                ("install {{ Build }} now", "{{ Build }}"),
                ("install ${BUILD}", "${BUILD}"),
                ("install $build now", "$build"),
                ("install <build>", "<build>"),
                ("install %(build)s", "%(build)s"),
                ("install %BUILD%", "%BUILD%"),
            ]
        ),
        (
            "build_parameter: Build\n  timeout: 4s",
            "13: deploy.timeout: '4s' must be at least 5s and at most 6h",
        ),
        (
            "build_parameter: Build\n  document_version: 3",
            "13: deploy.document_version: 3 is not text; put it in quotes",
        ),
        (f"build_parameter: Build\n  comment: {'c' * 51}", "13: deploy.comment: has more than 50 characters"),
    ],
)
def test_a_fault_is_said_with_its_line(key: str, fault: str) -> None:
    assert faults(changed("build_parameter: Build", key, ROLLING)) == fault.split("|")


@pytest.mark.parametrize(
    ("document", "parameter"),
    [
        ("AWS-RunShellScript", "commands"),
        ("AWS-RunPowerShellScript", "commands"),
        ("AWS-RunRemoteScript", "commandLine"),
        ("arn:aws:ssm:eu-west-1::document/AWS-RunShellScript", "commands"),
    ],
)
def test_a_build_is_never_a_command_line(document: str, parameter: str) -> None:
    """Given a document that runs its parameter as a script, when that is the build, then it is refused."""
    text = changed("acme-deploy", document, changed(": Build", f": {parameter}", ROLLING))
    name = document.rpartition("/")[2]
    assert faults(text) == [f"12: deploy.build_parameter: {name} runs '{parameter}' {SCRIPT}"]


def test_a_long_value_and_many_parameters_are_refused() -> None:
    with pytest.raises(ValidationError, match="has more than 4000 characters"):
        deploy(parameters={"Mode": ["x" * 4001]})
    with pytest.raises(ValidationError, match="has more than 50 parameters"):
        deploy(parameters={f"P{number}": ["x"] for number in range(51)})
