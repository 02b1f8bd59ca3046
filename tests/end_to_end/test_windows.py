"""Windows, freezes and starts by the calendar on the real Airflow: its scheduler, its API, its triggerer.

Two services wait for a window that really opens, at a full minute to come; all others run meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.local.api import AirflowApi, ApiError
from include.local.home import PROJECT_ROOT
from include.local.stack import LocalStack
from tests.end_to_end import windows_world as world
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.release import LIMIT_S, Release
from tests.end_to_end.world import LATER, NEW, NORTH, OLD, WEST
from tests.sandbox_client import SandboxClient

AHEAD_S = 12.0
"""How long before the opening everything has to be asked for."""

YOUNG_S = 40.0
"""Up to this age an opening is young: a timetable that never ran counts one of the last minute."""

WHY = "the certificate ends at noon"


def now() -> datetime:
    return datetime.now(UTC)


def full_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


@dataclass(frozen=True)
class Stage:
    """All that was started at once, and when the door opens that two of them wait for."""

    opening: datetime
    calendar_opening: datetime
    releases: dict[str, Release]

    def __getitem__(self, service: str) -> Release:
        return self.releases[service]


@pytest.fixture(scope="module")
def stage(stack: LocalStack, api: AirflowApi, sandbox: SandboxClient) -> Stage:
    """Write the windows, ask for the releases."""
    for service in world.specs():
        api.await_dag(f"release_{service}", timeout_s=LIMIT_S)
    sandbox.stage(world.SPLIT, NORTH, LATER)
    opening = full_minute(now() + timedelta(seconds=60 + AHEAD_S))
    for service in (world.QUEUED, world.WAITING):
        world.change(stack.dags, service, windows=[world.window(opening)])
    waiting = Release.start(api, sandbox, world.WAITING, run_id="CHG-2")
    queued = _queue(stack, api, sandbox, opening)
    urgent = Release.start(api, sandbox, world.URGENT, window_override=WHY)
    stopped = Release.start(api, sandbox, world.STOPPED)
    calendar_opening, agreed = _by_calendar(stack, api, sandbox, world.AGREED)
    _, split = _by_calendar(stack, api, sandbox, world.SPLIT)
    releases = {each.service: each for each in (waiting, queued, urgent, stopped, agreed, split)}
    return Stage(opening, calendar_opening, releases)


def _queue(stack: LocalStack, api: AirflowApi, sandbox: SandboxClient, opening: datetime) -> Release:
    """Ask the command line when the window opens, and queue a release for then."""
    done = subprocess.run(
        [sys.executable, "-m", "include.airlock.cli", "window", world.QUEUED, "--json"],
        env=os.environ | {"AIRLOCK_DAGS_FOLDER": str(stack.dags), "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    (place,) = json.loads(done.stdout)["places"]
    assert (place["open"], datetime.fromisoformat(place["opens"])) == (False, opening)
    known = api.trigger_run(
        f"release_{world.QUEUED}", {"build": NEW}, run_id="CHG-1", run_after=place["opens"]
    )
    return Release(api, sandbox, world.QUEUED, known, 0)


def _by_calendar(
    stack: LocalStack, api: AirflowApi, sandbox: SandboxClient, service: str
) -> tuple[datetime, Release]:
    """Let a service's door open this very minute; Airflow's scheduler makes the run."""
    dag = f"release_{service}"
    assert api.runs(dag) == []
    for _ in range(3):  # a busy machine may read the file when the opening is too old to count
        if now().second > YOUNG_S:
            time.sleep(60 - now().second)  # the next minute's opening; the others are at work meanwhile
        opening = full_minute(now())
        world.change(stack.dags, service, windows=[world.window(opening)])
        world.parse(api, dag)
        while not (runs := api.runs(dag)) and now() < opening + timedelta(seconds=75):
            time.sleep(0.2)
        if runs:
            (run,) = runs
            assert run["run_type"] == "scheduled"
            assert datetime.fromisoformat(run["run_after"]) == opening
            return opening, Release(api, sandbox, service, run["dag_run_id"], 0)
    pytest.fail(f"the scheduler made no run of {dag}")


def next_run(api: AirflowApi, service: str) -> datetime:
    """When the UI and the API say that the calendar starts it next."""
    return datetime.fromisoformat(api.request("GET", f"dags/release_{service}")["next_dagrun_run_after"])


def test_what_the_calendar_starts_is_shown(api: AirflowApi, stage: Stage) -> None:
    """Given a spec whose window was changed, then its words and its next run are those of the new one."""
    shown: dict[str, Any] = api.request("GET", f"dags/release_{world.AGREED}")
    window = world.window(stage.calendar_opening)
    words = f"{window['days'][0]} {window['opens']}–{window['closes']} UTC"
    assert shown["timetable_summary"] == words
    assert shown["timetable_description"] == words
    assert shown["is_backfillable"] is False
    stage[world.AGREED].ended()
    following = stage.calendar_opening + timedelta(days=7)
    wait_for("the next run", lambda: next_run(api, world.AGREED) == following, timeout_s=10)
    # And one without `scheduled` starts nothing, whatever its windows.
    assert api.request("GET", f"dags/release_{world.STOPPED}")["next_dagrun_run_after"] is None


def test_a_release_waits_for_its_window_without_a_worker(api: AirflowApi, stage: Stage) -> None:
    release = stage[world.WAITING]
    if now() < stage.opening:
        wait_for("the deferral", lambda: release.state_of(f"{WEST}.check") == "deferred", timeout_s=30)
        assert release.switches() == []
        said = f"waits for its window until {stage.opening:%Y-%m-%d %H:%M} UTC"
        wait_for("Slack's message", lambda: any(said in each["text"] for each in release.messages()))
    assert release.ended() == "success", release.sentence()
    begun = [entry["at"] for entry in release.entries() if entry.get("event") == "swap_started"]
    assert len(begun) == 2
    assert min(begun) >= stage.opening.timestamp()


def test_a_queued_release_starts_when_its_window_opens(api: AirflowApi, stage: Stage) -> None:
    """Given a change that was queued for the opening, then it starts then; asked again, nothing starts."""
    release = stage[world.QUEUED]
    if now() < stage.opening:
        assert api.run_state(release.dag, release.run_id) == "queued"
    with pytest.raises(ApiError) as refused:
        api.trigger_run(release.dag, {"build": NEW}, run_id=release.run_id)
    assert refused.value.status == 409
    assert release.ended() == "success", release.sentence()
    started = datetime.fromisoformat(api.run(release.dag, release.run_id)["start_date"])
    assert started >= stage.opening
    with pytest.raises(ApiError) as refused:
        api.trigger_run(release.dag, {"build": NEW}, run_id=release.run_id)
    assert refused.value.status == 409
    assert release.switches() == [WEST]
    assert len(api.runs(release.dag)) == 1


def test_the_calendar_releases_what_all_staging_slots_hold(stage: Stage) -> None:
    release = stage[world.AGREED]
    assert release.ended() == "success", release.sentence()
    assert release.switches() == [WEST, NORTH]
    assert [release.builds(region) for region in (WEST, NORTH)] == [(NEW, OLD)] * 2
    assert any(f"all staging slots hold {NEW}" in each["text"] for each in release.messages())


def test_slots_that_disagree_are_refused_by_name(stage: Stage) -> None:
    release = stage[world.SPLIT]
    assert release.ended() == "failed"
    release.assert_untouched()
    for part in (f"{WEST}", NEW, f"{NORTH}", LATER):
        assert part in release.sentence()
    assert any("was refused" in each["text"] for each in release.messages())


def test_an_override_opens_window_and_freeze_and_is_told(stage: Stage) -> None:
    release = stage[world.URGENT]
    assert release.ended() == "success", release.sentence()
    assert release.builds() == (NEW, OLD)
    told = "\n".join(each["text"] for each in release.messages())
    assert "the audit" in told and f"overridden: {WHY}" in told


def test_it_ends_between_regions_and_comes_back_in_a_freeze(
    stack: LocalStack, api: AirflowApi, stage: Stage
) -> None:
    # Given a second region whose window is shut / Then the release ends before it, and nothing is taken back
    release = stage[world.STOPPED]
    assert release.ended() == "failed"
    assert f"stopped between regions, before {NORTH}" in release.sentence()
    assert [release.builds(region) for region in (WEST, NORTH)] == [(NEW, OLD), (OLD, NEW)]
    # When a freeze comes over everything / Then nothing more is released
    world.change(stack.dags, world.STOPPED, freezes=[world.frozen("the shops' busiest days")])
    release.clear(f"{NORTH}.check")
    assert release.ended() == "failed"
    assert "frozen: the shops' busiest days" in release.sentence()
    assert release.switches() == [WEST]
    # But the way back is open
    dag = f"rollback_{world.STOPPED}"
    api.await_dag(dag, timeout_s=LIMIT_S)
    run = api.trigger_run(dag, {"reason": "refunds are paid twice"})
    assert api.await_run(dag, run, timeout_s=LIMIT_S) == "success", api.logs(dag, run, "verdict", 1)
    assert [release.builds(region) for region in (WEST, NORTH)] == [(OLD, NEW)] * 2
