"""A release driven step by step in this process, with a ledger in memory: for any spec, by its own plan."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.dag import OPERATORS, PLACES
from include.airlock.errors import AirlockError, Transient
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.decision import WHY, read_answer
from include.airlock.model.loading import load_service
from include.airlock.model.plan import Plan, Step
from include.airlock.model.record import Outcome, Phase, RegionRecord, ReleaseRecord
from include.airlock.model.service import Service
from include.airlock.release.approve import AskingStep
from include.airlock.release.asking import Asked
from include.airlock.release.ledger import Ledger
from include.airlock.release.place import OpenPlace
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later, ReleaseStep
from include.airlock.release.steps import PlaceStep
from include.airlock.release.verdict import outcome_of
from include.airlock.strategies import compile_plan

SPECS = Path(__file__).resolve().parents[2] / "dags" / "services"
NEW, OLD = "2026.11.2", "2026.11.1"
TRIES = 8
"""How often a step is called that may be retried."""

LIMIT_S = 120.0
"""Seconds that a step is given while it asks to be called later."""

LONGEST_PAUSE_S = 0.5
"""A step that asks for later reckons with the cloud's times; the sandbox is faster."""


class MemoryStore:
    """Airflow's asset state store, in memory: JSON in, JSON out."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any) -> None:
        self.values[key] = value

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


def spec(name: str) -> Service:
    """A spec that the project ships."""
    return load_service(SPECS / f"{name}.yaml")


def answer(chosen: str, by: str = "ann", why: str = "") -> dict[str, Any]:
    """What Airflow hands a step when somebody answered its question."""
    user = {"id": by, "name": by}
    return {"chosen_options": [chosen], "params_input": {WHY: why}, "responded_by_user": user}


def quick(service: Service, **more: Any) -> Service:
    """The spec with short times for the status page and the bake; ``more`` replaces further keys."""
    page = service.status_page.model_copy(
        update={
            "interval": timedelta(milliseconds=100),
            "timeout": timedelta(seconds=2),
            "deadline": timedelta(seconds=6),
            "unhealthy_after": 4,
        }
    )
    return service.model_copy(update={"status_page": page, "bake": timedelta(0), **more})


@dataclass
class Rehearsal:
    """One release, its steps called in the plan's order, each again when it asks or may be retried.

    ``patience`` are the seconds that a step may stay in its worker; ``errors`` the last error of each
    step by its id. ``answers`` are given one after the other to what is ``asked``, as Airflow gives them.
    """

    service: Service
    request: ChangeRequest
    ledger: Ledger
    release: str = "CHG-1"
    patience: float = 30.0
    errors: dict[str, AirlockError] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    before_answer: Callable[[], object] = lambda: None

    @classmethod
    def of(
        cls, service: Service, *, ledger: Ledger | None = None, release: str = "CHG-1", **conf: Any
    ) -> Rehearsal:
        """Open a release of ``service`` in a ledger; ``conf`` is its change request, of NEW if not told."""
        request = ChangeRequest.of(service, {"build": NEW, **conf})
        ledger = ledger or Ledger(MemoryStore())
        regions = [
            RegionRecord(name=name, phase=Phase.WAITING if name in request.regions else Phase.NOT_ASKED)
            for name in service.places
        ]
        header: dict[str, Any] = {"dag": f"release_{service.service}", "service": service.service}
        asked: dict[str, Any] = {"build": request.build, "on_failure": request.on_failure, "started_at": "t"}
        asked |= {"bound": request.plan, "plan_only": request.plan_only}
        ledger.open(ReleaseRecord(release=release, regions=regions, **asked, **header))
        return cls(service, request, ledger, release)

    @property
    def plan(self) -> Plan:
        return compile_plan(self.service)

    @property
    def places(self) -> OpenPlace:
        """How the plan's places are opened."""
        return PLACES[self._planned("preflight").room]

    @property
    def run(self) -> ReleaseRun:
        return ReleaseRun(self.service, self.request, self.ledger, self.release)

    @property
    def record(self) -> ReleaseRecord:
        return self.run.record()

    def outcome(self) -> tuple[Outcome, str]:
        return outcome_of(self.record)

    def operator(self, name: str) -> ReleaseStep:
        """The operator of the plan's step of that id, made as the DAG makes it."""
        step = self._planned(name)
        operator = OPERATORS[(step.room, step.verb)]
        more: dict[str, Any] = {"places": PLACES[step.room]} if issubclass(operator, PlaceStep) else {}
        return operator(task_id=step.id, service=self.service, region=step.region, **more)

    def _planned(self, name: str) -> Step:
        return next(step for step in self.plan if step.id == name)

    def step(self, verb: str, region: str | None = None) -> bool:
        """Perform one step to its end; False when it failed, was skipped or never came to an end."""
        name = f"{region}.{verb}" if region else verb
        step, tries, ends = self.operator(name), 0, time.monotonic() + LIMIT_S
        while tries < TRIES and time.monotonic() < ends:
            try:
                result = self._answered(step, self._performed(step, tries))
                if not isinstance(result, Later):
                    return True
                time.sleep(min(result.seconds, LONGEST_PAUSE_S))
            except AirflowSkipException:
                return False
            except AirlockError as fault:
                self.errors[name] = fault
                if not isinstance(fault, Transient):
                    return False
                tries += 1
        return False

    def _performed(self, step: ReleaseStep, tries: int) -> Any:
        run = self.run
        work = partial(step.perform, run, patience=self.patience)
        return step.worked(run, work, last_try=tries == TRIES - 1)

    def _answered(self, step: ReleaseStep, result: Any) -> Any:
        """Answer what a step asks, by one of ``answers`` each time; nobody does when there is none left."""
        while isinstance(result, Asked):
            assert isinstance(step, AskingStep)
            self.asked.append(result)
            self.before_answer()
            run, question = self.run, result.question
            event = self.answers.pop(0) if self.answers else {"timedout": True}
            answer = read_answer(event, tuple(question.options), question.otherwise)
            result = step.taken(run, question, answer, patience=self.patience, last_try=False)
        return result

    def verbs(self, region: str) -> list[str]:
        """What a region's lane does, in order: ``check``, the strategy's own steps, ``verify``, ``bake``."""
        lane = [step for step in self.plan if step.id == f"{region}.{step.verb}"]
        return [step.verb for step in lane if step.verb != "roll_back"]

    def lane(self, region: str) -> bool:
        """A region's lane, up to the first step that fails."""
        return all(self.step(verb, region) for verb in self.verbs(region))

    def step_until(self, region: str, verb: str) -> bool:
        """The preflight, all lanes before ``region``, and that lane up to and with ``verb``."""
        before = self.request.regions[: self.request.regions.index(region)]
        verbs = self.verbs(region)
        return (
            self.step("preflight")
            and all(self.lane(name) for name in before)
            and all(self.step(each, region) for each in verbs[: verbs.index(verb) + 1])
        )

    def verify(self, region: str) -> bool:
        return self.step("verify", region)

    def bake(self, region: str) -> bool:
        return self.step("bake", region)

    def back(self, region: str) -> bool:
        return self.step("roll_back", region)

    def go(self) -> tuple[Outcome, str]:
        """The whole release, with the way back where a lane fails."""
        approved = [step.verb for step in self.plan if step.id == "approve"]
        if self.step("preflight") and all(self.step(verb) for verb in approved):
            for region in self.request.regions:
                if not self.lane(region):
                    if self.back(region):
                        self.step("roll_back_earlier")
                    break
        return self.outcome()
