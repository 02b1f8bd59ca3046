"""Releases that wait for people, on the real Airflow: asked, answered over its REST API, and told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from include.airlock.model.decision import APPROVE, REJECT, WHY, Choice
from include.local.api import AirflowApi, ApiError
from include.local.stack import LocalStack
from tests.end_to_end import approvals_world as asks
from tests.end_to_end.conftest import wait_for
from tests.end_to_end.release import LIMIT_S, Release
from tests.end_to_end.world import LEDGER, NEW, NORTH, OLD, WEST
from tests.sandbox_client import Json, SandboxClient


@pytest.fixture(scope="module")
def approver(stack: LocalStack) -> AirflowApi:
    """The REST API as somebody who may answer, and who is not who starts the releases."""
    kept = json.loads(stack.home.password_file.read_text(encoding="utf-8"))
    return AirflowApi(stack.api.base_url, asks.APPROVER, kept[asks.APPROVER])


@pytest.fixture(scope="module")
def releases(api: AirflowApi, sandbox: SandboxClient) -> dict[str, Release]:
    """Start all of them at once; the new build of those that ask fails in the last region."""
    for service in asks.FAILING:
        for region in asks.services()[service]["regions"]:
            sandbox.stage(service, region, LEDGER)
    return {
        service: Release.start(
            api, sandbox, service, run_id="CHG-5", build=LEDGER if service in asks.FAILING else NEW
        )
        for service in asks.specs()
    }


@dataclass(frozen=True)
class Waiting:
    """A step of a release that waits for an answer."""

    release: Release
    task: str

    def question(self, remark: str = "") -> Json:
        """Wait until it asks; with ``remark``, until the log says that this is why it asks again."""
        path = f"dags/{self.release.dag}/dagRuns/{self.release.run_id}/hitlDetails"

        def open_one() -> Json | None:
            found = self.release.api.request(
                "GET", path, params={"response_received": "false", "state": "awaiting_input"}
            )["hitl_details"]
            mine = [each for each in found if each["task_instance"]["task_id"] == self.task]
            return mine[0] if mine and remark in self.release.log(self.task) else None

        found: Json = wait_for(f"{self.task} to ask", open_one, timeout_s=LIMIT_S)
        return found

    def answer(self, option: str, why: str = "", *, by: AirflowApi | None = None) -> None:
        """Answer it as a script would."""
        task = f"dags/{self.release.dag}/dagRuns/{self.release.run_id}/taskInstances/{self.task}"
        body = {"chosen_options": [option], "params_input": {WHY: why}}
        (by or self.release.api).request("PATCH", f"{task}/-1/hitlDetails", json=body)


def decisions(release: Release) -> list[Json]:
    """What was answered, as the verdict tells it."""
    told: dict[str, Any] = release.api.xcom(release.dag, release.run_id, "verdict", key="verdict")
    found: list[Json] = told["decisions"]
    return found


def test_given_and_refused_by_somebody_else(releases: dict[str, Release], approver: AirflowApi) -> None:
    release = releases[asks.APPROVED]
    # Given a release that its requester may not approve / When he does / Then it is asked again, and why
    first = Waiting(release, "approve")
    body = first.question()["body"].replace("\\", "")
    assert f"{WEST}: {OLD} → {NEW}" in body and "Asked for by: admin" in body
    first.answer(APPROVE, "it is mine")
    first.question("admin asked for the release, so somebody else must answer")
    with pytest.raises(ApiError, match="Invalid options"):
        first.answer("Perhaps", by=approver)
    # When somebody else approves it and the first region / Then that is released
    first.answer(APPROVE, "ready", by=approver)
    west = Waiting(release, f"{WEST}.approve")
    west.question()
    assert release.changes() == []
    west.answer(APPROVE, by=approver)
    # And Slack's thread and headline say that the next question waits
    north = Waiting(release, f"{NORTH}.approve")
    north.question()
    wait_for("Slack to say it", lambda: f"May {release.service} {NEW} go to {NORTH}?" in told(release))
    # When the second region is refused / Then the release ends between them
    north.answer(REJECT, "too late tonight", by=approver)
    assert release.ended() == "failed"
    assert f"before {NORTH}: it was not approved by {asks.APPROVER}: too late tonight" in release.sentence()
    assert [release.builds(region)[0] for region in (WEST, NORTH)] == [NEW, OLD]
    assert [(each["by"], each["chosen"]) for each in decisions(release)] == [
        ("admin", APPROVE),
        *[(asks.APPROVER, APPROVE)] * 2,
        (asks.APPROVER, REJECT),
    ]
    assert f"{asks.APPROVER} answered 'Reject': too late tonight" in told(release)


def told(release: Release) -> str:
    return "\n".join(message["text"] for message in release.messages())


def test_nobody_approves(releases: dict[str, Release]) -> None:
    release = releases[asks.EXPIRED]
    assert release.ended() == "failed"
    assert "refused before anything was touched: nobody approved it within 2s" in release.sentence()
    release.assert_untouched()


def mend(sandbox: SandboxClient, service: str, region: str) -> None:
    """Give production the ledger's address that staging has, as its owners would."""
    bad = sandbox.resource(service, region) + "/config/appsettings"
    good = sandbox.resource(service, region, "staging") + "/config/appsettings"
    settings = [sandbox.arm("POST", f"{where}/list").json()["properties"] for where in (good, bad)]
    mended = settings[1] | {"LEDGER_URL": settings[0]["LEDGER_URL"]}
    assert sandbox.arm("PUT", bad, json={"properties": mended}).status_code == 200


