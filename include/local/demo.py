"""`make demo`: real releases on a real Airflow while clients keep calling, then a verdict."""

from __future__ import annotations

import json
import time
from typing import Any

from rich.console import Console

from include.local.api import ENDED
from include.local.control import SandboxControl
from include.local.demo_report import failed_steps, report
from include.local.demo_scene import Act, Evidence, Played
from include.local.demo_story import ACTS, sandbox_settings
from include.local.demo_view import Progress
from include.local.home import Home, first_free
from include.local.load_unit import LoadUnit
from include.local.stack import LocalStack
from include.local.terminal import open_console

RUN_LIMIT_S = 300.0
LOOK_EVERY_S = 0.3


def run(name: str | None = None) -> int:
    """Play the demo; 0 only when every release ended as it should."""
    console = open_console()
    home = Home.named(name) if name else first_free("demo")
    console.print(
        f"Airlock's demo: starting Airflow and the sandbox in {home.path}", markup=False, soft_wrap=True
    )
    began = time.monotonic()

    def say(step: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {step}", style="dim", markup=False)

    with LocalStack(home, sandbox_settings=sandbox_settings(), fresh=True, on_step=say) as stack:
        for act in ACTS:
            stack.api.await_dag(act.dag)
        say("ready")
        console.print(_where(stack), markup=False, soft_wrap=True)
        played = [_play(stack, act, console) for act in ACTS]
        report(console, stack, played)
    return 1 if any(act.faults for act in played) else 0


def _play(stack: LocalStack, act: Act, console: Console) -> Played:
    """Release while clients call, and look at how it ended."""
    control, scene = SandboxControl(stack.endpoints), act.scene
    load = LoadUnit(stack, scene.service, act.name)
    load.start()
    before, since, began = scene.look(control), control.last_entry(), time.monotonic()
    run_id = stack.api.trigger_run(act.dag, act.conf)
    with Progress(console, act.title, scene) as progress:
        state = _follow(stack, act, run_id, progress, control, load)
    seconds = time.monotonic() - began
    tasks = stack.api.task_instances(act.dag, run_id)
    evidence = Evidence(state, before, scene.look(control), control.journal(since), load.stop())
    found = scene.faults(evidence)
    if found:
        failed_steps(console, stack.api, act.dag, run_id, tasks)
    return Played(act, run_id, seconds, evidence, tasks, found)


def _follow(
    stack: LocalStack,
    act: Act,
    run_id: str,
    progress: Progress[Any],
    control: SandboxControl,
    load: LoadUnit,
) -> str:
    """Show the run until its end and return its state, or the one it is stuck in when the time is up."""
    deadline = time.monotonic() + RUN_LIMIT_S
    while True:
        stack.check()
        state = stack.api.run_state(act.dag, run_id)
        progress.show(stack.api.task_instances(act.dag, run_id), act.scene.look(control), load.report())
        if state in ENDED or time.monotonic() > deadline:
            return state
        time.sleep(LOOK_EVERY_S)


def _where(stack: LocalStack) -> str:
    kept: dict[str, str] = json.loads(stack.home.password_file.read_text(encoding="utf-8"))
    user, password = next(iter(kept.items()))
    return (
        f"Watch it in a browser: {stack.api.base_url}/dags/{ACTS[0].dag} "
        f"(user {user}, password {password}, also in {stack.home.password_file})"
    )
