"""A plan, a release bound to it, and one that drift stops, on the real Airflow."""

from __future__ import annotations

from typing import Any

from include.local.api import AirflowApi
from tests.end_to_end.release import Release
from tests.end_to_end.world import LATER, NEW, NORTH, OLD, WEST
from tests.sandbox_client import SandboxClient

Json = dict[str, Any]


def xcom(release: Release, task: str, key: str) -> Json:
    """What a step left for machines."""
    found: Json = release.api.xcom(release.dag, release.run_id, task, key)
    return found


def test_planned_then_bound(api: AirflowApi, sandbox: SandboxClient) -> None:
    # Given plans of two services / Then nothing was touched or told, and all but the verdict was skipped
    plans = [
        Release.start(api, sandbox, service, run_id=f"PLAN-{service}", plan_only=True)
        for service in ("foreseen", "drifted")
    ]
    found = {}
    for plan in plans:
        assert plan.ended() == "success", plan.sentence()
        plan.assert_untouched()
        assert plan.messages() == []
        verdict, told = xcom(plan, "verdict", "verdict"), xcom(plan, "preflight", "plan")
        assert verdict["outcome"] == "planned" and told["hash"] in verdict["sentence"]
        done = [task for task, state in plan.states().items() if state == "success"]
        assert sorted(done) == ["preflight", "tell.start", "verdict"]
        assert "1  westeurope   swap    2 min (default)  POST slotsswap" in plan.log("preflight")
        found[plan.service] = told
    # And one step that a person clears does nothing either
    plans[0].clear(f"{WEST}.swap")
    assert plans[0].ended() == "success"
    plans[0].assert_untouched()

    # When a staging slot of one of them gets another build, and releases bound to the plans start
    sandbox.stage("drifted", NORTH, LATER)
    bound, drifted = (
        Release.start(api, sandbox, name, run_id=f"CHG-{name}", plan=found[name]["hash"]) for name in found
    )
    # Then the one does what was planned
    assert bound.ended() == "success", bound.sentence()
    assert bound.builds(WEST) == bound.builds(NORTH) == (NEW, OLD)
    swaps = [call["place"] for call in found["foreseen"]["calls"] if call["call"] == "POST slotsswap"]
    assert [entry["region"] for entry in bound.asked()] == swaps == [WEST, NORTH]
    # And the other is refused before anything is touched, and says what changed
    assert drifted.ended() == "failed"
    drifted.assert_untouched()
    assert f"{NORTH}: staging held {NEW}, now holds {LATER}" in drifted.sentence()
    assert xcom(drifted, "verdict", "verdict")["outcome"] == "refused"

    # When a plan is made again / Then it knows how long a swap took
    again = Release.start(api, sandbox, "foreseen", build=OLD, plan_only=True)
    assert again.ended() == "success", again.sentence()
    call = xcom(again, "preflight", "plan")["calls"][0]
    assert call["from"] == "last release" and 0 < call["expected_s"] < 60
