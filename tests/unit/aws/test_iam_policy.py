"""The policy in the documentation grants what the code asks for: no less, no more."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

from include.airlock.aws.operations import OPERATIONS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "aws-iam.md"


def statements() -> dict[str, set[str]]:
    """Each statement's actions, of both policies of the page."""
    policies = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    rows = [row for policy in policies for row in json.loads(policy)["Statement"]]
    assert all(row["Effect"] == "Allow" for row in rows)
    return {row["Sid"]: set(row["Action"]) for row in rows}


def test_each_statement_grants_what_its_need_asks_for() -> None:
    asked: dict[str, set[str]] = defaultdict(set)
    for operation in OPERATIONS:
        asked[operation.need.value].add(operation.action)
    assert statements() == asked


def test_no_change_is_allowed_on_everything() -> None:
    """Given all statements, then only reads, and what AWS can't narrow, have the resource ``*``."""
    policies = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    for policy in policies:
        for row in json.loads(policy)["Statement"]:
            if row["Resource"] == "*":
                changing = {word for word in row["Action"] if not re.search(r":(Describe|Get|List)", word)}
                assert changing <= {"ssm:CancelCommand"}
