"""A release that ended is undone in one act, on the real Airflow, by what people and machines see of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from include.local.api import AirflowApi
from tests.end_to_end.release import LIMIT_S, Release
from tests.end_to_end.world import NEW, NORTH, OLD, WEST
from tests.sandbox_client import SandboxClient

DAG, WHY = "rollback_regretted", "refunds are paid twice"


@dataclass(frozen=True)
class Undoing:
    """Presses the button."""

    api: AirflowApi

    def press(self, run_id: str, **conf: object) -> str:
        """Return how the run ended."""
        self.api.await_dag(DAG, timeout_s=LIMIT_S)
        self.api.trigger_run(DAG, {"reason": WHY} | conf, run_id=run_id)
        return self.api.await_run(DAG, run_id, timeout_s=LIMIT_S)


@pytest.fixture(scope="module")
def release(api: AirflowApi, sandbox: SandboxClient) -> Release:
    """A release of two regions that was accepted, its staging slots refreshed."""
    release = Release.start(api, sandbox, "regretted", run_id="CHG-77")
    assert release.ended() == "success", release.sentence()
    assert [release.builds(region) for region in (WEST, NORTH)] == [(NEW, NEW)] * 2
    return release


def test_a_release_is_undone_in_one_act(release: Release, api: AirflowApi, sandbox: SandboxClient) -> None:
    button = Undoing(api)
    # Given a dry look / Then it says for each region what would be done, and nothing is changed
    before = release.changes()
    assert button.press("look-1", dry=True) == "success"
    said = str(api.xcom(DAG, "look-1", "look"))
    assert f"{NORTH}: by a deploy: staging answers {NEW} and not {OLD}" in said
    assert said.index(NORTH) < said.index(WEST)
    assert release.changes() == before
    # When it is pressed in earnest
    assert button.press("back-1") == "success", api.logs(DAG, "back-1", "verdict", 1)
    # Then both regions serve the old build, the last one first
    assert [release.builds(region) for region in (WEST, NORTH)] == [(OLD, NEW)] * 2
    assert release.switches() == [WEST, NORTH, NORTH, WEST]
    verdict = str(api.xcom(DAG, "back-1", "verdict"))
    assert f"{NEW} is rolled back" in verdict and WHY in verdict and "regretted is locked" in verdict
    # And the release's own message tells it
    headline, *_ = release.messages()
    assert "is rolled back" in headline["text"] and f"why back: {WHY}" in headline["text"]
    assert any("rolls it back" in reply["text"] for reply in release.replies())
    # And a further release is refused with that reason, as is a second rollback
    other = Release.start(api, sandbox, "regretted", run_id="CHG-78")
    assert other.ended() == "failed"
    assert WHY in other.sentence()
    assert button.press("back-2") == "failed"
    assert "CHG-77 is rolled back already" in api.logs(DAG, "back-2", "verdict", 1)
