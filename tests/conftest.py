"""What holds for all tests: an Airflow home of their own, and no proxy between them and loopback."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]

# Airflow reads its settings once, when it is imported, and would otherwise write to ~/airflow.
_airflow_home = tempfile.mkdtemp(prefix="airlock-tests-")
os.environ |= {
    "AIRFLOW_HOME": _airflow_home,
    "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}


def pytest_unconfigure() -> None:
    """Leave no Airflow home behind; each worker of pytest-xdist has its own."""
    shutil.rmtree(_airflow_home, ignore_errors=True)
