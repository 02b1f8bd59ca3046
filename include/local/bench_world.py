"""What the benchmark releases: one service in four regions, and the cloud that it runs in."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from include.local.home import PROJECT_ROOT
from include.local.parse_time import DAG_FILE

SERVICE = "bench"
REGIONS = ("westeurope", "northeurope", "uksouth", "eastus")
BUILD = "2026.11.2"
NEXT_BUILD = "2026.11.4"
CONSECUTIVE, INTERVAL_S, BAKE_S = 3, 0.25, 1.0
# A cloud four times as fast as the sandbox's usual one, as a step waits for the cloud in its worker.
SPEED = 4

_SPEC = """
service: {service}
owner: team-bench
strategy: slot_swap
regions:
{regions}
status_page:
  path: /status
  format: json
  build: build
  health: state
  dependencies: dependencies
  consecutive: {consecutive}
  interval: {interval:g}s
bake: {bake:g}s
announce:
  slack: {{connection: slack_default, channel: "#releases"}}
refresh:
  package: {{connection: packages, path: "{service}-{{build}}.zip"}}
"""
_REGION = """
  - name: {name}
    connection: azure_{name}
    resource_group: rg-{service}-{name}
    app: {service}-{name}
"""


def write_dags(folder: Path) -> Path:
    """Write the benchmark's spec and DAG files into an empty folder, and return it."""
    regions = "\n".join(_REGION.format(name=name, service=SERVICE) for name in REGIONS)
    spec = _SPEC.format(
        service=SERVICE, regions=regions, consecutive=CONSECUTIVE, interval=INTERVAL_S, bake=BAKE_S
    )
    (folder / "services").mkdir(parents=True)
    (folder / "services" / f"{SERVICE}.yaml").write_text(spec, encoding="utf-8")
    (folder / f"release_{SERVICE}.py").write_text(DAG_FILE.format(name=SERVICE), encoding="utf-8")
    shutil.copy(PROJECT_ROOT / "dags" / "airlock_tell_again.py", folder)
    return folder


def sandbox_settings() -> dict[str, Any]:
    """Return the sandbox's settings: the four regions, on a cloud that is `SPEED` times as fast as usual."""
    return {"speed": SPEED, "services": {SERVICE: {"regions": {name: {} for name in REGIONS}}}}
