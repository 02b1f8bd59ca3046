"""What keeps a document of Systems Manager from running, said before it is run."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.aws.documents import Document, Parameter, faults_of


def parameter(name: str, **more: Any) -> Parameter:
    fields = {"type": "String", "default": False, "allowed_pattern": None, "allowed_values": ()}
    return Parameter(name, **{**fields, **more})


def document(*parameters: Parameter, type: str = "Command", status: str = "Active") -> Document:
    return Document("airlock-demo-deploy", "1", type, status, {row.name: row for row in parameters})


BUILD = parameter("Build", allowed_pattern=r"^[0-9]{4}(\.[0-9]+){2}$")
SERVICE = parameter("Service", default=True, allowed_values=("checkout", "search"))


def test_a_document_that_fits() -> None:
    good = document(BUILD, SERVICE, parameter("Commands", type="StringList", default=True))
    assert faults_of(good, {"Build": ["2026.11.2"], "Service": ["checkout"], "Commands": ["a", "b"]}) == []
    assert faults_of(good, {"Build": ["2026.11.2"]}) == []


@pytest.mark.parametrize(
    ("broken", "asked", "words"),
    [
        (document(BUILD, type="Automation"), {"Build": ["2026.11.2"]}, "of type Automation, not Command"),
        (document(BUILD, type=""), {"Build": ["2026.11.2"]}, "of type unknown"),
        (document(BUILD, status="Deleting"), {"Build": ["2026.11.2"]}, "is Deleting, not Active"),
        (document(), {"Build": ["2026.11.2"]}, "has no parameter 'Build'; its parameters: none"),
        (document(BUILD), {}, "needs the parameter 'Build'"),
        (document(BUILD), {"Build": ["2026.11.2; reboot"]}, "does not match ^[0-9]{4}"),
        (document(BUILD), {"Build": ["2026.11.2", "2026.11.3"]}, "takes one value, not 2"),
        (document(SERVICE), {"Service": ["payments"]}, "'payments' is not among its allowedValues"),
    ],
)
def test_a_document_that_does_not(broken: Document, asked: dict[str, list[str]], words: str) -> None:
    faults = faults_of(broken, asked)
    assert len(faults) == 1
    assert words in faults[0]


def test_every_fault_is_named() -> None:
    broken = document(BUILD, type="Automation", status="Failed")
    assert len(faults_of(broken, {"Version": ["1"]})) == 4


def test_a_pattern_that_only_aws_can_read_is_left_to_aws() -> None:
    look_ahead = parameter("Build", allowed_pattern="(?=2)2026.*")
    assert faults_of(document(look_ahead), {"Build": ["nothing like it"]}) == []
