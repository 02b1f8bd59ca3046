"""Telling never breaks doing: a Slack that fails delays no release, and nobody is told twice."""

from __future__ import annotations

from datetime import datetime

import pytest

from include.local.api import AirflowApi
from include.local.stack import LocalStack
from tests.end_to_end.killing import Kill, carry_out
from tests.end_to_end.release import Release
from tests.end_to_end.world import NEW, OLD, SILENCED, WEST
from tests.sandbox_client import SandboxClient

SLACK = {"service": "slack"}
TELL_AGAIN = "airlock_tell_again"


def test_a_killed_teller_does_not_post_twice(
    stack: LocalStack, api: AirflowApi, sandbox: SandboxClient
) -> None:
    # Given a Slack that posts at once and answers late, and a process killed while it waits
    posts = {"service": "slack", "operation": "chat.postMessage"}
    sandbox.fault("slack_slow", where=posts, times=1, delay=20.0)
    release = Release.start(api, sandbox, "told_killed")
    carry_out(stack, [Kill(release, "tell.start", release.messages)])
    # Then the release is told of as if nothing had happened
    assert release.ended() == "success", release.sentence()
    assert release.tries_of("tell.start") == 2
    headline, *replies = release.messages()
    assert NEW in headline["text"] and "is released" in headline["text"]
    assert replies == release.replies()
    assert [reply["reply_broadcast"] for reply in replies].count(True) == 1
    told = [reply["text"] for reply in replies]
    assert len(set(told)) == len(told)


@pytest.fixture(scope="module")
def silenced(api: AirflowApi, sandbox: SandboxClient) -> dict[str, Release]:
    """Release one service after the other while Slack fails in one way after the other; then mend Slack."""
    releases = {}
    for fault, params in SILENCED.items():
        number = sandbox.fault(fault, where=SLACK, **params)["id"]
        releases[fault] = Release.start(api, sandbox, fault)
        releases[fault].ended()
        sandbox.clear_faults(number)
    return releases


@pytest.mark.parametrize("fault", SILENCED)
def test_a_slack_that_fails_delays_no_release(silenced: dict[str, Release], fault: str) -> None:
    # Given a Slack that fails from the start to the end / When a release runs
    release = silenced[fault]
    # Then it succeeds, and the log says what was not told
    assert release.ended() == "success", release.sentence()
    assert (release.builds(), release.switches()) == ((NEW, OLD), [WEST])
    assert "Not told to" in release.log("tell.start")
    # And the verdict did not wait until the telling had given up
    tasks = release.api.task_instances(release.dag, release.run_id)
    verdict, last_tell = tasks["verdict"].end, tasks["tell.end"].end
    assert verdict is not None and last_tell is not None
    assert datetime.fromisoformat(verdict) < datetime.fromisoformat(last_tell)


@pytest.mark.parametrize("fault", SILENCED)
def test_what_was_not_told_is_told_later(silenced: dict[str, Release], api: AirflowApi, fault: str) -> None:
    # Given a release that ended while Slack failed / When Slack is well again
    release = silenced[fault]
    asked = {"service": fault, "release": release.run_id}
    again = [run for run in api.runs(TELL_AGAIN) if run["conf"] == asked]
    assert len(again) == 1
    # Then a DAG of its own tells the rest, once
    assert api.await_run(TELL_AGAIN, again[0]["dag_run_id"], timeout_s=240) == "success"
    headline, *replies = release.messages()
    assert "is released" in headline["text"]
    assert replies == release.replies()
    assert [reply["reply_broadcast"] for reply in replies].count(True) == 1
