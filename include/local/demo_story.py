"""What the demo plays: a good release, one that turns bad half-way, one refused, and one on machines."""

from __future__ import annotations

from typing import Any

from include.local.demo_roll import RollScene
from include.local.demo_roll_judge import ExpectedRoll
from include.local.demo_scene import Act
from include.local.demo_swap import SwapScene
from include.local.demo_swap_judge import Expected

SERVICE = "payments"
FIRST, SECOND, THIRD = REGIONS = ("westeurope", "northeurope", "uksouth")
OLD, GOOD, BAD = "2026.11.1", "2026.11.2", "2026.11.3"
MACHINES, FARM = "checkout", "eu-west-1.production"


def _swaps(**expected: Any) -> SwapScene:
    return SwapScene(SERVICE, REGIONS, Expected(**expected))


_AFTER_B = {
    "production": {FIRST: BAD, SECOND: GOOD, THIRD: GOOD},
    "staging": {FIRST: GOOD, SECOND: BAD, THIRD: BAD},
}
RELEASE_A = Act(
    "A",
    f"Release A: {GOOD} goes through three regions (change request CHG-1001)",
    _swaps(
        run_state="success",
        production=dict.fromkeys(REGIONS, GOOD),
        staging=dict.fromkeys(REGIONS, BAD),
        swaps=dict.fromkeys(REGIONS, 1),
        no_failed_request=True,
    ),
    {"build": GOOD, "change_request": "CHG-1001", "refresh_build": BAD, "reason": "demo: a good build"},
)
# Healthy in every staging slot; under northeurope's production settings it can't reach its ledger.
RELEASE_B = Act(
    "B",
    f"Release B: {BAD} loses its ledger in {SECOND} (change request CHG-1002)",
    _swaps(
        run_state="failed",
        **_AFTER_B,
        swaps={FIRST: 1, SECOND: 2, THIRD: 0},
        no_failed_request=False,
    ),
    {
        "build": BAD,
        "change_request": "CHG-1002",
        "on_failure": "roll_back_region",
        "reason": "demo: a build that only production's settings break",
    },
)
# The lock is proved by trying the door: what would have gone well in uksouth is refused.
RELEASE_C = Act(
    "C",
    f"Release C: {BAD} to {THIRD} alone is refused, because rolling back has locked {SERVICE}",
    _swaps(run_state="failed", **_AFTER_B, swaps=dict.fromkeys(REGIONS, 0), no_failed_request=True),
    {"build": BAD, "change_request": "CHG-1003", "regions": [THIRD], "reason": "demo: is it locked?"},
)
# An ALB's target group and a classic load balancer hold the same two machines, so each leaves both.
RELEASE_D = Act(
    "D",
    f"Release D: {GOOD} goes to two machines behind two load balancers, one after the other (CHG-1004)",
    RollScene(
        MACHINES,
        ExpectedRoll(
            run_state="success",
            place=FARM,
            build=GOOD,
            hosts={
                f"checkout-production-{kind}": f"{MACHINES}/eu-west-1/production/checkout-production-{kind}"
                for kind in ("alb", "classic")
            },
        ),
    ),
    {"build": GOOD, "change_request": "CHG-1004", "regions": [FARM], "reason": "demo: machine by machine"},
)
ACTS = (RELEASE_A, RELEASE_B, RELEASE_C, RELEASE_D)


def sandbox_settings() -> dict[str, Any]:
    """Return the sandbox's settings: a farm whose own times are short, so that nobody waits for minutes.

    They are settings that AWS allows: 10 s of deregistration delay instead of 300 s, two health checks
    5 s apart.
    """
    farm = {
        "deregistration_delay": 10,
        "draining_timeout": 10,
        "health_check": {"interval": 5, "timeout": 2, "healthy": 2, "unhealthy": 2},
    }
    return {
        "aws": {
            "timings": {"registration": 1.0, "deploy": 3.0, "warm_up": 2.0},
            "services": {MACHINES: {"regions": {"eu-west-1": {"farms": {"production": farm}}}}},
        }
    }
