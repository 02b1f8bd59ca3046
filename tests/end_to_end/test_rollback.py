"""A release that ended is undone in one act, on the real Airflow, by what people and machines see of it."""

from __future__ import annotations

import pytest

from include.local.api import AirflowApi
from include.local.stack import LocalStack
from tests.end_to_end.back import WHY, Back
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.killing import Kill, carry_out
from tests.end_to_end.release import LIMIT_S, Json, Release
from tests.end_to_end.world import NEW, NORTH, OLD, WEST
from tests.sandbox_client import SandboxClient

SERVICE = "regretted"
OVERRIDE = "the auditors agreed"
LONG = 60.0
"""Seconds that a request is held: longer than anybody needs to find the process."""


def unlock(api: AirflowApi, reason: str) -> tuple[str, str]:
    """Unlock the service as a person would: how that ended, and its log."""
    api.await_dag("airlock_unlock", timeout_s=LIMIT_S)
    run = api.trigger_run("airlock_unlock", {"service": SERVICE, "reason": reason})
    return api.await_run("airlock_unlock", run, timeout_s=LIMIT_S), api.logs(
        "airlock_unlock", run, "unlock", 1
    )


@pytest.fixture(scope="module")
def release(api: AirflowApi, sandbox: SandboxClient) -> Release:
    """A release of two regions that was accepted during a freeze, its staging slots refreshed."""
    release = Release.start(api, sandbox, SERVICE, run_id="CHG-77", window_override=OVERRIDE)
    assert release.ended() == "success", release.sentence()
    assert [release.builds(region) for region in (WEST, NORTH)] == [(NEW, NEW)] * 2
    return release


@pytest.fixture(scope="module")
def back(release: Release, stack: LocalStack, api: AirflowApi, sandbox: SandboxClient) -> Back:
    """It is undone, and a worker killed while the last region's slots are swapped again."""
    where = {"service": SERVICE, "region": NORTH, "operation": "swap"}
    sandbox.fault("slow_answer", where=where, times=1, delay=LONG)
    back = Back.press(release, "back-1")
    wait_for("the swap back", lambda: len(swaps(release, NORTH)) == 2, timeout_s=120)
    # The lock stays while it is at work.
    state, said = unlock(api, "I can't wait")
    assert state == "failed" and "the run back-1 of rollback_regretted, which is at work" in said
    carry_out(stack, (Kill(back, f"{NORTH}.roll_back", lambda: True),))
    return back


def swaps(release: Release, region: str) -> list[Json]:
    return [e for e in release.entries() if e.get("event") == "swap_started" and e["region"] == region]


def told(release: Release, dag: str, run_id: str) -> list[str]:
    """What Slack got of a run."""
    seen = Release(release.api, release.sandbox, SERVICE, run_id, 0)
    messages = seen._channel()
    mine = [m for m in messages if (m["metadata"] or {}).get("event_payload", {}).get("release") == run_id]
    return [m["text"] for m in mine if m["metadata"]["event_payload"]["dag"] == dag]


def test_a_dry_look_says_how_and_touches_nothing(release: Release, api: AirflowApi) -> None:
    before = release.changes()
    look = Back.press(release, "look-1", dry=True)
    assert look.ended() == "success"
    said = str(api.xcom(look.dag, "look-1", "look"))
    assert f"{NORTH}: by a deploy: staging answers {NEW} and not {OLD}" in said
    assert said.index(NORTH) < said.index(WEST)
    assert release.changes() == before
    assert told(release, look.dag, "look-1") == []


def test_a_release_is_undone_in_one_act(release: Release, back: Back) -> None:
    # Given a freeze, refreshed staging slots, and a worker that was killed on the way / When it ends
    assert back.ended() == "success", back.sentence()
    # Then both regions serve the old build, the last one first, each swapped back once
    assert back.tries_of(f"{NORTH}.roll_back") == 2
    assert [release.builds(region) for region in (WEST, NORTH)] == [(OLD, NEW)] * 2
    assert release.switches() == [WEST, NORTH, NORTH, WEST]
    assert len(release.asked()) == 4
    assert f"{NEW} is rolled back" in back.sentence() and WHY in back.sentence()
    assert back.verdict()["outcome"] == "rolled_back"
    # And the release's own message tells it
    headline, *_ = release.messages()
    assert "is rolled back" in headline["text"] and f"why back: {WHY}" in headline["text"]
    assert any("rolls it back" in reply["text"] for reply in release.replies())


def test_what_is_refused_is_told(release: Release, back: Back) -> None:
    # Given a service that is locked by its rollback / When it is released or rolled back again
    assert back.ended() == "success"
    other = Release.start(release.api, release.sandbox, SERVICE, run_id="CHG-78", window_override=OVERRIDE)
    again = Back.press(release, "back-2")
    # Then both are refused, with the reason, and the rollback's refusal is told in one message
    assert (other.ended(), again.ended()) == ("failed", "failed")
    assert WHY in other.sentence()
    (said,) = told(release, again.dag, "back-2")
    assert f"{SERVICE} is not rolled back" in said and "CHG-77 is rolled back already" in said


def test_after_an_unlock_it_is_released_again_and_not_undone_meanwhile(
    release: Release, back: Back, api: AirflowApi, sandbox: SandboxClient
) -> None:
    # Given a lock that a person takes away, and a release that runs
    assert back.ended() == "success"
    assert unlock(api, "refunds are paid once")[0] == "success"
    where = {"service": SERVICE, "region": WEST, "operation": "swap"}
    sandbox.fault("slow_answer", where=where, times=1, delay=6.0)
    anew = Release.start(api, sandbox, SERVICE, run_id="CHG-79", window_override=OVERRIDE)
    wait_for("its swap", lambda: swaps(anew, WEST), timeout_s=120)
    # When the button is pressed / Then it is refused, and told, and the release goes its way
    early = Back.press(release, "back-3")
    assert early.ended() == "failed"
    assert "CHG-79 is running" in str(told(release, early.dag, "back-3"))
    assert anew.ended() == "success", anew.sentence()
    assert [anew.builds(region)[0] for region in (WEST, NORTH)] == [NEW, NEW]
    # A params' fault that the form lets pass is told as well, and is no release
    nonsense = Release.start(api, sandbox, SERVICE, run_id="CHG-80", regoin=[WEST])
    assert nonsense.ended() == "failed"
    (said,) = told(release, nonsense.dag, "CHG-80")
    assert "unknown key 'regoin'" in said
