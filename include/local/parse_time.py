"""How long Airflow needs to parse release DAGs, on top of importing Airflow itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from include.local.airflow_settings import base_environment
from include.local.home import PROJECT_ROOT

SPEC = "payments"
DAG_FILE = '''"""Release {name} (an airflow dag)."""

from include.airlock.dag import release_dag

dag = release_dag(__file__)
'''

# Run in a process of its own, as the DAG processor does: Airflow first, then every DAG file. The
# processor freezes what it holds before it forks a parser (airflow/dag_processing/manager.py), so here too.
_MEASURE = """
import gc, json, runpy, sys, time
from pathlib import Path
import airflow.sdk, airflow.dag_processing.processor
from airflow.sdk import DAG, Asset, BaseOperator, Param, TaskGroup
gc.collect()
gc.freeze()
began, counted = time.perf_counter(), 0
for file in sorted(Path(sys.argv[1]).glob("release_*.py")):
    counted += any(isinstance(value, DAG) for value in runpy.run_path(str(file)).values())
print(json.dumps({"seconds": time.perf_counter() - began, "dags": counted}))
"""


def parse_seconds(count: int) -> float:
    """Return the seconds that `count` specs take above Airflow's import; raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="airlock-parse-") as folder:
        write_dags(Path(folder), count)
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, folder],
            env=base_environment() | _quiet(Path(folder)),
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    measured: Mapping[str, float] = json.loads(done.stdout.splitlines()[-1])
    if measured["dags"] != count:
        raise RuntimeError(f"{measured['dags']} DAGs came of {count} specs")
    return measured["seconds"]


def write_dags(folder: Path, count: int) -> None:
    """Write `count` copies of one spec, each with its own name and DAG file."""
    spec = (PROJECT_ROOT / "dags" / "services" / f"{SPEC}.yaml").read_text(encoding="utf-8")
    (folder / "services").mkdir()
    for number in range(count):
        name = f"{SPEC}_{number}"
        copy = spec.replace(f"service: {SPEC}\n", f"service: {name}\n", 1)
        (folder / "services" / f"{name}.yaml").write_text(copy, encoding="utf-8")
        (folder / f"release_{name}.py").write_text(DAG_FILE.format(name=name), encoding="utf-8")


def _quiet(folder: Path) -> dict[str, str]:
    return {"AIRFLOW_HOME": str(folder / "home"), "PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "0")}
