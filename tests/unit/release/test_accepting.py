"""When a region that failed may be accepted: by what the record has of its change."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.model.machines import MachinePhase, MachineRecord, Shift, Suspension
from include.airlock.model.record import RegionRecord, Side, SwapIntent, SwapPhase
from include.airlock.release.accepting import half_done


def swap(phase: SwapPhase) -> dict[str, Any]:
    side = Side()
    return {
        "swap": SwapIntent(
            phase=phase, direction="forward", production=side, staging=side, expected="2", since=0
        )
    }


def shift(weights: dict[str, int] | None, stage: int = 0) -> dict[str, Any]:
    return {
        "shift": Shift(
            listener="l", live="blue", idle="green", before={"blue": 100}, weights=weights, stage=stage
        )
    }


def farm(*phases: MachinePhase) -> dict[str, Any]:
    return {
        "machines": [MachineRecord(id=f"i-{n}", phase=phase, begun=True) for n, phase in enumerate(phases)]
    }


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({}, "nothing was changed here"),
        (swap(SwapPhase.DONE), None),
        (swap(SwapPhase.POSTED), "the swap is not proved to have ended"),
        (swap(SwapPhase.INTENT), "the swap is not proved to have ended"),
        (farm(MachinePhase.DONE, MachinePhase.DONE), None),
        (farm(MachinePhase.DONE, MachinePhase.WAITING), "i-1 is waiting"),
        (farm(MachinePhase.FAILED, MachinePhase.WAITING), "i-0 is failed"),
        (farm(MachinePhase.RETURNING), "i-0 is returning"),
        (
            farm(MachinePhase.DONE)
            | {"suspensions": [Suspension(group="web", before=[], suspended=["AZRebalance"])]},
            "Auto Scaling group web is still suspended",
        ),
        (shift({"blue": 0, "green": 100}), None),
        (shift({"blue": 90, "green": 10}), "not all requests go to the new group"),
        (shift({"blue": 0, "green": 100}, stage=-1), "not all requests go to the new group"),
        (shift(None), "not all requests go to the new group"),
    ],
)
def test_what_is_half_done(held: dict[str, Any], expected: str | None) -> None:
    assert half_done(RegionRecord(name="westeurope", **held)) == expected
