"""Steps of a lane run as Airflow runs them: deferred, killed, tried again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.errors import AirlockError, Overtaken, Transient
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.record import RegionRecord, ReleaseRecord
from include.airlock.model.service import Service
from include.airlock.release.ledger import Ledger
from include.airlock.release.place import OpenPlace
from include.airlock.release.preflight import preflight
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later, ReleaseStep
from include.airlock.release.steps import (
    BakeOperator,
    ChangeOperator,
    CheckOperator,
    RollBackOperator,
    VerifyOperator,
)
from tests.unit.aws.machine_cloud import NEW, Killed, MachineCloud

_TRIES = 12
_PROCESSES = count(1)


class Store(dict[str, Any]):
    """The asset state store: what is set is an act, and what is got is what JSON keeps."""

    def __init__(self, cloud: MachineCloud) -> None:
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


class GaveUp(AssertionError):
    """A step was tried more often than any path needs."""


class Stopped(Exception):
    """A step failed for good."""


@dataclass
class Release:
    """One release of one place, step by step, with Airflow's retries."""

    cloud: MachineCloud
    service: Service
    places: OpenPlace
    on_failure: str
    gap_s: float = 30.0
    name: str = ""
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name = self.service.places[0]
        self.store = Store(self.cloud)
        self.request = ChangeRequest.of(self.service, {"build": NEW, "on_failure": self.on_failure})
        self.cloud.rival = self.rival
        regions = [RegionRecord(name=name) for name in self.service.places]
        header = ReleaseRecord(
            release="r1", dag="d", service=self.service.service, build=NEW, on_failure=self.on_failure,
            started_at="t", regions=regions,
        )  # fmt: skip
        self.run().ledger.open(header)

    def run(self) -> ReleaseRun:
        return ReleaseRun(self.service, self.request, Ledger(self.store), "r1")

    @property
    def region(self) -> RegionRecord:
        return self.run().region(self.name)

    def step(self, verb: str) -> ReleaseStep:
        kinds = {
            "check": CheckOperator,
            "verify": VerifyOperator,
            "bake": BakeOperator,
            "roll_back": RollBackOperator,
        }
        kind = kinds.get(verb, ChangeOperator)
        task = f"{self.name}.{verb}"
        return kind(task_id=task, service=self.service, region=self.name, places=self.places)

    def preflight(self) -> None:
        self.cloud.process = next(_PROCESSES)
        preflight(self.run(), self.places)

    def once(self, verb: str, patience: float) -> Later | None:
        """One process of a step.

        Raises:
            Stopped: a verdict. Killed, Transient: it is to be tried again.
        """
        self.seen.append(verb)
        self.cloud.way_back = verb == "roll_back"
        self.cloud.process = next(_PROCESSES)
        step, run = self.step(verb), self.run()
        try:
            result = step.perform(run, patience=patience)
        except AirflowSkipException:
            return None
        except AirlockError as fault:
            step.note_failure(run, fault)
            if fault.retryable or isinstance(fault, Overtaken):
                raise
            raise Stopped(str(fault)) from fault
        return result if isinstance(result, Later) else None

    def carry(self, verb: str) -> None:
        """A step with all its retries and deferrals."""
        patience, limit = 60.0, self.cloud.acts + 20_000
        tries = 0
        while tries < _TRIES and self.cloud.acts < limit:
            try:
                later = self.once(verb, patience)
            except (Killed, Overtaken):  # the other process was killed, too: its try follows
                tries, patience = tries + 1, 60.0
                self.cloud.sleep(self.gap_s)
            except Transient:
                tries, patience = tries + 1, 60.0
                self.cloud.sleep(10.0)
            else:
                if later is None:
                    return
                patience = 10.0
                self.cloud.sleep(max(later.seconds, 15.0))
        raise GaveUp(f"{verb} does not end")

    def rival(self, acts: int) -> None:
        """Another process of the step that runs, for so many acts, while this one stands still."""
        mine = self.cloud.process
        self.cloud.leash = self.cloud.acts + acts
        try:
            self.once(self.seen[-1], 60.0)
        except (Killed, Stopped, Overtaken, Transient):
            pass
        finally:
            self.cloud.leash = None
            self.cloud.process = mine

    def forward(self, *verbs: str) -> str:
        """The lane's steps, then its way back when one failed. ``accepted``, or why it stopped."""
        try:
            for verb in verbs or ("check", "change", "verify", "bake"):
                self.carry(verb)
        except Stopped as fault:
            return str(fault)
        return "accepted"

    def back(self) -> str:
        try:
            self.carry("roll_back")
        except Stopped as fault:
            return str(fault)
        return "done"
