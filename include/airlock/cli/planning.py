"""``airlock plan``: what a release would do, as Airflow reads it from the live world; nothing is changed."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from pydantic import ValidationError

from include.airlock.cli.airflow import Airflow
from include.airlock.cli.asking import check_choices, subject_of
from include.airlock.cli.ending import CannotGoOn, Exit
from include.airlock.cli.facts import Run
from include.airlock.cli.reach import RELEASE, TRAIN, airflow_of
from include.airlock.cli.text import plain
from include.airlock.cli.trains import builds_of
from include.airlock.cli.verdict import Ending
from include.airlock.cli.view import Progress
from include.airlock.cli.watching import Clock, Watch
from include.airlock.model.plan_report import PlanReport
from include.airlock.model.plan_words import in_words
from include.airlock.model.train_plan import in_words as train_in_words

STEP, STEP_OF_TRAIN, KEY = "preflight", "verdict", "plan"


def plan(options: argparse.Namespace) -> Exit:
    """Let Airflow make the plan of a release or a train, and print it with its hash.

    Raises:
        CannotGoOn: what was asked for can't be planned, or Airflow made no plan.
    """
    now = datetime.now(UTC)
    name, asked = subject_of(options)
    params = asked | {"plan_only": True}
    airflow = airflow_of(options)
    facts = airflow.dag(f"{RELEASE if options.train is None else TRAIN}{name}")
    check_choices(facts, params)
    # Airflow's own ids look like this: it stands for no change request.
    run = airflow.trigger(facts.dag_id, f"plan__{params.get('build', name)}_{now:%Y%m%dT%H%M%S.%f}Z", params)
    watch = Watch.of(airflow, name, run, facts)
    try:
        ending = watch.until_the_end(Notes(sys.stderr), Clock(options.every))
    except KeyboardInterrupt:
        _say(f"\nairlock: not waiting any more; the plan is still made, as {run.run_id}")
        return Exit.INTERRUPTED
    return _told(options, airflow, watch.run, ending)


def _told(options: argparse.Namespace, airflow: Airflow, run: Run, ending: Ending) -> Exit:
    step = STEP if options.train is None else STEP_OF_TRAIN
    made = airflow.xcom(run.dag_id, run.run_id, step, KEY) if ending.outcome == "planned" else None
    if ending.outcome == "planned" and not isinstance(made, Mapping):
        raise CannotGoOn(f"{run.run_id} left no plan; see its step {step} in Airflow", Exit.FAILED)
    if options.json:
        said = {"event": "plan", "run": run.run_id, "outcome": ending.outcome, "sentence": ending.sentence}
        print(json.dumps({**said, "plan": made, "exit": int(ending.code)}))
        return ending.code
    if isinstance(made, Mapping):
        for line in lines_of(made, _width(sys.stdout)):
            print(line)
        print(f"to release just this: {_just_this(options, run.conf, made)}")
    else:
        print(f"{ending.outcome or run.state}: {ending.sentence}")
    return ending.code


@dataclass
class Notes:
    """Says what a plan waits for, once each; nothing else of the run is of interest."""

    out: TextIO
    _said: str | None = None

    def show(self, progress: Progress) -> None:
        """Print what is new."""
        if progress.note and progress.note != self._said:
            print(f"airlock: {plain(progress.note)}", file=self.out, flush=True)
        self._said = progress.note

    def close(self) -> None:
        """Nothing is left open."""


def lines_of(made: Mapping[str, Any], width: int | None) -> Iterator[str]:
    """A plan as the step's log has it; ``width`` None leaves lines as long as they are.

    Raises:
        CannotGoOn: it is of a version that this one can't read.
    """
    try:
        if "train" in made:
            text = train_in_words(made)
        else:
            text = in_words(PlanReport.model_validate({"spec": {}, **made}))
    except (ValidationError, LookupError, TypeError, ValueError, AttributeError):
        raise CannotGoOn("this version can't read the plan; --json shows it", Exit.FAILED) from None
    for line in text.splitlines():
        yield from _wrapped(plain(line), width)


def _wrapped(line: str, width: int | None) -> list[str]:
    """A line, in parts set in below it where a terminal is too narrow."""
    if width is None or len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [line]


def _just_this(options: argparse.Namespace, conf: Mapping[str, Any], made: Mapping[str, Any]) -> str:
    """The command that releases what was planned: the same wish, bound to the plan."""
    if options.train is None:
        parts, plans = ["airlock", "release", options.service, str(conf["build"])], [made.get("hash")]
    else:
        parts, plans = (
            ["airlock", "release", "--train", options.train],
            [f"{name}={digits}" for name, digits in made["plans"].items()],
        )
        parts += [word for name, build in builds_of(conf).items() for word in ("--build", f"{name}={build}")]
    for region in conf.get("regions") or ():
        parts += ["--region", str(region)]
    for key in ("on_failure", "refresh_build", "window_override"):
        parts += [f"--{key.replace('_', '-')}", str(conf[key])] if conf.get(key) else []
    parts += [word for plan in plans for word in ("--plan", str(plan))]
    return plain(shlex.join(parts))


def _width(out: TextIO) -> int | None:
    return shutil.get_terminal_size().columns if out.isatty() else None


def _say(text: str) -> None:
    print(text, file=sys.stderr)
