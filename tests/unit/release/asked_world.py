"""A small world of three regions whose release asks people, with workers that die at any store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.errors import AirlockError
from include.airlock.model.approvals import Approvals, Before
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.decision import WHY, read_answer
from include.airlock.model.health import Reading
from include.airlock.model.loading import parse_service
from include.airlock.model.record import (
    Phase,
    Question,
    RegionRecord,
    ReleaseRecord,
    Side,
    SwapIntent,
    SwapPhase,
)
from include.airlock.model.service import Service
from include.airlock.release.approve import ApproveOperator, AskingStep
from include.airlock.release.asking import Asked, open_question, stands
from include.airlock.release.ledger import Ledger
from include.airlock.release.place import Pages
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later, ReleaseStep
from include.airlock.release.steps import (
    BakeOperator,
    ChangeOperator,
    CheckOperator,
    PlaceStep,
    RollBackEarlierOperator,
    RollBackOperator,
    VerifyOperator,
)
from tests.unit.model.specs import SMALLEST

NEW, OLD = "2026.11.2", "2026.11.1"
REGIONS = ("westeurope", "northeurope", "uksouth")
TRIES = 7
APPROVALS = Approvals(before=(Before.RELEASE, Before.EACH_REGION), by=("ann", "ben"), not_requester=True)

_LANE: dict[str, type[PlaceStep]] = {
    "check": CheckOperator,
    "swap": ChangeOperator,
    "verify": VerifyOperator,
    "bake": BakeOperator,
}


class Killed(BaseException):
    """The worker's process is gone."""


def service_of(**more: Any) -> Service:
    """Payments in three regions, with no time to lose."""
    head, tail = SMALLEST.split("status_page:")
    second = head[head.index("  - name:") :]
    others = "".join(second.replace("westeurope", name) for name in REGIONS[1:])
    service = parse_service(f"{head}{others}status_page:{tail}", name="payments.yaml")
    page = service.status_page.model_copy(
        update={
            "interval": timedelta(0),
            "deadline": timedelta(seconds=5),
            "consecutive": 1,
            "unhealthy_after": 1,
        }
    )
    return service.model_copy(update={"status_page": page, "bake": timedelta(0), **more})


@dataclass
class World:
    """What the regions serve, and how well: ``sick`` says of each look at a new build whether it is bad."""

    sick: list[bool] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    kill_at: int | None = None
    always_sick: tuple[str, ...] = ()
    builds: dict[str, str] = field(default_factory=lambda: dict.fromkeys(REGIONS, OLD))
    asked: list[Asked] = field(default_factory=list)
    kept: dict[str, Any] | None = None
    given: int = 0
    before_answer: Callable[[], object] = lambda: None
    stores: int = 0

    def store(self) -> None:
        """One act of a worker; it may be its last."""
        self.stores += 1
        if self.stores == self.kill_at:
            raise Killed

    def well(self, name: str) -> bool:
        """Whether a look finds the region well. An old build always is."""
        if self.builds[name] == OLD:
            return True
        return name not in self.always_sick and not (self.sick and self.sick.pop(0))

    def answer(self) -> dict[str, Any]:
        """What the next person answers; nobody does when there is no further one."""
        self.given += 1
        event = self.answers.pop(0) if self.answers else {"timedout": True}
        return event | {"responded_at": datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=self.given)}


def answered(chosen: str, why: str = "", by: str = "ann") -> dict[str, Any]:
    return {
        "chosen_options": [chosen],
        "params_input": {WHY: why},
        "responded_by_user": {"id": by, "name": by},
    }


