"""The table of operations against botocore's own models, and the code against the table."""

from __future__ import annotations

import ast
from pathlib import Path

import botocore.session
import pytest

from include.airlock.aws import operations
from include.airlock.aws.operations import ASSUME_ROLE, OPERATIONS, Operation

AWS = Path(operations.__file__).parent


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.action)
def test_botocore_knows_the_operation(operation: Operation) -> None:
    model = botocore.session.get_session().get_service_model(operation.service)
    assert operation.name in model.operation_names


def test_every_operation_of_the_table_is_used_and_no_other_call_is_made() -> None:
    """Given all modules, when their names are read, then each operation is one that some module asks for."""
    used: set[str] = set()
    for module in AWS.glob("*.py"):
        if module.name == "operations.py":
            continue
        tree = ast.parse(module.read_text("utf-8"))
        used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert "boto3" not in {
            name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
        }, module.name
    named = {name for name, value in vars(operations).items() if isinstance(value, Operation)}
    assert named - used == set()
    assert len(named) == len(OPERATIONS)


def test_what_acts_again_when_sent_again_is_sent_once() -> None:
    once = {operation.name for operation in OPERATIONS if operation.once}
    assert once == {"SendCommand", "EnterStandby", "ExitStandby"}
    assert not ASSUME_ROLE.once
