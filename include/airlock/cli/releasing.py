"""``airlock release``, ``watch``, ``status``: a release asked for, followed, and told of."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from typing import Any

from include.airlock.cli.access import access_of
from include.airlock.cli.airflow import Airflow, AlreadyThere, Run
from include.airlock.cli.asking import check_choices, params_of, run_id_of, same_wish, start_of
from include.airlock.cli.ending import CannotGoOn, Exit, bad_input
from include.airlock.cli.text import duration, moment, plain
from include.airlock.cli.verdict import Ending, ending_of, undone_by
from include.airlock.cli.view import Progress, as_json, headline, view_for
from include.airlock.cli.watching import Clock, Watch, come_back

_SHOWN_RUNS = 5


def airflow_of(options: argparse.Namespace) -> Airflow:
    """The Airflow that the options or the environment name.

    Raises:
        CannotGoOn: what is needed to reach it is missing.
    """
    return Airflow(access_of(options, os.environ))


def release(options: argparse.Namespace) -> Exit:
    """Ask for a release, or find that it was asked for already; with ``--watch`` follow it to its end.

    Raises:
        CannotGoOn: what was asked for can't be, or Airflow did not take it.
    """
    now = datetime.now(UTC)
    params = params_of(options)
    start = start_of(options, now)
    airflow = airflow_of(options)
    facts = airflow.dag(f"release_{options.service}")
    check_choices(facts, params)
    run_id = run_id_of(params.get("change_request"), params["build"], now)
    try:
        run, new = airflow.trigger(facts.dag_id, run_id, params, start), True
    except AlreadyThere:
        run, new = _known(airflow, facts.dag_id, run_id), False
        same_wish(run, params)
    watch = Watch.of(airflow, options.service, run, facts)
    say_started(options, watch.look(now), new=new)
    if options.watch:
        return follow(options, watch)
    if not run.ended:
        return Exit.DONE
    return _tell(options, watch, ending_of(airflow, run))


def watch(options: argparse.Namespace) -> Exit:
    """Follow a release to its end: the named one, else the latest.

    Raises:
        CannotGoOn: there is no such release, or Airflow did not tell.
    """
    airflow = airflow_of(options)
    return follow(options, Watch.of(airflow, options.service, _chosen(airflow, options)))


def follow(options: argparse.Namespace, watch: Watch) -> Exit:
    """Show a run until it ends; Ctrl-C stops the watching only."""
    view = view_for(sys.stdout, machine=options.json)
    try:
        try:
            ending = watch.until_the_end(view, Clock(options.every))
        finally:
            view.close()
    except KeyboardInterrupt:
        print(
            f"\nairlock: not watching any more; the release goes on: {come_back(watch.run)}", file=sys.stderr
        )
        return Exit.INTERRUPTED
    return _tell(options, watch, ending)


def status(options: argparse.Namespace) -> Exit:
    """Say how a release stands, or how it ended and where each place is.

    Raises:
        CannotGoOn: there is no such release, or Airflow did not tell.
    """
    airflow = airflow_of(options)
    watch = Watch.of(airflow, options.service, _chosen(airflow, options))
    progress = watch.look(datetime.now(UTC))
    ending = ending_of(airflow, watch.run) if watch.run.ended else None
    undoing = undone_by(airflow, watch.run)
    if options.json:
        undone = {"run": undoing.run.run_id, "sentence": undoing.sentence} if undoing else None
        said = {**_about(watch.run), **as_json(progress), **_said(ending), "rollback": undone}
        _print_json({"event": "status", **said})
        return Exit.DONE
    print(headline(progress))
    print(_who(watch.run))
    for line in _places(progress, ending):
        print(line)
    if ending is not None:
        print(ending.sentence)
    if undoing is not None:
        print(f"since then: {undoing.sentence}")
    return Exit.DONE


def _chosen(airflow: Airflow, options: argparse.Namespace) -> Run:
    """The run that was named, else the latest one."""
    dag_id = f"release_{options.service}"
    if options.run is None:
        latest = airflow.runs(dag_id)
        if not latest:
            raise bad_input(f"{options.service} was never released by this Airflow")
        return latest[0]
    for each in (dag_id, f"rollback_{options.service}"):
        found = airflow.find(each, run_id_of(options.run, "", datetime.now(UTC)))
        if found is not None:
            return found
    names = [plain(run.run_id, 80) for run in airflow.runs(dag_id, limit=_SHOWN_RUNS)]
    known = f"the latest are {', '.join(names)}" if names else "there is none at all"
    raise bad_input(f"{options.service} has no release {plain(options.run, 80)}; {known}")


def _known(airflow: Airflow, dag_id: str, run_id: str) -> Run:
    found = airflow.find(dag_id, run_id)
    if found is None:
        raise CannotGoOn(f"{run_id} was there and is gone: somebody deleted it; ask again", Exit.FAILED)
    return found


def say_started(options: argparse.Namespace, progress: Progress, *, new: bool) -> None:
    """Say what became of the request, and how to follow it."""
    how = "is asked for" if new else "was asked for already; nothing new starts"
    if options.json:
        _print_json({"event": "asked", "new": new, **as_json(progress)})
        return
    note = f"; {plain(progress.note)}" if progress.note else ""
    print(f"{progress.service} {progress.run_id} {how} ({progress.state}{note})")
    if not options.watch and progress.state not in ("success", "failed"):
        print(f"follow it: airlock watch {progress.service} {progress.run_id}")


def _tell(options: argparse.Namespace, watch: Watch, ending: Ending) -> Exit:
    """Say how it ended, and give the exit code."""
    if options.json:
        _print_json({"event": "verdict", **_about(watch.run), **_said(ending), "exit": int(ending.code)})
    else:
        print(f"{ending.outcome or watch.run.state}: {ending.sentence}")
    return ending.code


def _about(run: Run) -> dict[str, Any]:
    """What was asked for, by whom and when."""
    return {
        "service": run.dag_id.partition("_")[2],
        "run": run.run_id,
        "build": run.conf.get("build"),
        "change_request": run.conf.get("change_request"),
        "by": run.by,
        "run_after": run.run_after.isoformat(),
        "started": run.start.isoformat() if run.start else None,
        "ended": run.end.isoformat() if run.end else None,
    }


def _said(ending: Ending | None) -> dict[str, Any]:
    if ending is None:
        return {"outcome": None, "sentence": None, "regions": []}
    regions = [dict(each) for each in ending.regions]
    return {"outcome": ending.outcome, "sentence": ending.sentence, "regions": regions}


def _who(run: Run) -> str:
    """``build 2026.11.2, asked for by ada, started 2026-11-03 20:00 UTC, took 4 min``."""
    parts = [f"build {plain(run.conf['build'], 80)}"] if "build" in run.conf else [run.dag_id]
    parts += [f"asked for by {plain(run.by, 80)}"] if run.by else []
    parts += [f"started {moment(run.start)}"] if run.start else []
    parts += [f"took {duration((run.end - run.start).total_seconds())}"] if run.end and run.start else []
    return ", ".join(parts)


def _places(progress: Progress, ending: Ending | None) -> list[str]:
    """A line for each place: from the verdict where there is one, since that was proved."""
    if ending is not None and ending.regions:
        return [f"  {plain(each.get('name'))}: {_stand(each)}" for each in ending.regions]
    return [f"  {plain(lane.name)}: {lane.phase}" for lane in progress.lanes]


def _stand(region: Any) -> str:
    phase = plain(region.get("phase", "unknown")).replace("_", " ")
    if region.get("phase") == "accepted":
        since = f" since {plain(region['ended_at'], 40)}" if region.get("ended_at") else ""
        return f"{plain(region.get('new_build'), 80)}{since}"
    if region.get("phase") == "rolled_back":
        return f"{phase} to {plain(region.get('old_build'), 80)}"
    return f"{phase}: {plain(region['failure'], 300)}" if region.get("failure") else phase


def _print_json(said: dict[str, Any]) -> None:
    print(json.dumps(said), flush=True)