@dataclass
class Place:
    """One region of the world, opened."""

    world: World
    service: Service
    name: str

    def compare(self, region: RegionRecord, build: str) -> None:
        assert self.world.builds[self.name] == OLD

    def prepare(self, run: ReleaseRun, region: RegionRecord) -> None:
        region.old_build, region.new_build = OLD, NEW
        region.swap = SwapIntent(
            phase=SwapPhase.INTENT,
            direction="forward",
            production=Side(),
            staging=Side(),
            expected=NEW,
            since=0,
        )

    def carry_out(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> None:
        others = [name for name in REGIONS if name != self.name]
        moving = [name for name in others if run.region(name).phase in (Phase.CHANGING, Phase.CHANGED)]
        assert not moving, f"{self.name} is changed while {moving} is in flight"
        assert region.swap is not None
        region.swap.phase, self.world.builds[self.name] = SwapPhase.DONE, NEW
        run.save(region)

    def pages(self) -> Pages:
        return Pages(("http://127.0.0.1:9/status",), None)

    def reading(self, build: str | None = None) -> Reading:
        return Reading(self.world.builds[self.name], self.world.well(self.name), "sick")

    def complete_proof(self, region: RegionRecord) -> None:
        """Nothing more."""

    def alone(self, region: RegionRecord, build: str) -> str:
        return build

    def make_safe(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> None:
        """Nothing."""

    def bring_back(self, run: ReleaseRun, region: RegionRecord, *, patience: float) -> None:
        self.world.builds[self.name] = OLD

    @contextmanager
    def opened(self) -> Iterator[Place]:
        yield self


class Store(dict[str, Any]):
    """The asset state store: each write may be a worker's last act."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self[key]) if key in self else default

    def set(self, key: str, value: Any) -> None:
        self._world.store()
        self[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        self._world.store()
        self.pop(key, None)


class Release:
    """One release of the three regions, step by step, with Airflow's retries of lost workers."""

    def __init__(self, world: World, **more: Any) -> None:
        self.world, self.service = world, service_of(**more)
        self.request = ChangeRequest.of(self.service, {"build": NEW, "on_failure": "ask"})
        store: Any = Store(world)
        self.ledger = Ledger(store)
        regions = [RegionRecord(name=name, old_build=OLD, new_build=NEW) for name in REGIONS]
        header: dict[str, Any] = {"release": "CHG-1", "dag": "d", "service": "payments", "build": NEW}
        with alive(world):
            self.ledger.open(
                ReleaseRecord(on_failure="ask", started_at="t", requested_by="eve", regions=regions, **header)
            )

    @property
    def run(self) -> ReleaseRun:
        return ReleaseRun(self.service, self.request, self.ledger, "CHG-1")

    @property
    def record(self) -> ReleaseRecord:
        return self.run.record()

    def go(self) -> None:
        """The whole release, as the graph has it."""
        if not self._approved(None):
            return
        for name in REGIONS:
            if not (self._approved(name) and self.lane(name)):
                if self.step(f"{name}.roll_back", RollBackOperator, name):
                    self.step("roll_back_earlier", RollBackEarlierOperator, None)
                return

    def lane(self, name: str) -> bool:
        return all(self.step(f"{name}.{verb}", operator, name) for verb, operator in _LANE.items())

    def _approved(self, name: str | None) -> bool:
        if self.service.approvals is None:
            return True
        return self.step(f"{name}.approve" if name else "approve", ApproveOperator, name)

    def step(self, task: str, operator: type[ReleaseStep], name: str | None) -> bool:
        """Perform a step until it ends; a killed worker's step is begun again."""
        more = {"places": self._place} if issubclass(operator, PlaceStep) else {}
        step = operator(task_id=task, service=self.service, region=name, **more)
        for _ in range(TRIES):
            try:
                self._performed(step)
            except Killed:
                continue
            except (AirlockError, AirflowSkipException):
                return False
            return True
        raise AssertionError(f"{task} was tried more often than any path needs")

    def _performed(self, step: ReleaseStep) -> None:
        """One run of a step in a worker, and those that answers start; a lost run's answer is kept."""
        run = self.run
        question = open_question(run, step.task_id)
        if question is not None and question.tries is not None:
            result = self._answered(step, question)
        else:
            result = step.worked(run, partial(step.perform, run, patience=1.0), last_try=False)
        while isinstance(result, Asked):
            self.world.asked.append(result)
            self.world.kept = None
            stands(run, TRIES)
            asked = open_question(run, step.task_id)
            assert asked is not None
            result = self._answered(step, asked)
        assert not isinstance(result, Later), "nothing here takes long"

    def _answered(self, step: ReleaseStep, question: Question) -> Any:
        assert isinstance(step, AskingStep)
        self.world.before_answer()
        self.world.kept = event = self.world.kept or self.world.answer()
        answer = read_answer(event, tuple(question.options), question.otherwise)
        return step.taken(self.run, question, answer, patience=1.0, last_try=False)

    def _place(self, service: Service, name: str) -> Any:
        return Place(self.world, service, name).opened()


@contextmanager
def alive(world: World) -> Iterator[None]:
    """Nobody dies in here."""
    kept, world.kill_at = world.kill_at, None
    yield
    world.kill_at, world.stores = kept, 0
