"""A release that stops: what is brought back, what is left, and how it goes on when the cause is mended."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from include.local.api import AirflowApi
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.release import Release
from tests.end_to_end.world import LEDGER, NEW, NORTH, OLD, UK, WEST
from tests.sandbox_client import SandboxClient

PAGE = {"service": "halted", "region": NORTH, "slot": "production"}


@dataclass(frozen=True)
class Stopped:
    """Three releases that stop in region two, by what their policy is."""

    region_back: Release
    release_back: Release
    halted: Release


@pytest.fixture(scope="module")
def stopped(api: AirflowApi, sandbox: SandboxClient) -> Stopped:
    """Start them at once: two with a build whose dependency is missing there, one whose page turns bad."""
    for service in ("region_back", "release_back"):
        for region in (WEST, NORTH, UK):
            sandbox.stage(service, region, LEDGER)
    runs = Stopped(
        region_back=Release.start(api, sandbox, "region_back", build=LEDGER),
        release_back=Release.start(api, sandbox, "release_back", build=LEDGER),
        halted=Release.start(api, sandbox, "halted"),
    )
    wait_for("the swap of region two", lambda: swap_ended(runs.halted, NORTH), timeout_s=240)
    sandbox.fault("status_dependency_down", where=PAGE)
    return runs


def swap_ended(release: Release, region: str) -> bool:
    return any(e.get("event") == "swap_ended" and e["region"] == region for e in release.entries())


def unlock(api: AirflowApi, service: str, reason: str) -> str:
    """Unlock a service as a person would, and return how that ended."""
    api.await_dag("airlock_unlock")
    run = api.trigger_run("airlock_unlock", {"service": service, "reason": reason})
    return api.await_run("airlock_unlock", run, timeout_s=120)


def mend_ledger(sandbox: SandboxClient, service: str) -> None:
    """Give region two the ledger's address that region one has, as its owners would."""
    path = "/config/appsettings"
    good, bad = (sandbox.resource(service, region) + path for region in (WEST, NORTH))
    settings = [sandbox.arm("POST", f"{where}/list").json()["properties"] for where in (good, bad)]
    mended = settings[1] | {"LEDGER_URL": settings[0]["LEDGER_URL"]}
    assert sandbox.arm("PUT", bad, json={"properties": mended}).status_code == 200


def test_region_two_is_swapped_back(stopped: Stopped) -> None:
    release = stopped.region_back
    # Given a build that loses a dependency under region two's settings / When it is released
    assert release.ended() == "failed"
    # Then that region is back, proved; region one keeps the build, region three was never touched
    assert release.switches() == [WEST, NORTH, NORTH]
    assert len(release.asked()) == 3
    assert release.builds(WEST) == (LEDGER, OLD)
    assert release.builds(NORTH) == release.builds(UK) == (OLD, LEDGER)
    assert release.asked(region=UK) == []
    release.assert_one_region_in_flight()
    # And the verdict says it all in one sentence
    said = release.sentence()
    for part in (
        f"{LEDGER} stopped in {NORTH}",
        "ledger",
        f"{NORTH} was brought back and {OLD} serves again",
    ):
        assert part in said
    for part in (f"{WEST} keeps {LEDGER}", f"{UK} was not touched", "locked"):
        assert part in said


def test_the_whole_release_is_swapped_back_in_reverse(stopped: Stopped) -> None:
    release = stopped.release_back
    assert release.ended() == "failed"
    assert release.switches() == [WEST, NORTH, NORTH, WEST]
    assert len(release.asked()) == 4
    assert [release.builds(region) for region in (WEST, NORTH, UK)] == [(OLD, LEDGER)] * 3
    # Region one's way back began only after region two's was proved.
    ended = [e["at"] for e in release.entries() if e.get("event") == "swap_ended" and e["region"] == NORTH]
    begun = [e["at"] for e in release.entries() if e.get("event") == "swap_started" and e["region"] == WEST]
    assert begun[-1] > ended[-1]


def test_a_halted_release_keeps_others_out_and_is_resumed(
    stopped: Stopped, api: AirflowApi, sandbox: SandboxClient
) -> None:
    # Given a release that is halted in region two
    release = stopped.halted
    assert release.ended() == "failed"
    assert release.switches() == [WEST, NORTH]
    # Then another one is refused, and changes nothing
    before = release.changes()
    other = Release.start(api, sandbox, "halted")
    assert other.ended() == "failed"
    assert "locked" in other.sentence()
    assert release.changes() == before
    # When the cause is mended and the failed step cleared, it goes on from there to the end
    mended = next(fault["id"] for fault in sandbox.faults() if fault["where"] == PAGE)
    sandbox.clear_faults(mended)
    release.clear(f"{NORTH}.verify")
    assert release.ended() == "success", release.sentence()
    assert release.changes() == before
    assert [release.builds(region) for region in (WEST, NORTH)] == [(NEW, OLD)] * 2


def test_after_a_way_back_only_an_unlock_lets_it_go_on(
    stopped: Stopped, api: AirflowApi, sandbox: SandboxClient
) -> None:
    # Given a release that was rolled back in region two, and a cause that is mended
    release = stopped.region_back
    release.ended()
    mend_ledger(sandbox, "region_back")
    before = release.switches()
    # When its failed step is cleared while the service is locked, it is refused
    release.clear(f"{NORTH}.verify")
    assert release.ended() == "failed"
    assert "locked" in release.log(f"{NORTH}.verify")
    assert release.switches() == before
    # When the service is unlocked with a reason, the same Clear goes on to the end
    assert unlock(api, "region_back", "the ledger is reachable again") == "success"
    release.clear(f"{NORTH}.verify")
    assert release.ended() == "success", release.sentence()
    assert release.switches() == [*before, NORTH, UK]
    assert [release.builds(region) for region in (WEST, NORTH, UK)] == [(LEDGER, OLD)] * 3
    release.assert_one_region_in_flight()


def test_an_unlock_of_what_is_not_locked_is_refused(api: AirflowApi) -> None:
    assert unlock(api, "queued", "just to be sure") == "failed"
