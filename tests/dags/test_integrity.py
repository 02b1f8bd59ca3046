"""Each spec becomes one DAG, alone in its faults, and parsing reads nothing but files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import BaseHook, Connection, Variable

from tests.dags.conftest import DAGS, PROJECT

BESIDE = {"airlock_unlock", "airlock_tell_again"}
BROKEN = ["release_catalog.py", "rollback_catalog.py", "rollback_train_evening.py", "train_evening.py"]
"""What a bad spec of the catalog breaks: its own DAGs, and those of the train that it is in."""
SPECS = sorted(path.stem for path in (DAGS / "services").glob("*.yaml"))
TRAINS = sorted(path.stem for path in (DAGS / "trains").glob("*.yaml"))
OF_TRAINS = {f"{verb}_{train}" for verb in ("train", "rollback_train") for train in TRAINS}


def dags_of(services: Iterable[str]) -> set[str]:
    """The two DAGs of each service: its release, and the way back of one that ended."""
    return {f"{verb}_{service}" for service in services for verb in ("release", "rollback")}


def test_every_spec_is_a_dag_and_nothing_else_is(bag: DagBag) -> None:
    # Airflow skips a DAG file without a word when it does not look like one, so they are counted.
    assert bag.import_errors == {}
    assert set(bag.dags) == dags_of(SPECS) | OF_TRAINS | BESIDE
    assert len(bag.dags) == len(list(DAGS.glob("*.py")))


@pytest.mark.parametrize("file", sorted(DAGS.glob("*.py")), ids=lambda file: file.stem)
def test_a_dag_file_is_thin(file: Path) -> None:
    # A docstring, one import, one call: what is more belongs under include/.
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line]
    assert len(lines) == 3
    assert lines[1].startswith("from include.airlock.dag import ")
    assert lines[2].startswith("dag = ") and lines[2].endswith("(__file__)")


def copied(folder: Path) -> Path:
    """Copy the DAG files, as a deploy of the DAGs alone does."""
    return Path(shutil.copytree(DAGS, folder / "dags", ignore=shutil.ignore_patterns("__pycache__")))


def test_the_dags_can_be_deployed_alone(tmp_path: Path) -> None:
    found = DagBag(copied(tmp_path))
    assert found.import_errors == {}
    assert set(found.dags) == dags_of(SPECS) | OF_TRAINS | BESIDE


def test_a_bad_spec_breaks_its_own_dag_and_says_where(tmp_path: Path) -> None:
    # Given a spec with a wrong word and an unknown key
    folder = copied(tmp_path)
    spec = folder / "services" / "catalog.yaml"
    lines = spec.read_text(encoding="utf-8").splitlines()
    number = next(n for n, line in enumerate(lines, 1) if line.startswith("strategy:"))
    lines[number - 1] = "strategy: slot_swp"
    lines.append("bakes: 2s")
    spec.write_text("\n".join(lines), encoding="utf-8")
    # When Airflow parses the folder
    found = DagBag(folder)
    # Then that DAG alone is missing, and its error names file, line and the nearest word
    assert sorted(Path(file).name for file in found.import_errors) == BROKEN
    said = next(iter(found.import_errors.values()))
    assert f"catalog.yaml:{number}: strategy: 'slot_swp'" in said
    assert "did you mean 'slot_swap'" in said
    assert f"catalog.yaml:{len(lines)}" in said and "did you mean 'bake'" in said
    assert set(found.dags) == dags_of(name for name in SPECS if name != "catalog") | BESIDE


def test_a_dag_file_without_its_spec_says_so(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (folder / "services" / "catalog.yaml").unlink()
    found = DagBag(folder)
    assert sorted(Path(file).name for file in found.import_errors) == BROKEN
    assert "catalog.yaml" in next(iter(found.import_errors.values()))


# What stands between a reader of the environment and os.environ itself.
_BETWEEN = ("os", "collections.abc")


def _asker() -> str:
    """The file of whoever asks for a variable of the environment."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__") in _BETWEEN:
        frame = frame.f_back
    return frame.f_code.co_filename


def test_parsing_reads_no_environment_variable_or_connection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given an Airflow in which every such read by this project is noted
    reads: list[str] = []
    ours = (str(PROJECT / "include"), str(DAGS), str(tmp_path))
    read = os._Environ.__getitem__

    def watched(environ: Any, key: Any) -> Any:
        if _asker().startswith(ours):
            reads.append(f"{_asker()} reads {key}")
        return read(environ, key)

    def noted(*arguments: Any, **_: Any) -> Any:
        reads.append(f"Airflow is asked for {arguments}")
        raise AssertionError(reads[-1])

    monkeypatch.setattr(os._Environ, "__getitem__", watched)
    for owner, name in ((Variable, "get"), (Connection, "get"), (BaseHook, "get_connection")):
        monkeypatch.setattr(owner, name, noted)
    # When all is imported anew and parsed
    for module in [name for name in sys.modules if name.startswith("include.airlock")]:
        monkeypatch.delitem(sys.modules, module)
    found = DagBag(copied(tmp_path))
    # Then nothing was read
    assert len(found.dags) == len(dags_of(SPECS)) + len(OF_TRAINS) + len(BESIDE)
    assert (found.import_errors, reads) == ({}, [])
    # And such a read would have been seen
    probe = tmp_path / "probe.py"
    probe.write_text("import os\nos.environ.get('HOME')\nos.getenv('HOME')\n", encoding="utf-8")
    exec(compile(probe.read_text(encoding="utf-8"), str(probe), "exec"))
    assert len(reads) == 2


def imported(names: tuple[str, ...]) -> str:
    """Which of these modules a fresh interpreter has after parsing all releases; this one has many more."""
    program = (
        "import sys; from pathlib import Path; from include.airlock.dag import release_dag\n"
        "for file in sorted(Path('dags').glob('release_*.py')): release_dag(str(file))\n"
        f"print([name for name in {names} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.splitlines()[-1]


def test_parsing_imports_no_cloud_sdk() -> None:
    assert imported(("azure.core", "boto3", "botocore", "slack_sdk", "msal")) == "[]"


def test_parsing_a_release_imports_nothing_that_only_steps_or_other_dags_need() -> None:
    """Each file is parsed in a process of its own, which imports all that the file does."""
    of_steps = ("model.record", "model.plan_report", "release.ledger", "release.lane", "release.guided")
    of_others = ("model.train", "strategies.train", "train_tasks", "rollback_tasks", "web.app", "cli.main")
    assert imported(tuple(f"include.airlock.{name}" for name in (*of_steps, *of_others))) == "[]"


def test_no_task_has_a_copy_of_the_form(tmp_path: Path) -> None:
    """Airflow gives a DAG's params to each running task; copied into each, they are most of a parse."""
    for dag in DagBag(copied(tmp_path)).dags.values():
        if not dag.dag_id.startswith("airlock_"):
            assert dag.params and not any(task.params for task in dag.tasks), dag.dag_id
