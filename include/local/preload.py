"""Imports once, in the scheduler, what every step needs: LocalExecutor forks its workers from it.

Airflow runs each step in a process of its own. Forked from a parent that holds the modules
already, a step starts sooner and shares their memory; otherwise each would import them anew.
Airflow imports ``airflow_local_settings`` in each of its programs, so that is the place to ask.
"""

from __future__ import annotations

import sys
from importlib import import_module

SETTINGS = "from include.local.preload import in_scheduler\n\nin_scheduler()\n"
"""The content of ``airflow_local_settings.py``."""

_MODULES = (
    "airflow.sdk.execution_time.task_runner",
    "airflow.providers.amazon.aws.hooks.base_aws",
    "airflow.providers.slack.hooks.slack",
    "airflow.providers.standard.triggers.temporal",
    "azure.identity",
    "azure.core.rest",
    "azure.mgmt.core.policies",
    "boto3",
    "requests",
    "include.airlock.dag",
    "include.airlock.announce.slack",
    "include.airlock.announce.tell",
    "include.airlock.announce.webhook",
    "include.airlock.release.back",
    "include.airlock.release.guided",
    "include.airlock.release.in_turn",
    "include.airlock.release.preflight",
    "include.airlock.release.record_keeping",
    "include.airlock.release.rollback",
    "include.airlock.release.verdict",
    "include.airlock.strategies.train",
    "include.airlock.train_tasks",
    "include.airlock.aws.farm",
    "include.airlock.aws.router",
    "include.airlock.azure.place",
    "include.airlock.azure.refresh",
    "include.airlock.status.probe",
)


def in_scheduler() -> None:
    """Import the modules when this process is a scheduler; what can't be imported is left to the step."""
    if "scheduler" not in sys.argv:
        return
    for name in _MODULES:
        try:
            import_module(name)
        except ImportError:
            continue
