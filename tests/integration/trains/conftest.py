"""A train of payments and the catalog against the sandbox, with short times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from include.airlock.dag import render, render_rollback, render_train, render_train_rollback
from include.airlock.model.service import Service
from include.airlock.model.train import Train, TrainSpec, merged, regions_of
from include.airlock.strategies import compile_plan
from include.airlock.strategies.rollback import compile_rollback
from include.airlock.strategies.train import compile_train, compile_train_rollback
from tests.integration.dag_runs import DagRun, TinyAirflow
from tests.integration.rehearsal import NEW, quick, spec

TIMES = {"swap_timeout": timedelta(seconds=8), "swap_settle": timedelta(seconds=1)}
NORTH, EAST, WEST = REGIONS = ("northeurope", "eastus", "westeurope")
"""Payments is in the first and the last, the catalog in the last two."""
TRAINS = ("evening",)


def service(name: str, *regions: str) -> Service:
    """A shipped service in these regions, silent and quick."""
    found = spec(name)
    silent = found.announce.model_copy(update={"slack": None, "webhooks": ()})
    kept = tuple(region for name in regions for region in found.regions if region.name == name)
    return quick(found, **TIMES, announce=silent, regions=kept)


@dataclass
class Yard:
    """Where trains and lone releases start; all in one Airflow."""

    airflow: TinyAirflow = field(default_factory=TinyAirflow)
    services: tuple[Service, ...] = ()

    def train_of(self, **more: Any) -> Train:
        names = [each.service for each in self.services]
        made = {"train": "evening", "owner": "team-tests", "services": names, "regions": REGIONS} | more
        found = TrainSpec.model_validate(made)
        return Train(found, self.services, found.regions or merged(map(regions_of, self.services)))

    def train(self, run_id: str = "CHG-1", more: dict[str, Any] | None = None, **conf: Any) -> DagRun:
        dag = render_train(compile_train(self.train_of(**(more or {}))), trains=TRAINS)
        return self.airflow.run(dag, run_id, **self._builds(), **conf)

    def back(self, run_id: str = "back-1", **conf: Any) -> DagRun:
        dag = render_train_rollback(compile_train_rollback(self.train_of()), trains=TRAINS)
        return self.airflow.run(dag, run_id, **({"reason": "orders are lost"} | conf))

    def lone(self, name: str, run_id: str = "CHG-2", **conf: Any) -> DagRun:
        found = next(each for each in self.services if each.service == name)
        return self.airflow.run(render(compile_plan(found), trains=TRAINS), run_id, **({"build": NEW} | conf))

    def lone_back(self, name: str, run_id: str = "back-2") -> DagRun:
        found = next(each for each in self.services if each.service == name)
        return self.airflow.run(
            render_rollback(compile_rollback(found), trains=TRAINS), run_id, reason="late"
        )

    def _builds(self) -> dict[str, str]:
        return {f"build_{each.service}": NEW for each in self.services}


@pytest.fixture
def yard(connections: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Yard:
    monkeypatch.setenv("AIRFLOW__AIRLOCK__PATIENCE", "1")
    monkeypatch.setattr("include.airlock.release.step._PATIENCE_AFTER_S", 1.0)
    monkeypatch.setenv("AIRFLOW__AIRLOCK__RECORDS", str(tmp_path / "records"))
    return Yard(services=(service("payments", NORTH, WEST), service("catalog", EAST, WEST)))
