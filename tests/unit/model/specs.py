"""Specs as text and as values, for the tests of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from include.airlock.model.loading import parse_service
from include.airlock.model.service import Service

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ROOT / "dags" / "services"
EXAMPLES = ("payments", "catalog", "identity")

SMALLEST = """\
service: payments
owner: team-payments
strategy: slot_swap
regions:
  - name: westeurope
    connection: azure_westeurope
    resource_group: rg-payments
    app: payments-westeurope
status_page:
  path: /status
  format: json
  build: build
  health: state
  dependencies: dependencies
"""


def example(name: str) -> str:
    """Give the text of an example that the project ships."""
    return (SERVICES / f"{name}.yaml").read_text(encoding="utf-8")


def changed(old: str, new: str, text: str = SMALLEST) -> str:
    """Give a spec with one place changed."""
    assert text.count(old) == 1, f"{old!r} must stand once in the spec"
    return text.replace(old, new)


def service(text: str = SMALLEST) -> Service:
    """Read a spec that is good."""
    return parse_service(text, name="payments.yaml")


def json_page(**changes: Any) -> dict[str, Any]:
    """Give the values of a JSON status page."""
    page = {"path": "/status", "format": "json", "build": "build", "health": "state"}
    return {**page, "dependencies": "dependencies", **changes}


def html_page(**changes: Any) -> dict[str, Any]:
    """Give the values of an HTML status page."""
    return {
        "path": "/status.html",
        "format": "html",
        "build": r'<b id="build">(?P<build>[^<]*)</b>',
        "health": r'<b id="state">(?P<health>[^<]*)</b>',
        "dependencies": r"<li>(?P<name>[^<:]*): (?P<state>[^<]*)</li>",
        **changes,
    }
