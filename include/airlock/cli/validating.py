"""``airlock validate``: every fault of every spec, with file and line; asks no Airflow."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from include.airlock.cli.ending import Exit, bad_input
from include.airlock.cli.specs import dags_folder
from include.airlock.errors import SpecError
from include.airlock.model.loading import load_service


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
    found = sorted((dags / "services").glob("*.yaml"))
    if not found:
        raise bad_input(f"{dags / 'services'} has no specs; airlock new makes one")
    return found


def faults_of(path: Path) -> list[str]:
    """The faults of one spec, as ``dags/services/payments.yaml:14: …``; none when it can be released."""
    try:
        service = load_service(path)
    except SpecError as error:
        # The model names the file alone; with its folder an editor can open it.
        return [_with_folder(line, path) for line in str(error).splitlines()]
    if path.parent.name != "services":
        return []
    dags = path.parent.parent
    return [
        f"{path}:1: has no DAG file {dags / name}"
        for name in (f"release_{service.service}.py", f"rollback_{service.service}.py")
        if not (dags / name).is_file()
    ]


def _with_folder(line: str, path: Path) -> str:
    return f"{path.parent / line}" if line.startswith(f"{path.name}:") else line
