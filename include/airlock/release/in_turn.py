"""A step of a release takes its turn: which DAGs may release a service, and what is said while it waits."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from include.airlock.model.record import Event
from include.airlock.release.dag_runs import state_of
from include.airlock.release.ledger import now
from include.airlock.release.run import dag_run_of, store_of
from include.airlock.release.step import Later
from include.airlock.release.turn import Alive, Claimant, Entry, Turn, holder

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.airlock.release.run import ReleaseRun

log = logging.getLogger(__name__)

POLL_S = 2.0
"""Seconds between two looks of a step that waits in its worker."""

LATER_S = 30.0
"""Seconds until a step that waits without a worker looks again."""


def rivals_of(service: str, trains: Sequence[str]) -> tuple[str, ...]:
    """The ids of all DAGs that may release a service; every train counts, whatever its spec says now."""
    return (f"release_{service}", *(f"train_{train}" for train in trains))


def undoing_of(service: str, trains: Sequence[str]) -> tuple[str, ...]:
    """The ids of all DAGs that may undo a release of a service."""
    return (f"rollback_{service}", *(f"rollback_train_{train}" for train in trains))


def turns(context: Context, services: Sequence[str], trains: Sequence[str], *, alone: bool) -> list[Turn]:
    """The turn of each service for the running step, in the order in which all releases take them."""
    dag_run, task = dag_run_of(context), context["task"]
    began = (dag_run.start_date or datetime.min.replace(tzinfo=UTC)).isoformat()
    me = Claimant(dag_run.dag_id, dag_run.run_id, began, str(task.task_id), alone)
    alive = _alive(context)
    return [Turn(store_of(context, name), me, rivals_of(name, trains), alive) for name in sorted(services)]


def holder_of(context: Context, service: str, trains: Sequence[str]) -> Entry | None:
    """Which run has the turn of a service now, or None."""
    return holder(store_of(context, service), rivals_of(service, trains), _alive(context))


def _alive(context: Context) -> Alive:
    def ask(dag: str, run: str) -> bool:
        return state_of(context, dag, run) == "running"

    return ask


def wait(wanted: Sequence[Turn], runs: Sequence[ReleaseRun] = (), *, patience: float) -> Later | None:
    """Take every turn, one after the other; ``Later`` while another release goes first, and it is said.

    All take them in the same order, so that no two wait for each other. ``runs`` are the services'
    releases in that order, none before there is a change request.
    """
    if all(turn.held() for turn in wanted):
        return None
    ends = time.monotonic() + patience
    while True:
        first = _take(wanted, runs)
        say(runs, text(first) if first else "its turn has come")
        if first is None:
            return None
        if time.monotonic() + POLL_S > ends:
            return Later(LATER_S)
        time.sleep(POLL_S)


def give_back(context: Context, services: Sequence[str], trains: Sequence[str]) -> None:
    """The release has ended: whoever waits need not wait for the end of its run."""
    for turn in turns(context, services, trains, alone=True):
        turn.give_back()


def before(context: Context, services: Sequence[str], trains: Sequence[str]) -> str | None:
    """Whom the run would wait for now, in words; None when it has its turns, or could have them."""
    for turn in turns(context, services, trains, alone=True):
        first = turn.before()
        if first is not None:
            return text(first)
    return None


def _take(wanted: Sequence[Turn], runs: Sequence[ReleaseRun]) -> Entry | None:
    for index, turn in enumerate(wanted):
        first = turn.take(partial(_enlist, runs[index]) if runs else lambda: None)
        if first is not None:
            log.info("%s", text(first))
            return first
    return None


def _enlist(run: ReleaseRun) -> None:
    run.ledger.enlist(run.release)


def text(first: Entry) -> str:
    """Whom a release waits for, in words."""
    return f"waits for {first.name}"


def say(runs: Sequence[ReleaseRun], what: str) -> None:
    """Say once, in the log and in each service's record, that the release waits, or waits no more."""
    for run in runs:
        record = run.record()
        said = [event.text for event in record.events if _of_turns(event.text)]
        if (said[-1:] == [what]) or (not said and not what.startswith("waits")):
            continue
        record.events.append(Event(n=len(record.events) + 1, at=now(), text=what))
        run.ledger.save_header(record)


def _of_turns(text: str) -> bool:
    return text.startswith("waits for ") or text == "its turn has come"
