"""A release driven step by step in this process, against the sandbox, with a ledger in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.azure import operators
from include.airlock.errors import AirlockError, Transient
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.loading import load_service
from include.airlock.model.record import Outcome, Phase, RegionRecord, ReleaseRecord
from include.airlock.model.service import Service
from include.airlock.release.ledger import Ledger
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later, ReleaseStep
from include.airlock.release.verdict import outcome_of
from include.local.connections import airflow_connections, as_environment
from tests.sandbox_client import SandboxClient

DAGS = Path(__file__).resolve().parents[3] / "dags"
NEW, OLD = "2026.11.2", "2026.11.1"


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


def quick(service: Service, **more: Any) -> Service:
    """The spec with short times, as the sandbox runs ten times as fast."""
    page = service.status_page.model_copy(
        update={
            "interval": timedelta(milliseconds=100),
            "timeout": timedelta(seconds=2),
            "deadline": timedelta(seconds=6),
            "unhealthy_after": 4,
        }
    )
    times = {"swap_timeout": timedelta(seconds=8), "swap_settle": timedelta(seconds=1), "bake": timedelta(0)}
    return service.model_copy(update={"status_page": page, **times, **more})


@dataclass
class Rehearsal:
    """One release, its steps called in the DAG's order, each again when it asks or may be retried."""

    service: Service
    request: ChangeRequest
    ledger: Ledger
    release: str = "CHG-1"
    errors: dict[str, AirlockError] = field(default_factory=dict)

    @property
    def run(self) -> ReleaseRun:
        return ReleaseRun(self.service, self.request, self.ledger, self.release)

    @property
    def record(self) -> ReleaseRecord:
        return self.run.record()

    def outcome(self) -> tuple[Outcome, str]:
        return outcome_of(self.record)

    def step(self, operator: type[ReleaseStep], verb: str, region: str | None = None) -> bool:
        """Perform one step to its end; False when it failed or was skipped."""
        name = f"{region}.{verb}" if region else verb
        step = operator(task_id=name, service=self.service, region=region)
        for _ in range(8):
            try:
                if not isinstance(step.perform(self.run, patience=30.0), Later):
                    return True
            except AirflowSkipException:
                return False
            except AirlockError as fault:
                step.note_failure(self.run, fault)
                self.errors[name] = fault
                if not isinstance(fault, Transient):
                    return False
        return False

    def lane(self, region: str) -> bool:
        """check → swap → verify → bake."""
        verbs = {
            "check": operators.CheckOperator,
            "swap": operators.SwapOperator,
            "verify": operators.VerifyOperator,
            "bake": operators.BakeOperator,
        }
        return all(self.step(operator, verb, region) for verb, operator in verbs.items())

    def step_until(self, region: str, verb: str) -> bool:
        """The preflight, all lanes before ``region``, and that lane up to and with ``verb``."""
        done = self.step(operators.PreflightOperator, "preflight")
        for name in self.request.regions:
            if name == region:
                break
            done = done and self.lane(name)
        return done and self.check(region) and (verb == "check" or self.swap(region))

    def check(self, region: str) -> bool:
        return self.step(operators.CheckOperator, "check", region)

    def swap(self, region: str) -> bool:
        return self.step(operators.SwapOperator, "swap", region)

    def verify(self, region: str) -> bool:
        return self.step(operators.VerifyOperator, "verify", region)

    def bake(self, region: str) -> bool:
        return self.step(operators.BakeOperator, "bake", region)

    def back(self, region: str) -> bool:
        return self.step(operators.RollBackOperator, "roll_back", region)

    def go(self) -> tuple[Outcome, str]:
        """The whole release, with the way back where a lane fails."""
        if self.step(operators.PreflightOperator, "preflight"):
            for region in self.request.regions:
                if not self.lane(region):
                    taken = self.step(operators.RollBackOperator, "roll_back", region)
                    if taken:
                        self.step(operators.RollBackEarlierOperator, "roll_back_earlier")
                    break
        return self.outcome()


@pytest.fixture
def connections(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox's endpoints as Airflow connections."""
    for name, value in as_environment(airflow_connections(sandbox.endpoints)).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def rehearse(sandbox: SandboxClient, connections: None) -> Any:
    """Make a release of payments: ``rehearse(build=…, on_failure=…)``."""

    def make(
        ledger: Ledger | None = None, release: str = "CHG-1", more: dict[str, Any] | None = None, **conf: Any
    ) -> Rehearsal:
        service = quick(load_service(DAGS / "services" / "payments.yaml"), **(more or {}))
        request = ChangeRequest.of(service, {"build": NEW, **conf})
        ledger = ledger or Ledger(MemoryStore())
        regions = [
            RegionRecord(name=r.name, phase=Phase.WAITING if r.name in request.regions else Phase.NOT_ASKED)
            for r in service.regions
        ]
        header: dict[str, Any] = {"dag": "release_payments", "service": "payments", "started_at": "t"}
        asked = {"build": request.build, "on_failure": request.on_failure}
        ledger.open(ReleaseRecord(release=release, regions=regions, **asked, **header))
        return Rehearsal(service, request, ledger, release)

    return make
