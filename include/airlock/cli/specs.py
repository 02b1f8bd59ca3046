"""The specs on disk: where they are, and reading one."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from include.airlock.cli.ending import bad_input
from include.airlock.errors import SpecError
from include.airlock.model.loading import load_service
from include.airlock.model.service import Service
from include.airlock.model.wording import nearest, shown

PROJECT = Path(__file__).resolve().parents[3]


def dags_folder(options: argparse.Namespace) -> Path:
    """``--dags``, else AIRLOCK_DAGS_FOLDER, else the project's own.

    Raises:
        CannotGoOn: it is not there.
    """
    folder = Path(options.dags or os.environ.get("AIRLOCK_DAGS_FOLDER") or PROJECT / "dags")
    if not folder.is_dir():
        raise bad_input(f"there is no folder {folder}; --dags names the one with the DAG files")
    return folder


def service_of(options: argparse.Namespace, name: str) -> Service:
    """The service of that name, from its spec on disk.

    Raises:
        CannotGoOn: there is none, or its spec is wrong: with file, line and fault.
    """
    folder = dags_folder(options) / "services"
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    if name not in names:
        raise bad_input(f"{folder} has no spec of {shown(name)}; {nearest(name, names)}")
    try:
        return load_service(folder / f"{name}.yaml")
    except SpecError as error:
        raise bad_input(str(error)) from None
