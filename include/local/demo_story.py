"""What the demo plays: a good release, one that turns bad in its second region, one refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.local.demo_judge import Expected

SERVICE = "payments"
FIRST, SECOND, THIRD = REGIONS = ("westeurope", "northeurope", "uksouth")
OLD, GOOD, BAD = "2026.11.1", "2026.11.2", "2026.11.3"


@dataclass(frozen=True)
class Act:
    """One release of the demo: what is asked for, and how it has to end."""

    name: str
    title: str
    conf: Mapping[str, Any]
    expected: Expected


RELEASE_A = Act(
    "A",
    f"Release A: {GOOD} goes through three regions (change request CHG-1001)",
    {"build": GOOD, "change_request": "CHG-1001", "refresh_build": BAD, "reason": "demo: a good build"},
    Expected(
        run_state="success",
        production=dict.fromkeys(REGIONS, GOOD),
        staging=dict.fromkeys(REGIONS, BAD),
        swaps=dict.fromkeys(REGIONS, 1),
        no_failed_request=True,
    ),
)
# Healthy in every staging slot; under northeurope's production settings it can't reach its ledger.
RELEASE_B = Act(
    "B",
    f"Release B: {BAD} loses its ledger in {SECOND} (change request CHG-1002)",
    {
        "build": BAD,
        "change_request": "CHG-1002",
        "on_failure": "roll_back_region",
        "reason": "demo: a build that only production's settings break",
    },
    Expected(
        run_state="failed",
        production={FIRST: BAD, SECOND: GOOD, THIRD: GOOD},
        staging={FIRST: GOOD, SECOND: BAD, THIRD: BAD},
        swaps={FIRST: 1, SECOND: 2, THIRD: 0},
        no_failed_request=False,
    ),
)
# The lock is proved by trying the door: what would have gone well in uksouth is refused.
RELEASE_C = Act(
    "C",
    f"Release C: {BAD} to {THIRD} alone is refused, because rolling back has locked {SERVICE}",
    {"build": BAD, "change_request": "CHG-1003", "regions": [THIRD], "reason": "demo: is it locked?"},
    Expected(
        run_state="failed",
        production=RELEASE_B.expected.production,
        staging=RELEASE_B.expected.staging,
        swaps=dict.fromkeys(REGIONS, 0),
        no_failed_request=True,
    ),
)
