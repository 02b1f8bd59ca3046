"""What the one Airflow and the one sandbox of all end-to-end tests are made of, for both clouds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from include.local.home import PROJECT_ROOT
from tests.end_to_end import approvals_world, aws_world, trains_world, windows_world, world
from tests.end_to_end.world import Json

SPEED = 10
"""How many times as fast as its default the sandbox runs."""

# A DAG file as the shipped examples have it.
_DAG_FILE = '''"""Release {service}: an Airflow DAG made from services/{service}.yaml."""

from include.airlock.dag import release_dag

dag = release_dag(__file__)
'''

_ROLLBACK_FILE = '''"""Undo the last release of {service}: an Airflow DAG of services/{service}.yaml."""

from include.airlock.dag import rollback_dag

dag = rollback_dag(__file__)
'''

_TRAIN_FILE = '''"""{what} the train {train}: an Airflow DAG of trains/{train}.yaml."""

from include.airlock.dag import {call}

dag = {call}(__file__)
'''


def write_dags(folder: Path) -> None:
    """Put the project's own DAGs into ``folder``, and one DAG file with its spec for each service."""
    shutil.copytree(PROJECT_ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for service, made in (
        world.specs()
        | approvals_world.specs()
        | windows_world.specs()
        | trains_world.specs()
        | aws_world.specs()
    ).items():
        (folder / f"release_{service}.py").write_text(_DAG_FILE.format(service=service), encoding="utf-8")
        if service in (*world.UNDONE, *windows_world.UNDONE):
            undo = folder / f"rollback_{service}.py"
            undo.write_text(_ROLLBACK_FILE.format(service=service), encoding="utf-8")
        # JSON is YAML.
        text = json.dumps(made, indent=2)
        (folder / "services" / f"{service}.yaml").write_text(text, encoding="utf-8")
    for train, spec in trains_world.trains().items():
        (folder / "trains" / f"{train}.yaml").write_text(json.dumps(spec, indent=2), encoding="utf-8")
        for what, call in (("Release", "train_dag"), ("Undo", "rollback_train_dag")):
            file = folder / f"{call.removesuffix('_dag')}_{train}.py"
            file.write_text(_TRAIN_FILE.format(what=what, train=train, call=call), encoding="utf-8")


def sandbox_settings() -> Json:
    """Return the sandbox's configuration: all that the specs name, and no limit on calls."""
    return {
        "speed": SPEED,
        "protocol": {"retry_after": 0, "drain": 5},
        "limits": {"on": False},
        "services": world.services()
        | approvals_world.services()
        | windows_world.services()
        | trains_world.services(),
        "aws": {"services": aws_world.services()},
    }
