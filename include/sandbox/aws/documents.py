"""The Run Command documents of the example world, and what a document asks a machine to do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEPLOY = "airlock-demo-deploy"
SHELL = "AWS-RunShellScript"
_STEP_TIMEOUT = 3600.0

_DOCUMENTS: dict[str, dict[str, Any]] = {
    DEPLOY: {
        "schemaVersion": "2.2",
        "description": "Stops the application of this machine, installs a build and starts it.",
        "parameters": {
            "Build": {
                "type": "String",
                "description": "The build to run.",
                "allowedPattern": "^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$",
            },
            "Service": {
                "type": "String",
                "description": "The service; a machine of another one refuses.",
                "default": "",
                "allowedPattern": "^[a-z0-9-]{0,40}$",
            },
        },
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": "deploy",
                "inputs": {
                    "timeoutSeconds": "600",
                    "runCommand": [f"{DEPLOY} '{{{{ Build }}}}' '{{{{ Service }}}}'"],
                },
            }
        ],
    },
    SHELL: {
        "schemaVersion": "1.2",
        "description": "Run a shell script or specify the commands to run.",
        "parameters": {
            "commands": {
                "type": "StringList",
                "description": "(Required) The commands to run.",
                "minItems": 1,
            },
            "workingDirectory": {"type": "String", "default": "", "maxChars": 4096},
            "executionTimeout": {
                "type": "String",
                "default": "3600",
                "allowedPattern": "[1-9][0-9]{0,5}",
            },
        },
        "runtimeConfig": {
            "aws:runShellScript": {
                "properties": [
                    {
                        "id": "0.aws:runShellScript",
                        "runCommand": "{{ commands }}",
                        "workingDirectory": "{{ workingDirectory }}",
                        "timeoutSeconds": "{{ executionTimeout }}",
                    }
                ]
            }
        },
    },
}


def write_documents(ssm: Any, account: str) -> None:
    """Put the documents into a region's book. AWS's own can't be made by the API's way."""
    from moto.ssm.models import Document, Documents

    for name, content in _DOCUMENTS.items():
        document = Document(account, name, "", json.dumps(content, indent=2), "Command", "JSON", [], [], "")
        document.target_type = "/AWS::EC2::Instance"
        document.platform_types = ["Linux"]
        if name == SHELL:
            document.owner = "Amazon"
        ssm._documents[name] = Documents(document)


class ParametersRefused(ValueError):
    """The parameters don't fit the document; the text is AWS's."""


@dataclass(frozen=True)
class Step:
    """A script of a document: its lines and how many seconds (at speed 1) it may take."""

    name: str
    lines: tuple[str, ...]
    timeout: float


def check_parameters(content: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return every parameter's value, defaults included. Raises `ParametersRefused`."""
    known: Mapping[str, Any] = content.get("parameters") or {}
    for name in given:
        if name not in known:
            raise ParametersRefused(f'Parameter "{name}" is not defined in the document.')
    values: dict[str, list[str]] = {}
    for name, declared in known.items():
        if name not in given:
            if "default" not in declared:
                raise ParametersRefused(f'Parameter "{name}" requires a value.')
            default = declared["default"]
            values[name] = (
                [str(default)] if not isinstance(default, list) else [str(each) for each in default]
            )
            continue
        values[name] = [str(value) for value in given[name]]
        _check_values(name, declared, values[name])
    return values


def _check_values(name: str, declared: Mapping[str, Any], values: list[str]) -> None:
    if declared.get("type") == "String" and len(values) != 1:
        raise ParametersRefused(f'Parameter "{name}" only accepts one value.')
    pattern, allowed = declared.get("allowedPattern"), declared.get("allowedValues")
    for value in values:
        if pattern and not re.fullmatch(pattern, value):
            raise ParametersRefused(f'Parameter "{name}" has value "{value}" not matching "{pattern}".')
        if allowed and value not in [str(each) for each in allowed]:
            raise ParametersRefused(f'Parameter "{name}" has value "{value}" not in {list(allowed)}.')


def steps(content: Mapping[str, Any], values: Mapping[str, list[str]]) -> list[Step]:
    """Return the scripts of a document with its parameters filled in, of both schemas."""
    found = []
    for step in content.get("mainSteps") or []:
        if step.get("action") == "aws:runShellScript":
            found.append(_step(str(step.get("name", "")), step.get("inputs") or {}, values))
    for plugin, config in (content.get("runtimeConfig") or {}).items():
        if plugin == "aws:runShellScript":
            found += [_step(plugin, properties, values) for properties in config.get("properties") or []]
    return found


def _step(name: str, inputs: Mapping[str, Any], values: Mapping[str, list[str]]) -> Step:
    lines = inputs.get("runCommand") or []
    whole = re.fullmatch(r"\{\{\s*(\w+)\s*\}\}", lines) if isinstance(lines, str) else None
    if whole:
        lines = values.get(whole[1], [])
    elif isinstance(lines, str):
        lines = [lines]
    timeout = _filled(str(inputs.get("timeoutSeconds") or ""), values)
    seconds = float(timeout) if timeout.isdigit() else _STEP_TIMEOUT
    return Step(name, tuple(_filled(str(line), values) for line in lines), seconds)


def _filled(text: str, values: Mapping[str, list[str]]) -> str:
    def value(found: re.Match[str]) -> str:
        return " ".join(values.get(found[1], [found[0]]))

    return re.sub(r"\{\{\s*(\w+)\s*\}\}", value, text)
