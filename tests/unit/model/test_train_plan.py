"""What a train would do: calls in the order of the train, seconds with services at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from include.airlock.model.plan_report import PlannedCall, PlanReport, Stage
from include.airlock.model.train import Train
from include.airlock.model.train_loading import load_train
from include.airlock.model.train_plan import in_words, train_plan

TRAIN = load_train(Path(__file__).resolve().parents[3] / "dags/trains/evening.yaml")


def plan(name: str, seconds: dict[str, float], warnings: list[str] | None = None) -> PlanReport:
    """A service's plan: a swap in each region, then one refresh of 7 s."""
    steps = [*((region, "swap", took) for region, took in seconds.items()), ("westeurope", "refresh", 7.0)]
    return PlanReport(
        hash=f"{len(name):016x}",
        service=name,
        build="2026.11.2",
        spec={},
        request={},
        places=[],
        calls=[PlannedCall(place=p, step=s, call="POST", target=name, expected_s=t) for p, s, t in steps],
        stages=[Stage(place=p, step=s, expected_s=t) for p, s, t in steps],
        expected_s=0,
        way_back=[],
        warnings=warnings or [],
        made_at="",
        made_by="",
    )


PLANS = {
    "payments": plan("payments", {"westeurope": 60, "northeurope": 30, "uksouth": 10}),
    "catalog": plan("catalog", {"westeurope": 100, "eastus": 40}, ["its window closes at 22:00"]),
}


def test_calls_go_region_by_region_and_refreshes_come_last() -> None:
    found = [(call["n"], call["place"], call["service"]) for call in train_plan(TRAIN, PLANS)["calls"]]
    assert found == [
        (1, "westeurope", "payments"),
        (2, "westeurope", "catalog"),
        (3, "northeurope", "payments"),
        (4, "eastus", "catalog"),
        (5, "uksouth", "payments"),
        (6, "westeurope", "payments"),
        (7, "westeurope", "catalog"),
    ]


@pytest.mark.parametrize(("parallel", "seconds"), [(True, 187), (2, 187), (1, 247), (False, 247)])
def test_the_seconds_are_those_of_services_at_once(parallel: bool | int, seconds: float) -> None:
    """Given 60 s and 100 s in one region, then at once they are 100 s; refreshes are at once always."""
    train = Train(TRAIN.spec.model_copy(update={"parallel": parallel}), TRAIN.services, TRAIN.regions)
    assert train_plan(train, PLANS)["expected_s"] == seconds


def test_a_service_that_takes_no_part_is_left_out() -> None:
    found = train_plan(replace(TRAIN), {"catalog": PLANS["catalog"]})
    assert found["plans"] == {"catalog": PLANS["catalog"].hash}
    assert {call["service"] for call in found["calls"]} == {"catalog"}


def test_people_read_hashes_calls_and_whose_warning_it_is() -> None:
    text = in_words(train_plan(TRAIN, PLANS))
    assert text.startswith("plan of the train evening, about 3 min (payments ")
    assert "   2  westeurope  catalog  swap  POST  catalog" in text
    assert text.endswith("warning: catalog: its window closes at 22:00")
