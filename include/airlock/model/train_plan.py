"""What a train would do: the plans of its services laced together, region by region. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from include.airlock.model.plan_report import PlannedCall, PlanReport
from include.airlock.model.plan_words import in_time
from include.airlock.model.train import Train, region_of

_REFRESH = "refresh"
"""The step that comes after all regions of all services."""


def train_plan(train: Train, plans: Mapping[str, PlanReport]) -> dict[str, Any]:
    """The plan of a train for machines: each call in order, of which service; seconds in all.

    ``plans`` are those that the preflights made, by service. In one region the services follow one another
    here; as many go at once there as the train allows, which ``expected_s`` counts with.
    """
    calls = [
        call.model_dump(mode="json", by_alias=True) | {"n": number, "service": name}
        for number, (name, call) in enumerate(_calls(train, plans), start=1)
    ]
    return {
        "train": train.name,
        "plans": {name: plan.hash for name, plan in plans.items()},
        "calls": calls,
        "expected_s": round(_expected_s(train, plans), 1),
        "warnings": [f"{name}: {text}" for name, plan in plans.items() for text in plan.warnings],
    }


def _calls(train: Train, plans: Mapping[str, PlanReport]) -> Iterator[tuple[str, PlannedCall]]:
    for region in train.regions:
        for name, plan in plans.items():
            own = (call for call in plan.calls if call.step != _REFRESH)
            yield from ((name, call) for call in own if region_of(call.place) == region)
    for name, plan in plans.items():
        yield from ((name, call) for call in plan.calls if call.step == _REFRESH)


def _expected_s(train: Train, plans: Mapping[str, PlanReport]) -> float:
    """Region after region, each as long as its services take in as many lanes as go at once."""
    whole = 0.0
    for region in train.regions:
        lanes = [0.0] * train.at_once
        for plan in plans.values():
            lanes[lanes.index(min(lanes))] += _seconds(plan, region)
        whole += max(lanes)
    refreshes = (s.expected_s for plan in plans.values() for s in plan.stages if s.step == _REFRESH)
    return whole + max(refreshes, default=0.0)


def _seconds(plan: PlanReport, region: str) -> float:
    lane = (stage for stage in plan.stages if stage.step != _REFRESH)
    return sum(stage.expected_s for stage in lane if region_of(stage.place) == region)


def in_words(plan: Mapping[str, Any]) -> str:
    """The plan of a train for people: one line for each call."""
    hashes = ", ".join(f"{name} {digits}" for name, digits in plan["plans"].items())
    lines = [f"plan of the train {plan['train']}, about {in_time(plan['expected_s'])} ({hashes})"]
    for call in plan["calls"]:
        place, step, what = call["place"], call["step"], f"{call['call']}  {call['target']}"
        lines.append(f"  {call['n']:>2}  {place}  {call['service']}  {step}  {what}")
    return "\n".join([*lines, *(f"warning: {text}" for text in plan["warnings"])])
