"""Whom a release waits for that has begun: releases that touch the same service take turns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from include.airlock.cli.airflow import Airflow
from include.airlock.cli.facts import DagFacts, Run, Task
from include.airlock.cli.reach import RELEASE, TRAIN, name_of
from include.airlock.cli.trains import builds_of

_FIRST = ("preflight", "turn")
"""The steps that wait for the turn of a service, and of a train."""
LOOKS_S = 10.0
"""A first step that runs for longer may wait: to look at the world takes less."""


def turn_note(
    airflow: Airflow, facts: DagFacts, run: Run, tasks: Mapping[str, Task], now: datetime
) -> str | None:
    """Whose end a release waits for; None when it does not wait for its turn.

    Raises:
        CannotGoOn: Airflow did not tell.
    """
    if not any(_waits(task, now) for task in tasks.values()):
        return None
    for dag_id in _rivals(airflow, facts):
        first = next((each for each in airflow.runs(dag_id, state=("running",), missing_ok=True)), None)
        if first is not None and first.run_id != run.run_id:
            return f"waits for {name_of(first.dag_id)} {first.run_id}: releases of one service take turns"
    return None


def _waits(task: Task, now: datetime) -> bool:
    """Whether a first step takes longer than a look does."""
    if task.task_id not in _FIRST:
        return False
    long = task.start is not None and (now - task.start).total_seconds() > LOOKS_S
    return task.state == "deferred" or (task.state == "running" and long)


def _rivals(airflow: Airflow, facts: DagFacts) -> Iterator[str]:
    """The other DAGs that release a service of this one."""
    own = set(builds_of(facts.params)) or {name_of(facts.dag_id)}
    yield from (f"{RELEASE}{service}" for service in own if f"{RELEASE}{service}" != facts.dag_id)
    yield from (dag_id for dag_id in trains_with(airflow, own) if dag_id != facts.dag_id)


def trains_with(airflow: Airflow, services: Iterable[str]) -> Iterator[str]:
    """The DAGs of the trains that any of these services is part of.

    Raises:
        CannotGoOn: Airflow did not tell.
    """
    wanted = set(services)
    for train in airflow.names(TRAIN):
        found = airflow.known_dag(f"{TRAIN}{train}")
        if found is not None and wanted & set(builds_of(found.params)):
            yield found.dag_id


def later_train(airflow: Airflow, run: Run) -> Run | None:
    """The latest train that took a release's service along after it; None for a train's own run.

    Raises:
        CannotGoOn: Airflow did not tell.
    """
    if not run.dag_id.startswith(RELEASE):
        return None
    latest = [
        each
        for dag_id in trains_with(airflow, [name_of(run.dag_id)])
        for each in airflow.runs(dag_id)
        if each.start is not None and each.start > (run.end or run.start or run.run_after)
    ]
    return max(latest, key=lambda each: each.run_after, default=None)
