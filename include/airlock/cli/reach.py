"""The Airflow that a command asks, and which of its DAGs stand for a service or a train."""

from __future__ import annotations

import argparse
import os

from include.airlock.cli.access import access_of
from include.airlock.cli.airflow import Airflow

RELEASE, ROLLBACK, TRAIN = "release_", "rollback_", "train_"
_PREFIXES = (RELEASE, f"{ROLLBACK}{TRAIN}", ROLLBACK, TRAIN)


def airflow_of(options: argparse.Namespace) -> Airflow:
    """The Airflow that the options or the environment name.

    Raises:
        CannotGoOn: what is needed to reach it is missing.
    """
    return Airflow(access_of(options, os.environ))


def name_of(dag_id: str) -> str:
    """The service or train that a DAG is of."""
    return next((dag_id.removeprefix(each) for each in _PREFIXES if dag_id.startswith(each)), dag_id)


def rollback_of(dag_id: str) -> str | None:
    """The DAG that undoes what a DAG does; None for one that undoes itself."""
    if dag_id.startswith(ROLLBACK):
        return None
    return f"{ROLLBACK}{dag_id.removeprefix(RELEASE)}"
