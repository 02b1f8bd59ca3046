"""docs/api.md taken apart: the calls of each section, and the steps of the pipelines."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from tests.unit.pages import blocks, text

PAGE = "docs/api.md"


def section(title: str) -> list[str]:
    """The shell blocks of one section, in order."""
    (found,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text(PAGE), re.DOTALL | re.MULTILINE)
    return [block for _, block in re.findall(r"^( *)```bash\n(.*?)^\1```", found, re.DOTALL | re.MULTILINE)]


def azure() -> dict[str, Any]:
    """The step of the Azure DevOps pipeline."""
    pipeline = yaml.safe_load(blocks(PAGE, "yml")[0])
    (step,) = (step for step in pipeline["steps"] if "bash" in step)
    found: dict[str, Any] = step
    return found


def github() -> dict[str, Any]:
    """The step of the GitHub workflow."""
    workflow = yaml.safe_load(blocks(PAGE, "yml")[1])
    (step,) = workflow["jobs"]["release"]["steps"]
    found: dict[str, Any] = step
    return found


def jira(issue: dict[str, str]) -> tuple[Any, Any]:
    """The bodies of Jira's two requests, for an issue with these smart values."""

    def filled(found: re.Match[str]) -> str:
        name, _, rest = found[1].removeprefix("issue.").partition(".")
        value = issue[name]
        return json.dumps(value)[1:-1] if rest == "jsonEncode" else value

    login, wish = (re.sub(r"\{\{(.+?)\}\}", filled, block) for block in blocks(PAGE, "json"))
    return json.loads(login), json.loads(wish)
