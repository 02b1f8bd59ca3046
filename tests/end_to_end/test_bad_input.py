"""Bad input gets a clear answer, and nothing at all is changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from include.local.api import AirflowApi, ApiError
from tests.end_to_end.release import Release
from tests.end_to_end.world import LATER, NEW, NORTH, OLD, WEST
from tests.sandbox_client import SandboxClient


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({}, "build"),
        ({"build": "; rm -rf /"}, "build"),
        ({"build": "2026.11.2 2026.11.3"}, "build"),
        ({"build": 20261102}, "build"),
        ({"build": NEW, "regions": ["atlantis"]}, "atlantis"),
        ({"build": NEW, "regions": [WEST, WEST]}, "regions"),
        ({"build": NEW, "on_failure": "pray"}, "pray"),
        ({"build": NEW, "refresh_build": "../../etc"}, "refresh_build"),
        ({"build": NEW, "change_request": "<!channel>"}, "change_request"),
        ({"build": NEW, "reason": "x" * 501}, "reason"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_change_request_that_is_wrong_is_refused_at_the_door(
    api: AirflowApi, sandbox: SandboxClient, conf: Mapping[str, Any], said: str
) -> None:
    api.await_dag("release_asked_wrongly", timeout_s=240)
    with pytest.raises(ApiError) as refused:
        api.trigger_run("release_asked_wrongly", conf, run_id="never")
    assert refused.value.status in (400, 422)
    assert said in str(refused.value)
    assert sandbox.journal(service="asked_wrongly") == []


def test_a_service_that_nobody_knows(api: AirflowApi) -> None:
    with pytest.raises(ApiError) as refused:
        api.trigger_run("release_paymants", {"build": NEW})
    assert refused.value.status == 404


@pytest.fixture(scope="module")
def refused(api: AirflowApi, sandbox: SandboxClient) -> dict[str, Release]:
    """Start the releases that only the preflight can refuse, all at once."""
    sandbox.fault("token_expired", where={"service": "expired"})
    sandbox.stage("unready", WEST, LATER)
    sandbox.fault("slot_difference", where={"service": "unready", "region": NORTH})
    return {
        "unknown_key": Release.start(api, sandbox, "asked_wrongly", region=WEST),
        "nowhere": Release.start(api, sandbox, "nowhere"),
        "expired": Release.start(api, sandbox, "expired"),
        "unready": Release.start(api, sandbox, "unready"),
    }


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("unknown_key", ["unknown key 'region'", "regions"]),
        ("nowhere", ["there is no connection 'azure_nowhere'", "Admin > Connections"]),
        ("expired", ["expire", "credentials", WEST, NORTH]),
        (
            "unready",
            [f"staging answers 2026.11.4, the change request says {NEW}", "slot difference", WEST, NORTH],
        ),
    ],
)
def test_what_the_preflight_refuses_is_not_touched(
    refused: dict[str, Release], case: str, said: list[str]
) -> None:
    # Given a release that can't go well / When it is started
    release = refused[case]
    assert release.ended() == "failed"
    # Then nothing is asked of the cloud, and the last step says why, with every fault of every region
    release.assert_untouched()
    assert release.builds()[0] == OLD
    assert release.state_of(f"{WEST}.swap") == "upstream_failed"
    for part in said:
        assert part in release.sentence()
