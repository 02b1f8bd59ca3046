"""How a machine gets a build: a document of AWS Systems Manager, run on it by Run Command."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from include.airlock.model.aws_names import Document, DocumentVersion
from include.airlock.model.durations import Between
from include.airlock.model.fields import BUILD_PATTERN, CONTROL, Closed, Text, Word
from include.airlock.model.wording import fault, shown

MAX_PARAMETERS, MAX_VALUES, LONGEST_VALUE = 50, 20, 4000

# The agent takes no other names: ValidParameters in agent/parameters/parameters.go of
# https://github.com/aws/amazon-ssm-agent.
ParameterName = Annotated[
    str, Word(r"[A-Za-z0-9]+", "a document's parameter has letters and digits", longest=128, example="Build")
]
_NAME = re.compile(r"[A-Za-z0-9]{1,128}")

# Parameters that are themselves a script or a command line, by Amazon's documents that have them
# ("AWS Systems Manager Command document reference": aws:runShellScript and its kin).
_SCRIPTS = {
    "AWS-RunShellScript": ("commands",),
    "AWS-RunPowerShellScript": ("commands",),
    "AWS-RunRemoteScript": ("commandLine",),
}


def _check_parameters(parameters: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    if len(parameters) > MAX_PARAMETERS:
        raise fault(f"has more than {MAX_PARAMETERS} parameters")
    for name, values in parameters.items():
        if not _NAME.fullmatch(name):
            raise fault(
                f"{shown(name)} is not valid: a document's parameter has letters and digits, 128 at most",
                name,
            )
        for index, value in enumerate(values):
            _check_value(value, name, index)
    return parameters


def _check_value(value: str, *at: str | int) -> None:
    if len(value) > LONGEST_VALUE:
        raise fault(f"has more than {LONGEST_VALUE} characters", *at)
    if CONTROL.search(re.sub(r"[\t\r\n]", " ", value)):
        raise fault(f"{shown(value)} has control characters in it", *at)


_Values = Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_VALUES)]


class Deploy(Closed):
    """The Systems Manager document that puts a build on a machine.

    It runs on one machine at a time by Run Command. The build goes to the document as a parameter
    of its own, `build_parameter`, and is never spliced into a value or a command line.
    """

    document: Document = Field(description="Name or ARN of a command document.")
    document_version: DocumentVersion | None = Field(
        None, description="Version of the document, in quotes; null for its default version."
    )
    build_parameter: ParameterName = Field(description="The document's parameter that takes the build.")
    parameters: Annotated[dict[str, _Values], AfterValidator(_check_parameters)] = Field(
        default_factory=dict,
        description="The document's other parameters, each with its list of values, whatever the build.",
        json_schema_extra={
            "default": {},
            "maxProperties": MAX_PARAMETERS,
            "propertyNames": {"pattern": f"^{_NAME.pattern}$"},
        },
    )
    timeout: Annotated[timedelta, Between("5s", "6h")] = Field(
        timedelta(minutes=10), description="Longest time for one run on one machine."
    )
    comment: Annotated[str, Text(50)] | None = Field(
        None, description="Words that the command's comment starts with, for people who look at Run Command."
    )

    @model_validator(mode="after")
    def _build_is_a_parameter(self) -> Self:
        name = self.document.rpartition("/")[2]
        if self.build_parameter in _SCRIPTS.get(name, ()):
            raise fault(
                f"{name} runs '{self.build_parameter}' as a command line, and a build is never part of one; "
                "write a document that has a parameter for the build",
                "build_parameter",
            )
        if self.build_parameter in self.parameters:
            raise fault("takes the build, so it has no value here", "parameters", self.build_parameter)
        for parameter, values in self.parameters.items():
            for index, value in enumerate(values):
                self._refuse_placeholder(value, "parameters", parameter, index)
        return self

    def _refuse_placeholder(self, value: str, *at: str | int) -> None:
        """A value that seems to wait for the build is refused: it would reach the machine as it stands."""
        word = rf"(?:build|{self.build_parameter})"
        form = rf"(\{{+\s*{word}\s*\}}+|\$\{{?{word}\b\}}?|<{word}>|%\(?{word}\)?[%s])"
        found = re.search(form, value, re.IGNORECASE)
        if found:
            raise fault(
                f"has {shown(found[1])} in it, and nothing is filled in here; the build goes to the document "
                f"as its parameter '{self.build_parameter}'",
                *at,
            )

    def parameters_for(self, build: str) -> dict[str, list[str]]:
        """Give all of the document's parameters for a build, as SendCommand takes them.

        Raises:
            ValueError: the build is not one.
        """
        if not re.fullmatch(BUILD_PATTERN, build):
            raise ValueError(f"{build!r} is not a build number")
        constant = {name: list(values) for name, values in self.parameters.items()}
        return {**constant, self.build_parameter: [build]}
