"""What was asked for and how it ended, in lines for people and in JSON for machines."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import Any

from include.airlock.cli.ending import Exit
from include.airlock.cli.facts import Run
from include.airlock.cli.reach import TRAIN, name_of
from include.airlock.cli.text import duration, moment, plain
from include.airlock.cli.trains import builds_of
from include.airlock.cli.verdict import Ending
from include.airlock.cli.view import Progress, as_json


def say_started(options: argparse.Namespace, progress: Progress, *, new: bool) -> None:
    """Say what became of the request, and how to follow it."""
    how = "is asked for" if new else "was asked for already; nothing new starts"
    if options.json:
        print_json({"event": "asked", "new": new, **as_json(progress)})
        return
    note = f"; {plain(progress.note)}" if progress.note else ""
    print(f"{progress.service} {progress.run_id} {how} ({progress.state}{note})")
    if not (options.watch or getattr(options, "dry", False)) and progress.state not in ("success", "failed"):
        print(f"follow it: airlock watch {progress.service} {progress.run_id}")


def tell(options: argparse.Namespace, run: Run, ending: Ending) -> Exit:
    """Say how it ended, and give the exit code."""
    if options.json:
        print_json({"event": "verdict", **about(run), **said_of(ending), "exit": int(ending.code)})
    else:
        print(f"{ending.outcome or run.state}: {ending.sentence}")
    return ending.code


def about(run: Run) -> dict[str, Any]:
    """What was asked for, by whom and when."""
    return {
        "service": name_of(run.dag_id),
        "run": run.run_id,
        "build": run.conf.get("build"),
        **({"builds": builds_of(run.conf)} if run.dag_id.startswith(TRAIN) else {}),
        "change_request": run.conf.get("change_request"),
        "by": run.by,
        "run_after": run.run_after.isoformat(),
        "started": run.start.isoformat() if run.start else None,
        "ended": run.end.isoformat() if run.end else None,
    }


def said_of(ending: Ending | None) -> dict[str, Any]:
    """How it ended, for machines; nulls while it has not."""
    if ending is None:
        return {"outcome": None, "sentence": None, "regions": []}
    regions = [dict(each) for each in ending.regions]
    return {"outcome": ending.outcome, "sentence": ending.sentence, "regions": regions}


def who(run: Run) -> str:
    """``build 2026.11.2, asked for by ada, started 2026-11-03 20:00 UTC, took 4 min``."""
    builds = ", ".join(f"{plain(name, 80)} {plain(build, 80)}" for name, build in builds_of(run.conf).items())
    parts = [f"build {plain(run.conf['build'], 80)}"] if "build" in run.conf else [builds or run.dag_id]
    parts += [f"asked for by {plain(run.by, 80)}"] if run.by else []
    parts += [f"started {moment(run.start)}"] if run.start else []
    parts += [f"took {duration((run.end - run.start).total_seconds())}"] if run.end and run.start else []
    return ", ".join(parts)


def places(progress: Progress, ending: Ending | None) -> list[str]:
    """A line for each place: from the verdict where there is one, since that was proved."""
    if ending is not None and ending.regions:
        return [f"  {plain(each.get('name'))}: {_stand(each)}" for each in ending.regions]
    return [f"  {plain(lane.name)}: {lane.phase}" for lane in progress.lanes]


def _stand(region: Any) -> str:
    """What a verdict says of a place: its build since when, or what became of it."""
    phase = region.get("phase")
    if phase == "accepted":
        return f"{plain(region.get('new_build'), 80)}{_since(region.get('ended_at'))}"
    if phase == "rolled_back":
        return f"rolled back to {plain(region.get('old_build'), 80)}"
    if phase in ("waiting", "checked") and not region.get("failure"):
        return "not touched"
    words = plain(phase or "unknown", 80).replace("_", " ")
    return f"{words}: {plain(region['failure'], 300)}" if region.get("failure") else words


def _since(written: object) -> str:
    try:
        return f" since {moment(datetime.fromisoformat(str(written)))}"
    except ValueError:
        return ""


def print_json(said: dict[str, Any]) -> None:
    """One object on its own line, at once."""
    print(json.dumps(said), flush=True)
