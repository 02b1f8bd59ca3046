"""The demo's last word: what changed, what clients saw, what Slack received, the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console

from include.local.api import AirflowApi, ApiError, TaskInstance
from include.local.control import SandboxControl
from include.local.demo_scene import Played
from include.local.stack import LocalStack

LOG_LINES = 12


def report(console: Console, stack: LocalStack, played: Sequence[Played]) -> None:
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


def _print_act(console: Console, played: Played) -> None:
    seen, act = played.evidence, played.act
    title = f"Release {act.name}: run {seen.run_state} after {played.seconds:.1f} s"
    for table in act.scene.told(console, title, seen, played.tasks):
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
