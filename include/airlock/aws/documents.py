"""What a document of Systems Manager is and accepts, looked at before it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.airlock.aws.clients import call
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.errors import line
from include.airlock.aws.operations import GET_DOCUMENT
from include.airlock.errors import Rejected
from include.airlock.model.expressions import Unreadable, compiled


@dataclass(frozen=True)
class Parameter:
    """One parameter of a document; ``default`` says whether it may be left out."""

    name: str
    type: str
    default: bool
    allowed_pattern: str | None
    allowed_values: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A document; to run on machines its ``type`` must be ``Command`` and its ``status`` ``Active``."""

    name: str
    version: str
    type: str
    status: str
    parameters: dict[str, Parameter]


def read_document(access: AwsAccess, name: str, version: str | None) -> Document:
    """A document by name or ARN; ``version`` None is its default version.

    Raises:
        NotFound: there is no such document or version.
        Rejected: its content can't be read.
    """
    answer = call(
        access,
        GET_DOCUMENT,
        what=f"read document {name}",
        on=f"document/{name}",
        Name=name,
        **({"DocumentVersion": version} if version else {}),
    )
    return Document(
        name=str(answer.get("Name") or name),
        version=str(answer.get("DocumentVersion") or ""),
        type=str(answer.get("DocumentType") or ""),
        status=str(answer.get("Status") or ""),
        parameters=_parameters(name, str(answer.get("Content") or "")),
    )


def _parameters(name: str, content: str) -> dict[str, Parameter]:
    import yaml

    try:
        document = yaml.safe_load(content)  # JSON is YAML as well
    except yaml.YAMLError as fault:
        raise Rejected(
            f"document {name}: its content is neither JSON nor YAML: {line(str(fault))}"
        ) from fault
    found = document.get("parameters") if isinstance(document, dict) else None
    rows = found if isinstance(found, dict) else {}
    return {str(key): _parameter(str(key), row if isinstance(row, dict) else {}) for key, row in rows.items()}


def _parameter(name: str, row: dict[str, Any]) -> Parameter:
    pattern = row.get("allowedPattern")
    return Parameter(
        name=name,
        type=str(row.get("type") or "String"),
        default="default" in row,
        allowed_pattern=str(pattern) if pattern else None,
        allowed_values=tuple(str(value) for value in row.get("allowedValues") or ()),
    )


def faults_of(document: Document, parameters: Mapping[str, Sequence[str]]) -> list[str]:
    """Everything that would keep the document from running with these parameters; pure, none is good."""
    said = f"document {document.name}"
    faults = []
    if document.type != "Command":
        faults.append(f"{said} is of type {document.type or 'unknown'}, not Command")
    if document.status != "Active":
        faults.append(f"{said} is {document.status or 'of no known status'}, not Active")
    known = document.parameters
    for name in sorted(set(parameters) - set(known)):
        there = ", ".join(known) or "none"
        faults.append(f"{said} has no parameter '{name}'; its parameters: {there}")
    for name, parameter in known.items():
        if name in parameters:
            faults += [f"{said}: {fault}" for fault in _value_faults(parameter, parameters[name])]
        elif not parameter.default:
            faults.append(f"{said} needs the parameter '{name}', which has no default")
    return faults


def _value_faults(parameter: Parameter, values: Sequence[str]) -> list[str]:
    faults = []
    if parameter.type == "String" and len(values) != 1:
        faults.append(f"parameter '{parameter.name}' takes one value, not {len(values)}")
    for value in values:
        if parameter.allowed_values and value not in parameter.allowed_values:
            faults.append(f"parameter '{parameter.name}': '{value}' is not among its allowedValues")
        if parameter.allowed_pattern and _surely_refused(parameter.allowed_pattern, value):
            pattern = line(parameter.allowed_pattern)
            faults.append(f"parameter '{parameter.name}': '{value}' does not match {pattern}")
    return faults


def _surely_refused(pattern: str, value: str) -> bool:
    """Whether a pattern refuses a value. RE2 never runs away; what it can't read, AWS will judge."""
    try:
        return compiled(pattern).search(value) is None
    except Unreadable:
        return False
