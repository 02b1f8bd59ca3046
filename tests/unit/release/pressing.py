"""A release and the rollback of it run as Airflow runs them, step by step: deferred, killed, tried again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.dag import OPERATORS, PLACES
from include.airlock.errors import AirlockError, Overtaken, Refused, Transient
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.record import Phase, RegionRecord, ReleaseRecord
from include.airlock.model.rollback import RollbackRequest
from include.airlock.model.service import Service
from include.airlock.release import rollback
from include.airlock.release.ledger import Ledger
from include.airlock.release.rollback_steps import UndoOperator
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later, ReleaseStep
from include.airlock.release.steps import PlaceStep
from include.airlock.strategies import compile_plan
from tests.unit.aws.machine_parts import Killed

WHY = "too slow since 20:14"
_TRIES = 12


class Cloud(Protocol):
    """What every model of a cloud has: a clock, and acts."""

    acts: int
    process: int
    leash: int | None

    def step(self) -> Any:
        """One act of a worker."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class Store(dict[str, Any]):
    """The asset state store: what is set is an act, and what is got is what JSON keeps."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self._cloud = cloud

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self[key]) if key in self else default

    def set(self, key: str, value: Any) -> None:
        self._cloud.step()
        self[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        self._cloud.step()
        self.pop(key, None)


class Serial:
    """A pool of one, so that acts have an order."""

    def __init__(self, **_: Any) -> None:
        """As many workers as asked for are one."""

    def __enter__(self) -> Serial:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing waits."""

    def map(self, call: Callable[[str], Any], names: list[str]) -> Iterator[Any]:
        return map(call, names)


class GaveUp(AssertionError):
    """A step was tried more often than any path needs."""


def tried(cloud: Cloud, gap_s: float, once: Callable[[float], Later | None]) -> None:
    """A step with all its retries and deferrals; raises its verdict."""
    patience, limit = 60.0, cloud.acts + 20_000
    tries = 0
    while tries < _TRIES and cloud.acts < limit:
        cloud.process += 1
        try:
            later = once(patience)
        except (Killed, Overtaken) as end:
            if isinstance(end, Killed) and cloud.leash is not None:
                raise  # it only stands still
            tries, patience = tries + 1, 60.0
            cloud.sleep(gap_s)
        except Transient:
            tries, patience = tries + 1, 60.0
            cloud.sleep(10.0)
        else:
            if later is None:
                return
            patience = 10.0
            cloud.sleep(max(later.seconds, 15.0))
    raise GaveUp("it does not end")


@dataclass
class Release:
    """A run of ``release_<service>``; ``stopped`` is the verdict of the step that failed."""

    cloud: Cloud
    service: Service
    ledger: Ledger
    run_id: str
    build: str
    gap_s: float = 20.0
    on_failure: str = "halt"
    stopped: AirlockError | None = None
    done: int = 0

    def open(self) -> None:
        """The first step makes the record."""
        request = self.request
        regions = [
            RegionRecord(name=name, phase=Phase.WAITING if name in request.regions else Phase.NOT_ASKED)
            for name in self.service.places
        ]
        self.ledger.open(
            ReleaseRecord(
                release=self.run_id,
                dag=f"release_{self.service.service}",
                service=self.service.service,
                build=self.build,
                on_failure=self.on_failure,
                started_at="t",
                regions=regions,
            )
        )

    @property
    def request(self) -> ChangeRequest:
        return ChangeRequest.of(self.service, {"build": self.build, "on_failure": self.on_failure})

    @property
    def run(self) -> ReleaseRun:
        return ReleaseRun(self.service, self.request, self.ledger, self.run_id)

    def operators(self, *verbs: str) -> list[ReleaseStep]:
        """The plan's own steps of these verbs, in order; all of the lanes when none is given."""
        wanted = verbs or ("preflight", "check", "deploy", "swap", "roll", "switch", "verify", "bake")
        found = []
        for step in compile_plan(self.service):
            kind = OPERATORS[(step.room, step.verb)]
            if step.verb in wanted and issubclass(kind, PlaceStep):
                found.append(
                    kind(task_id=step.id, service=self.service, region=step.region, places=PLACES[step.room])
                )
        return found

    def once(self, step: ReleaseStep, patience: float) -> Later | None:
        """One process of a step, as ``ReleaseStep.execute`` has it."""
        run = self.run
        try:
            result = step.perform(run, patience=patience)
        except AirflowSkipException:
            return None
        except AirlockError as fault:
            step.note_failure(run, fault)
            raise
        return result if isinstance(result, Later) else None

    def go(self, *verbs: str) -> bool:
        """The lanes, from where they stopped to their end or to the first step that fails; False then."""
        self.open()
        for step in self.operators(*verbs)[self.done :]:
            try:
                tried(self.cloud, self.gap_s, lambda patience, step=step: self.once(step, patience))  # type: ignore[misc]
            except AirlockError as fault:
                self.stopped = fault
                return False
            self.done += 1
        return True


@dataclass
class Press:
    """A run of ``rollback_<service>``; ``running`` is what Airflow would answer."""

    cloud: Cloud
    service: Service
    ledger: Ledger
    running: Callable[[], str | None]
    run_id: str = "back-1"
    gap_s: float = 20.0
    stopped: AirlockError | None = None
    places: Sequence[str] = field(default_factory=list)

    def look(self, **conf: Any) -> None:
        """The step ``look``, once."""
        request = RollbackRequest.of(self.service, {"reason": WHY, **conf})
        act = rollback.Act(self.run_id, "ann", None)
        entry = rollback.look(self.service, self.ledger, request, act, self._open, self.running)
        self.places = entry.places

    @property
    def _open(self) -> Any:
        return PLACES[next(step.room for step in compile_plan(self.service) if step.verb == "preflight")]

    def undo(self, name: str, patience: float) -> Later | None:
        """The step ``<place>.roll_back``, once."""
        entry = self.ledger.rollback(self.run_id)
        assert entry is not None and entry.release is not None
        record = self.ledger.release(entry.release)
        assert record is not None
        run = rollback.undone(self.service, self.ledger, record, entry.places)
        step = UndoOperator(task_id=f"{name}.roll_back", service=self.service, region=name, places=self._open)
        step._running = self.running
        try:
            result = step.perform(run, patience=patience)
        except AirlockError as fault:
            step.note_failure(run, fault)
            raise
        return result if isinstance(result, Later) else None

    def go(self, **conf: Any) -> bool:
        """The look and every place, to the end or to the first step that fails; False when one did."""

        def look(_: float) -> None:
            self.look(**conf)

        try:
            tried(self.cloud, self.gap_s, look)
            for name in reversed(self.places):
                tried(self.cloud, self.gap_s, lambda patience, name=name: self.undo(name, patience))  # type: ignore[misc]
        except AirlockError as fault:
            self.stopped = fault
            return False
        return True

    @property
    def refused(self) -> bool:
        """Whether it was refused before it began."""
        return isinstance(self.stopped, Refused) and not self.places
