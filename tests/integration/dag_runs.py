"""Runs of real DAG objects in this process, several side by side: an Airflow that is as small as can be.

It calls each task's operator when its trigger rule says so, brings deferred ones back, keeps the ledgers
in memory and answers what steps ask of Airflow. Its scheduler takes one task at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowSkipException, DownstreamTasksSkipped, TaskDeferred

from include.airlock.errors import AirlockError
from include.airlock.release.assets import asset_of
from include.airlock.release.ledger import Ledger
from tests.integration.rehearsal import MemoryStore

DONE = ("success", "failed", "skipped", "upstream_failed")
TRIES = 8
LIMIT_S = 60.0
PAUSE_S = 0.05


@dataclass
class TinyAirflow:
    """The runs, by DAG and run id, and the ledger of each service."""

    runs: dict[tuple[str, str], DagRun] = field(default_factory=dict)
    stores: dict[Any, MemoryStore] = field(default_factory=dict)

    def ledger(self, service: str) -> Ledger:
        return Ledger(self.stores.setdefault(asset_of(service), MemoryStore()))

    def run(self, dag: DAG, run_id: str, **conf: Any) -> DagRun:
        """A new run, running."""
        made = DagRun(self, dag, run_id, conf)
        self.runs[dag.dag_id, run_id] = made
        for asset in {each for task in dag.tasks for each in task.inlets}:
            self.stores.setdefault(asset, MemoryStore())
        return made

    def get_dagrun_state(self, dag: str, run: str) -> str:
        return self.runs[dag, run].state

    def get_dr_count(self, *, dag_id: str, states: list[str]) -> int:
        return sum(run.state in states for (dag, _), run in self.runs.items() if dag == dag_id)


@dataclass
class DagRun:
    """One run. ``before`` is called with each task's id before the task."""

    airflow: TinyAirflow
    dag: DAG
    run_id: str
    conf: dict[str, Any]
    state: str = "running"
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    states: dict[str, str] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)
    xcoms: dict[str, Any] = field(default_factory=dict)
    before: Callable[[str], object] = lambda _: None
    order: list[str] = field(default_factory=list)

    def go(self) -> DagRun:
        """To its end."""
        ends = time.monotonic() + LIMIT_S
        while not self.over:
            assert time.monotonic() < ends, self.states
            if not self.one():
                time.sleep(PAUSE_S)
        return self

    def go_until(self, task: str) -> DagRun:
        """Up to and with that task."""
        ends = time.monotonic() + LIMIT_S
        while self.states.get(task) not in DONE:
            assert time.monotonic() < ends, self.states
            self.one()
        return self

    @property
    def over(self) -> bool:
        return self.state != "running"

    def one(self) -> bool:
        """The next task that may start or come back; False when all that could has been deferred."""
        for task in self.dag.topological_sort():
            if self.states.get(task.task_id) in DONE:
                continue
            decided = self._decided(task)
            if decided == "wait":
                continue
            self.states[task.task_id] = self._called(task) if decided == "go" else decided
            if self.states[task.task_id] != "deferred":
                self._settle()
                return True
        return False

    def clear(self, *tasks: str) -> None:
        """As a person would, with all that follows; an ended run begins anew."""
        for task in tasks:
            for name in [task, *self.dag.get_task(task).get_flat_relative_ids(upstream=False)]:
                self.states.pop(name, None)
        if self.over:
            self.state, self.began = "running", datetime.now(UTC)

    def _settle(self) -> None:
        if all(self.states.get(task.task_id) in DONE for task in self.dag.tasks):
            leaves = [self.states[task.task_id] for task in self.dag.leaves]
            self.state = "failed" if {"failed", "upstream_failed"} & set(leaves) else "success"

    def _decided(self, task: Any) -> str:
        above = [self.states.get(name, "none") for name in task.upstream_task_ids]
        bad = [each for each in above if each in ("failed", "upstream_failed")]
        if task.trigger_rule == "one_failed" and bad:
            return "go"
        if any(each not in DONE for each in above):
            return "wait"
        if task.trigger_rule == "one_failed":
            return "skipped"
        if task.trigger_rule == "one_success":
            return "go" if "success" in above else "upstream_failed" if bad else "skipped"
        return "upstream_failed" if bad and task.trigger_rule == "none_failed" else "go"

    def _called(self, task: Any) -> str:
        name = task.task_id
        if self.states.get(name) != "deferred":
            self.before(name)
            self.order.append(name)
        again, method = 0, "resume" if self.states.get(name) == "deferred" else "execute"
        while True:
            try:
                self.xcoms[name] = getattr(task, method)(self.context(task))
                return "success"
            except TaskDeferred:
                return "deferred"
            except AirflowSkipException:
                return "skipped"
            except DownstreamTasksSkipped as more:
                left = (each for each in more.tasks if self.states.get(str(each)) not in DONE)
                self.states |= {str(each): "skipped" for each in left}
                return "success"
            except AirlockError as fault:
                self.errors[name] = fault
                again += 1
                if not fault.retryable or again > TRIES:
                    return "failed"
                time.sleep(PAUSE_S)

    def context(self, task: Any) -> Any:
        """What Airflow gives the task."""

        def push(*, key: str, value: Any) -> None:
            self.xcoms[f"{task.task_id}/{key}"] = value

        ti = SimpleNamespace(
            xcom_push=push,
            get_dagrun_state=self.airflow.get_dagrun_state,
            get_dr_count=self.airflow.get_dr_count,
            try_number=1,
            max_tries=6,
        )
        dag_run = SimpleNamespace(
            dag_id=self.dag.dag_id,
            run_id=self.run_id,
            run_type="manual",
            start_date=self.began,
            run_after=self.began - timedelta(seconds=1),
            triggering_user_name="ann",
        )
        return {
            "params": self.conf,
            "dag_run": dag_run,
            "task": task,
            "ti": ti,
            "asset_state_store": self.airflow.stores,
        }
