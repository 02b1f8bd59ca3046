"""The demo's last word: what changed, what clients saw, what Slack received, the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from rich.console import Console

from include.local.api import AirflowApi, ApiError, TaskInstance
from include.local.control import SandboxControl
from include.local.demo_judge import Evidence, switches
from include.local.demo_story import REGIONS, SERVICE, Act
from include.local.demo_view import WIDE, clients_of, table_for
from include.local.stack import LocalStack

LOG_LINES = 12
_BY_SWITCHES = {0: "not touched", 1: "released", 2: "swapped back"}


class PlayedAct(Protocol):
    """One act of the demo, as it was played."""

    @property
    def act(self) -> Act:
        """What was asked for."""

    @property
    def run_id(self) -> str:
        """The run in Airflow."""

    @property
    def seconds(self) -> float:
        """From the request to the end of the run."""

    @property
    def evidence(self) -> Evidence:
        """What was seen."""

    @property
    def tasks(self) -> Mapping[str, TaskInstance]:
        """The steps of the run."""

    @property
    def faults(self) -> list[str]:
        """What is wrong with it."""


def report(console: Console, stack: LocalStack, played: Sequence[PlayedAct]) -> None:
    """Print what happened, where to see it, and the verdict."""
    for act in played:
        _print_act(console, act)
    _print_slack(console, SandboxControl(stack.endpoints))
    name = stack.home.path.name
    lines = [
        "",
        f"To see these releases in Airflow's UI: make up NAME={name}",
        f"(user and password: {stack.home.password_file}; the programs' logs: {stack.home.logs})",
        "",
    ]
    console.print("\n".join(lines), markup=False, soft_wrap=True)
    for act in played:
        good = not act.faults
        sentence = "ended as it should" if good else "did NOT end as it should:"
        console.print(
            f"{'✔' if good else '✘'} Release {act.act.name} {sentence}", style="green" if good else "bold red"
        )
        for fault in act.faults:
            console.print(f"    {fault}", markup=False, soft_wrap=True)


def failed_steps(
    console: Console, api: AirflowApi, dag: str, run_id: str, tasks: Mapping[str, TaskInstance]
) -> None:
    """Print the last log lines of each step that failed, for a release that did not end as it should."""
    for task_id, task in tasks.items():
        if task.state not in ("failed", "up_for_retry"):
            continue
        try:
            lines = api.logs(dag, run_id, task_id, task.try_number).splitlines()[-LOG_LINES:]
        except ApiError as error:
            lines = [str(error)]
        console.print(f"{task_id} {task.state}; its log ends:", style="red", markup=False)
        console.print("\n".join(f"    {line}" for line in lines), markup=False, soft_wrap=True)


def region_seconds(tasks: Mapping[str, TaskInstance], region: str) -> float | None:
    """Return the seconds from the start of a region's first step to the end of its last; None if none ran."""
    ran = [
        task
        for task_id, task in tasks.items()
        if task_id.startswith(f"{region}.") and task.start and task.end
    ]
    ran = [task for task in ran if task.state in ("success", "failed")]
    if not ran:
        return None
    first = min(datetime.fromisoformat(str(task.start)) for task in ran)
    last = max(datetime.fromisoformat(str(task.end)) for task in ran)
    return (last - first).total_seconds()


def _print_act(console: Console, played: PlayedAct) -> None:
    seen = played.evidence
    title = f"Release {played.act.name}: run {seen.run_state} after {played.seconds:.1f} s"
    table = table_for(console, title)
    for heading in ("region", "old build", "new build", "what happened"):
        table.add_column(heading)
    for heading in ("seconds", "requests", "failed", "longest gap" if console.width >= WIDE else "gap"):
        table.add_column(heading, justify="right")
    times = switches(SERVICE, seen.journal)
    for region in REGIONS:
        seconds = region_seconds(played.tasks, region)
        table.add_row(
            region,
            seen.before[region]["production"],
            seen.after[region]["production"],
            _BY_SWITCHES.get(times[region], f"switched {times[region]} times"),
            "-" if seconds is None else f"{seconds:.1f}",
            *clients_of(seen.load, f"{SERVICE}/{region}"),
        )
    console.print(table)


def _print_slack(console: Console, control: SandboxControl) -> None:
    """Print what Slack received: each message as it reads now, its thread below it."""
    console.print("What Slack received:", style="bold")
    for channel, messages in control.slack().items():
        for message in messages:
            indent = "    " if message.get("thread_ts") not in (None, message["ts"]) else ""
            edits = f" (edited {message['edited']} times)" if message.get("edited") else ""
            text = str(message["text"]).replace("\n", f"\n  {indent}")
            console.print(f"  {indent}{channel}{edits} {text}", markup=False, soft_wrap=True)
    console.print(f"The webhook received {len(control.hooks())} events.")