def test_retried(releases: dict[str, Release], sandbox: SandboxClient) -> None:
    # Given a region that fails for want of a setting
    release = releases[asks.RETRIED]
    waiting = Waiting(release, f"{WEST}.verify")
    asked = waiting.question()
    assert f"{WEST} failed at verify: " in asked["subject"]
    assert asked["options"] == [str(choice) for choice in Choice]
    # When it is mended and the check is retried / Then the same step goes on, and the release to its end
    mend(sandbox, release.service, WEST)
    waiting.answer(Choice.RETRY)
    assert release.ended() == "success", release.sentence()


def test_accepted(releases: dict[str, Release]) -> None:
    # Given a region that fails / When somebody accepts it, first without a reason / Then that is not taken
    release = releases[asks.ACCEPTED]
    waiting = Waiting(release, f"{WEST}.verify")
    waiting.question()
    waiting.answer(Choice.ACCEPT)
    waiting.question("it needs a reason")
    # When the reason is given / Then it counts as released, with its failure in the sentence
    waiting.answer(Choice.ACCEPT, "nobody books at night")
    assert release.ended() == "success", release.sentence()
    assert f"{WEST} was accepted by admin although verify: " in release.sentence()
    assert "(nobody books at night)" in release.sentence()
    assert "was not taken" in told(release) and "admin answered 'Accept with reason'" in told(release)


@pytest.mark.parametrize(
    ("service", "choice", "switches"),
    [
        (asks.HALTED, Choice.HALT, [WEST]),
        (asks.REGION_BACK, Choice.ROLL_BACK_REGION, [WEST, WEST]),
        (asks.RELEASE_BACK, Choice.ROLL_BACK_RELEASE, [WEST, NORTH, NORTH, WEST]),
    ],
)
def test_a_choice_is_done(
    releases: dict[str, Release], service: str, choice: Choice, switches: list[str]
) -> None:
    release = releases[service]
    waiting = Waiting(release, f"{switches[-1] if len(switches) < 4 else NORTH}.verify")
    waiting.question()
    waiting.answer(choice, "as agreed")
    assert release.ended() == "failed"
    assert f"admin answered '{choice}': as agreed" in release.sentence()
    assert release.switches() == switches
    release.assert_one_region_in_flight()


def test_nobody_answers_a_failure(releases: dict[str, Release]) -> None:
    release = releases[asks.SILENT]
    assert release.ended() == "failed"
    assert f"nobody answered in time, so: {Choice.ROLL_BACK_REGION}" in release.sentence()
    assert release.builds() == (OLD, LEDGER)
