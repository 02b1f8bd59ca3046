"""A database with Airflow's tables in it, made once and copied for every later stack.

Making the tables costs some 7 s, most of it Airflow's own start; copying the files costs 0.1 s.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from include.local.home import homes_folder


def template() -> Path:
    """Return where the files for this version of Airflow are kept, whether they exist or not."""
    return homes_folder() / f".template-airflow-{version('apache-airflow')}"


def copy_template(files: Path, owner: str | None) -> bool:
    """Copy the template to `files`, for another owner if asked; False when there is none yet."""
    if not template().exists():
        return False
    shutil.copytree(template(), files, symlinks=True)
    if owner is not None:
        for path in [files, *files.rglob("*")]:
            shutil.chown(path, owner)
    return True


def forget_template() -> None:
    """Remove the template; the next new database is made from nothing."""
    shutil.rmtree(template(), ignore_errors=True)


def keep_as_template(files: Path) -> None:
    """Keep the files of a database that was shut down; of two that do so at once, one wins."""
    template().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=template().parent))
    shutil.copytree(files, draft / "files", symlinks=True)
    with suppress(OSError):
        (draft / "files").rename(template())
    shutil.rmtree(draft)
