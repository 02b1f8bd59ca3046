"""Ansible's rolling update (`rolling.yml`, ``serial: 1``), where ``ansible-playbook`` is found.

Ansible is no dependency: it runs from the PATH, or from what ``AIRLOCK_ANSIBLE`` names, and its own
Python needs boto3.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from include.local.rivals.farm import Farm
from include.local.rivals.outcome import Outcome

PLAYBOOK = Path(__file__).with_name("rolling.yml")
PROJECT_ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 3600.0


def program() -> str | None:
    """Return the playbook runner, or None where Ansible is not installed."""
    return os.environ.get("AIRLOCK_ANSIBLE") or shutil.which("ansible-playbook")


def release(
    farm: Farm, build: str, *, drained: str = "unused", timeout_s: int = 600, poll_s: float = 1.0
) -> Outcome:
    """Release a build to every machine of the farm.

    ``drained`` is the target state that the playbook waits for after a detach: ``unused`` is right;
    ``draining`` is what a hasty one waits for. Raises FileNotFoundError without Ansible.
    """
    found = program()
    if found is None:
        raise FileNotFoundError("no ansible-playbook: put it on the PATH or name it with AIRLOCK_ANSIBLE")
    asked = _variables(farm, build) | {"drained": drained, "timeout": timeout_s, "poll": str(poll_s)}
    with tempfile.TemporaryDirectory(prefix="airlock-ansible-") as folder:
        (Path(folder) / "inventory.json").write_text(json.dumps(_inventory(farm)), encoding="utf-8")
        (Path(folder) / "variables.json").write_text(json.dumps(asked), encoding="utf-8")
        began = time.monotonic()
        ran = _run(found, Path(folder), farm)
        wall = time.monotonic() - began
    return Outcome("ansible", wall, ran.stdout.count("TASK ["), ran.returncode == 0, _last_words(ran))


def _variables(farm: Farm, build: str) -> dict[str, Any]:
    return {
        "region": farm.region,
        "endpoint_url": farm.endpoint_url or "",
        "target_groups": list(farm.target_groups),
        "classic": list(farm.classic),
        "document": farm.document,
        "parameters": dict(farm.parameters),
        "build": build,
    }


def _inventory(farm: Farm) -> dict[str, Any]:
    return {"farm": {"hosts": {instance: {} for instance in farm.instances}}}


def _run(found: str, folder: Path, farm: Farm) -> subprocess.CompletedProcess[str]:
    command = [found, "-i", str(folder / "inventory.json"), "-e", f"@{folder / 'variables.json'}"]
    return subprocess.run(
        [*command, str(PLAYBOOK)],
        cwd=folder,
        env=_environment(farm, folder),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def _environment(farm: Farm, folder: Path) -> Mapping[str, str]:
    """Return the environment: Ansible's files stay in the folder, the key is given as boto3 reads it."""
    given = {
        "PYTHONPATH": str(PROJECT_ROOT),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        # Modules run with the Python that runs Ansible: it is the one that has boto3.
        "ANSIBLE_PYTHON_INTERPRETER": "{{ ansible_playbook_python }}",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if farm.endpoint_url:
        given["AWS_ENDPOINT_URL"] = farm.endpoint_url
    if farm.access_key_id and farm.secret_access_key:
        given["AWS_ACCESS_KEY_ID"] = farm.access_key_id
        given["AWS_SECRET_ACCESS_KEY"] = farm.secret_access_key
    return {**os.environ, **given}


def _last_words(ran: subprocess.CompletedProcess[str]) -> str:
    """Return what a failed run said; nothing of one that ended well."""
    if ran.returncode == 0:
        return ""
    fatal = [line for line in ran.stdout.splitlines() if "fatal:" in line or "FAILED!" in line]
    return (fatal[-1] if fatal else ran.stderr.strip() or ran.stdout.strip())[-500:]
