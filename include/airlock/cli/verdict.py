"""How a run ended: outcome, sentence and exit code, read from what its step ``verdict`` left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.airlock.cli.airflow import Airflow
from include.airlock.cli.ending import OUTCOMES, Exit
from include.airlock.cli.facts import Run
from include.airlock.cli.reach import ROLLBACK, name_of, rollback_of
from include.airlock.cli.text import plain_lines

STEP = "verdict"
ROLLBACKS = 10
"""Among how many of the latest rollbacks that of a release is sought."""


@dataclass(frozen=True)
class Ending:
    """How a run ended; ``outcome`` is None where no verdict was left, and ``regions`` is empty then."""

    outcome: str | None
    sentence: str
    code: Exit
    regions: tuple[Mapping[str, Any], ...] = ()


def ending_of(airflow: Airflow, run: Run) -> Ending:
    """The ending of a run that is over.

    Raises:
        CannotGoOn: Airflow did not tell.
    """
    found = airflow.xcom(run.dag_id, run.run_id, STEP, "verdict")
    if isinstance(found, Mapping):
        outcome = str(found.get("outcome"))
        return Ending(outcome, plain_lines(found.get("sentence")), _code(run, outcome), _regions(found))
    task = airflow.tasks(run.dag_id, run.run_id).get(STEP)
    said = airflow.last_words(run.dag_id, run.run_id, task) if task is not None and task.tries else None
    if said is None or run.state != "failed":
        said = f"{run.run_id} ended as {run.state} and left no verdict; see its steps in Airflow"
    return Ending(None, said, _code(run, None))


def _regions(verdict: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The places of a verdict; those of a train's services are named as its lanes: region, service, farm."""
    found = [each for each in verdict.get("regions") or () if isinstance(each, Mapping)]
    for service, part in _services(verdict).items():
        for each in _regions(part):
            region, dot, farm = str(each.get("name")).partition(".")
            found.append({**each, "name": f"{region}.{service}{dot}{farm}", "service": service})
    return tuple(found)


def _services(verdict: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    parts = verdict.get("services")
    known = parts.items() if isinstance(parts, Mapping) else ()
    return {str(name): part for name, part in known if isinstance(part, Mapping)}


def _undoes(verdict: Mapping[str, Any], run: Run) -> bool:
    return any(part.get("release") == run.run_id for part in (verdict, *_services(verdict).values()))


@dataclass(frozen=True)
class Undoing:
    """A rollback's run that brought a release back, or is at it."""

    run: Run
    sentence: str


def undone_by(airflow: Airflow, run: Run) -> Undoing | None:
    """What undid a release after its end; its own verdict says nothing of that.

    Raises:
        CannotGoOn: Airflow did not tell.
    """
    dag_id = rollback_of(run.dag_id)
    if dag_id is None or run.end is None:
        return None
    for each in airflow.runs(dag_id, limit=ROLLBACKS, missing_ok=True):
        if each.conf.get("dry") is True or (each.ended and each.end and each.end < run.end):
            continue
        if not each.ended:
            return Undoing(each, f"a rollback of {name_of(dag_id)} is {each.state}: {each.run_id}")
        found = airflow.xcom(each.dag_id, each.run_id, STEP, "verdict")
        if isinstance(found, Mapping) and _undoes(found, run):
            return Undoing(each, plain_lines(found.get("sentence")))
    return None


def _code(run: Run, outcome: str | None) -> Exit:
    """The exit code of an ended run; what has no verdict has failed: nothing is green by absence.

    The run of a rollback ends well when what it was asked for is done; brought back is its success.
    """
    if run.dag_id.startswith(ROLLBACK):
        refused = outcome == "refused"
        return Exit.DONE if run.state == "success" else Exit.REFUSED if refused else Exit.FAILED
    return OUTCOMES.get(outcome or "", Exit.FAILED)
