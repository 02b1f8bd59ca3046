"""What Airflow makes of the project's DAG files, without a database."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

PROJECT = Path(__file__).resolve().parents[2]
DAGS = PROJECT / "dags"


@pytest.fixture(scope="session")
def bag() -> DagBag:
    """Every DAG of the project, parsed as Airflow's DAG processor does."""
    return DagBag(DAGS)
