"""``airlock unlock`` and ``rollback``: what undoes, each with a reason that is kept."""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticCustomError

from include.airlock.cli.airflow import Airflow
from include.airlock.cli.asking import check_choices, run_id_of
from include.airlock.cli.ending import CannotGoOn, Exit, bad_input
from include.airlock.cli.facts import DagFacts, Run
from include.airlock.cli.reach import ROLLBACK, TRAIN, airflow_of
from include.airlock.cli.releasing import follow, leaving
from include.airlock.cli.telling import say_started
from include.airlock.cli.text import plain
from include.airlock.cli.watching import Watch
from include.airlock.model.change_request import REASON
from include.airlock.model.wording import nearest, shown

UNLOCK = "airlock_unlock"
UNLOCK_LIMIT_S = 120.0
_LEAST_REASON = 3


def reason_of(options: argparse.Namespace) -> str:
    """The reason of an act that needs one.

    Raises:
        CannotGoOn: it is too short, too long, or can't be shown.
    """
    try:
        reason = REASON.check(options.reason.strip())
    except PydanticCustomError as error:
        raise bad_input(f"--reason: {error.message()}") from None
    if len(reason) < _LEAST_REASON:
        raise bad_input(f"--reason: {shown(reason)} says nothing; it is kept for whoever asks later")
    return reason


def unlock(options: argparse.Namespace) -> Exit:
    """Take a service's lock away and say which it was.

    Raises:
        CannotGoOn: there is no such service, it is not locked, or Airflow did not do it in time.
    """
    reason = reason_of(options)
    airflow = airflow_of(options)
    services = airflow.dag(UNLOCK).choices("service")
    if options.service not in services:
        raise bad_input(f"there is no service {shown(options.service)}; {nearest(options.service, services)}")
    run = airflow.trigger(UNLOCK, None, {"service": options.service, "reason": reason})
    run = _ended(airflow, run)
    said = airflow.xcom(UNLOCK, run.run_id, "unlock", "return_value")
    if run.state != "success" or said is None:
        task = airflow.tasks(UNLOCK, run.run_id).get("unlock")
        why = airflow.last_words(UNLOCK, run.run_id, task) if task is not None else None
        raise CannotGoOn(why or f"{run.run_id} of {UNLOCK} failed; its log says why", Exit.FAILED)
    if options.json:
        print(json.dumps({"event": "unlocked", "service": options.service, "sentence": said}))
    else:
        print(plain(said))
    return Exit.DONE


def rollback(options: argparse.Namespace) -> Exit:
    """Bring the last release back in all its regions, or with ``--dry`` only say what that would do.

    Raises:
        CannotGoOn: there is no rollback of that service or train, or Airflow did not take it.
    """
    now = datetime.now(UTC)
    params: dict[str, Any] = {"reason": reason_of(options), "dry": options.dry}
    params |= {"release": run_id_of(options.release, "", now)} if options.release else {}
    params |= {"regions": options.region} if options.region else {}
    airflow = airflow_of(options)
    facts = _rollback_dag(airflow, options.service)
    check_choices(facts, params)
    run_id = f"rollback_{now:%Y%m%dT%H%M%S.%f}Z"
    with leaving(facts.dag_id, run_id):
        run = airflow.trigger(facts.dag_id, run_id, params)
        watch = Watch.of(airflow, options.service, run, facts)
        say_started(options, watch.look(datetime.now(UTC)), new=True)
        return follow(options, watch) if options.watch or options.dry else Exit.DONE


def _rollback_dag(airflow: Airflow, name: str) -> DagFacts:
    """What undoes a service's release, or a train's where no service has that name.

    Raises:
        CannotGoOn: there is neither.
    """
    found = airflow.known_dag(f"{ROLLBACK}{name}") or airflow.known_dag(f"{ROLLBACK}{TRAIN}{name}")
    if found is None:
        raise airflow.no_such_dag(f"{ROLLBACK}{name}")
    return found


def _ended(airflow: Airflow, run: Run) -> Run:
    """Wait for a short run's end.

    Raises:
        CannotGoOn: it did not end in time; it may still.
    """
    deadline = time.monotonic() + UNLOCK_LIMIT_S
    while not run.ended:
        if time.monotonic() > deadline:
            raise CannotGoOn(
                f"{run.dag_id} {run.run_id} is still {run.state}; is Airflow's scheduler up, and the DAG "
                "not paused? It may still happen",
                Exit.FAILED,
            )
        time.sleep(0.5)
        run = airflow.find(run.dag_id, run.run_id) or run
    return run
