"""Twenty releases at once, of twenty services, on one small Airflow: none is lost."""

from __future__ import annotations

import pytest

from include.local.api import AirflowApi
from tests.end_to_end.release import Release
from tests.end_to_end.world import NEW, OLD, STORM
from tests.sandbox_client import SandboxClient


@pytest.fixture(scope="module")
def storm(api: AirflowApi, sandbox: SandboxClient) -> list[Release]:
    """Start all of them, and wait until each has ended."""
    for service in STORM:
        api.await_dag(f"release_{service}", timeout_s=240)
    releases = [Release.start(api, sandbox, service) for service in STORM]
    for release in releases:
        release.ended()
    return releases


def test_every_release_succeeds(storm: list[Release]) -> None:
    ends = {release.service: (release.ended(), release.sentence()) for release in storm}
    assert ends == {
        service: ("success", f"{NEW} is released in westeurope (before: {OLD})") for service in STORM
    }


def test_every_app_was_swapped_exactly_once(storm: list[Release]) -> None:
    for release in storm:
        assert (release.builds(), len(release.switches()), len(release.asked())) == ((NEW, OLD), 1, 1)


def test_nothing_ended_but_by_success_or_as_not_needed(storm: list[Release]) -> None:
    # A task that Airflow lost is run again: what counts is how it ended.
    for release in storm:
        assert set(release.states().values()) == {"success", "skipped"}, release.states()
