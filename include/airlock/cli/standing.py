"""``airlock status``: where a release stands, or how it ended and which build is where."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from include.airlock.cli.airflow import Airflow
from include.airlock.cli.asking import run_id_of
from include.airlock.cli.ending import Exit, bad_input
from include.airlock.cli.facts import Run
from include.airlock.cli.reach import RELEASE, ROLLBACK, TRAIN, airflow_of, name_of
from include.airlock.cli.telling import about, places, print_json, said_of, who
from include.airlock.cli.text import plain
from include.airlock.cli.turns import later_train, trains_with
from include.airlock.cli.verdict import ending_of, undone_by
from include.airlock.cli.view import as_json, headline
from include.airlock.cli.watching import SOUGHT, Watch

_SHOWN_RUNS = 5


def status(options: argparse.Namespace) -> Exit:
    """Say how a release stands, or how it ended and where each place is.

    Raises:
        CannotGoOn: there is no such release, or Airflow did not tell.
    """
    airflow = airflow_of(options)
    watch = Watch.of(airflow, options.service, chosen(airflow, options))
    progress = watch.look(datetime.now(UTC))
    ending = ending_of(airflow, watch.run) if watch.run.ended else None
    undoing, train = undone_by(airflow, watch.run), later_train(airflow, watch.run)
    if options.json:
        undone = {"run": undoing.run.run_id, "sentence": undoing.sentence} if undoing else None
        later = {"train": name_of(train.dag_id), "run": train.run_id, "state": train.state} if train else None
        said = {
            **about(watch.run),
            **as_json(progress),
            **said_of(ending),
            "rollback": undone,
            "later": later,
        }
        print_json({"event": "status", **said})
        return Exit.DONE
    print(headline(progress))
    print(who(watch.run))
    for line in places(progress, ending):
        print(line)
    if ending is not None:
        print(ending.sentence)
    if undoing is not None:
        print(f"since then: {undoing.sentence}")
    if train is not None:
        name = name_of(train.dag_id)
        print(f"since then: in the train {name} ({train.state}): airlock status {name} {train.run_id}")
    return Exit.DONE


def chosen(airflow: Airflow, options: argparse.Namespace) -> Run:
    """The run that was named, else the latest one that was to release something."""
    name = options.service
    releases = _latest(airflow, name)
    if options.run is None:
        if not releases:
            raise bad_input(f"{name} was never released by this Airflow{_in_trains(airflow, name)}")
        return releases[0]
    run_id = run_id_of(options.run, "", datetime.now(UTC))
    for prefix in (RELEASE, TRAIN, ROLLBACK, f"{ROLLBACK}{TRAIN}"):
        found = airflow.find(f"{prefix}{name}", run_id)
        if found is not None:
            return found
    for dag_id in trains_with(airflow, [name]):
        found = airflow.find(dag_id, run_id)
        if found is not None:
            return found
    names = [plain(run.run_id, 80) for run in releases[:_SHOWN_RUNS]]
    known = f"the latest are {', '.join(names)}" if names else "there is none at all"
    raise bad_input(f"{name} has no release {plain(options.run, 80)}; {known}")


def _in_trains(airflow: Airflow, name: str) -> str:
    trains = [name_of(dag_id) for dag_id in trains_with(airflow, [name])]
    return f" but in a train; see airlock status {' or '.join(trains)}" if trains else ""


def _latest(airflow: Airflow, name: str) -> list[Run]:
    """The latest releases of a service, or of a train where no service has that name.

    Raises:
        CannotGoOn: there is neither.
    """
    for dag_id in (f"{RELEASE}{name}", f"{TRAIN}{name}"):
        if airflow.known_dag(dag_id) is not None:
            return [each for each in airflow.runs(dag_id, limit=SOUGHT) if not each.only_planned]
    raise airflow.no_such_dag(f"{RELEASE}{name}")
