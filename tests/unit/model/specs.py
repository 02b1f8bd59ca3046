"""Specs as text and as values, for the tests of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from include.airlock.model.loading import parse_service
from include.airlock.model.service import Service

ROOT = Path(__file__).resolve().parents[3]
SERVICES = ROOT / "dags" / "services"
SLOT_EXAMPLES = ("payments", "catalog", "identity")
EXAMPLES = (*SLOT_EXAMPLES, "checkout", "search")

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

_ON_MACHINES = """\
deploy:
  document: acme-deploy
  build_parameter: Build
status_page:
  path: /status
  format: json
  build: build
  health: state
  dependencies: dependencies
"""

ROLLING = f"""\
service: payments
owner: team-payments
strategy: rolling
regions:
  - name: eu-west-1
    connection: aws_eu_west_1
    farms:
      - name: production
        target_groups: [payments-production]
{_ON_MACHINES}"""

BLUE_GREEN = f"""\
service: payments
owner: team-payments
strategy: blue_green
regions:
  - name: eu-west-1
    connection: aws_eu_west_1
    listener: payments-alb:443
    target_groups: [payments-blue, payments-green]
{_ON_MACHINES}"""


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
