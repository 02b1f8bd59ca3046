"""``airlock validate``: every fault of every spec, with file and line; asks no Airflow."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from include.airlock.cli.ending import Exit, bad_input
from include.airlock.cli.specs import dags_folder
from include.airlock.errors import SpecError
from include.airlock.model.loading import load_service
from include.airlock.model.train_loading import load_train

TRAINS = "trains"
"""The folder of the trains' specs, beside that of the services'."""


def validate(options: argparse.Namespace) -> Exit:
    """Check the named specs, else all of the DAGs' folder.

    Raises:
        CannotGoOn: there is nothing to check.
    """
    paths = [Path(each) for each in options.file] or _all(dags_folder(options))
    faults = {path: faults_of(path) for path in paths}
    wrong = [fault for found in faults.values() for fault in found]
    if options.json:
        said = [{"file": str(path), "valid": not found, "faults": found} for path, found in faults.items()]
        print(json.dumps({"valid": not wrong, "specs": said}))
    else:
        for fault in wrong:
            print(fault)
        good = sum(not found for found in faults.values())
        print(f"{good} of {len(paths)} spec{'s' if len(paths) > 1 else ''} valid")
    return Exit.BAD_INPUT if wrong else Exit.DONE


def _all(dags: Path) -> list[Path]:
    found = [path for folder in ("services", TRAINS) for path in sorted((dags / folder).glob("*.yaml"))]
    if not found:
        raise bad_input(f"{dags / 'services'} has no specs; airlock new makes one")
    return found


def faults_of(path: Path) -> list[str]:
    """The faults of one spec, as ``dags/services/payments.yaml:14: …``; none when it can be released."""
    train = path.parent.name == TRAINS
    try:
        name = load_train(path).name if train else load_service(path).service
    except SpecError as error:
        lines = str(error).splitlines()
        if train and not lines[0].startswith(f"{path.name}:"):
            return [f"{path}:1: a service of it is not valid: {lines[0]}"]
        # The model names the file alone; with its folder an editor can open it.
        return [_with_folder(line, path) for line in lines]
    if path.parent.name not in ("services", TRAINS):
        return []
    dags, files = path.parent.parent, (f"release_{name}.py", f"rollback_{name}.py")
    needed = (f"train_{name}.py", f"rollback_train_{name}.py") if train else files
    return [f"{path}:1: has no DAG file {dags / each}" for each in needed if not (dags / each).is_file()]


def _with_folder(line: str, path: Path) -> str:
    return f"{path.parent / line}" if line.startswith(f"{path.name}:") else line
