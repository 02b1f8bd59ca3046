"""``airlock release`` and ``watch``: a release asked for, and followed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from include.airlock.cli.airflow import Airflow, AlreadyThere
from include.airlock.cli.asking import check_choices, same_wish, start_of, wish_of
from include.airlock.cli.ending import CannotGoOn, Exit
from include.airlock.cli.facts import Run
from include.airlock.cli.reach import airflow_of
from include.airlock.cli.standing import chosen
from include.airlock.cli.telling import say_started, tell
from include.airlock.cli.verdict import ending_of
from include.airlock.cli.view import view_for
from include.airlock.cli.watching import Clock, Watch, come_back


def release(options: argparse.Namespace) -> Exit:
    """Ask for a release, or find that it was asked for already; with ``--watch`` follow it to its end.

    Raises:
        CannotGoOn: what was asked for can't be, or Airflow did not take it.
    """
    now = datetime.now(UTC)
    wish = wish_of(options, now)
    start = start_of(options, now)
    airflow = airflow_of(options)
    facts = airflow.dag(wish.dag_id)
    check_choices(facts, wish.params)
    with leaving(facts.dag_id, wish.run_id):
        try:
            run, new = airflow.trigger(facts.dag_id, wish.run_id, wish.params, start), True
        except AlreadyThere:
            run, new = _known(airflow, facts.dag_id, wish.run_id), False
            same_wish(run, wish.params)
        watch = Watch.of(airflow, wish.name, run, facts)
        say_started(options, watch.look(datetime.now(UTC)), new=new)
        if options.watch:
            return follow(options, watch)
        if not run.ended:
            return Exit.DONE
        return tell(options, run, ending_of(airflow, run))


@contextmanager
def leaving(dag_id: str, run_id: str) -> Iterator[None]:
    """From here on Ctrl-C leaves a run that goes on, and says how to return to it.

    Raises:
        CannotGoOn: it was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise CannotGoOn(
            f"not watching any more; the release goes on: {come_back(dag_id, run_id)}", Exit.INTERRUPTED
        ) from None


def watch(options: argparse.Namespace) -> Exit:
    """Follow a release to its end: the named one, else the latest.

    Raises:
        CannotGoOn: there is no such release, Airflow did not tell, or it was interrupted.
    """
    airflow = airflow_of(options)
    run = chosen(airflow, options)
    with leaving(run.dag_id, run.run_id):
        return follow(options, Watch.of(airflow, options.service, run))


def follow(options: argparse.Namespace, watch: Watch) -> Exit:
    """Show a run until it ends, and say how."""
    view = view_for(sys.stdout, machine=options.json)
    try:
        ending = watch.until_the_end(view, Clock(options.every))
    finally:
        view.close()
    return tell(options, watch.run, ending)


def _known(airflow: Airflow, dag_id: str, run_id: str) -> Run:
    found = airflow.find(dag_id, run_id)
    if found is None:
        raise CannotGoOn(f"{run_id} was there and is gone: somebody deleted it; ask again", Exit.FAILED)
    return found
