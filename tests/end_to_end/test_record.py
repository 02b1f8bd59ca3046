"""Each release leaves a record, on the real Airflow: kept as a file, linked, and shown to who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import jwt
import pytest
import requests
import yaml

from include.airlock.model.record_file import record_schema
from include.local.api import AirflowApi
from include.local.stack import LocalStack
from tests.end_to_end.release import LIMIT_S, Release
from tests.end_to_end.world import NEW, OLD, WEST
from tests.sandbox_client import SandboxClient

SERVICE, FIRST, SECOND, BACK = "recorded", "CHG-41", "CHG-42", "back-41"
WHY = "refunds are paid twice"


@dataclass(frozen=True)
class Pages:
    """The pages of that Airflow, and the folder where the records are kept."""

    stack: LocalStack

    def kept(self, run_id: str) -> Any:
        """Return a record as it is kept, parsed; it is what its schema says."""
        found = yaml.safe_load(self.file(run_id).read_text(encoding="utf-8"))
        jsonschema.validate(found, record_schema())
        return found

    def file(self, run_id: str) -> Path:
        """Return where a record is kept."""
        return self.stack.home.airflow / "records" / SERVICE / f"{run_id}.yaml"

    def get(self, url: str, token: str | None = None, **headers: str) -> requests.Response:
        """Ask, as nobody where no token is given."""
        signed = {"Authorization": f"Bearer {token}"} if token else {}
        with requests.Session() as session:
            session.trust_env = False
            return session.get(url, headers=signed | headers, timeout=30, allow_redirects=False)

    def token(self) -> str:
        """Return the administrator's token."""
        body = {"username": "admin", "password": self.stack.home.secrets()["password"]}
        url = f"{self.stack.api.base_url}/auth/token"
        answer = requests.post(url, json=body, timeout=30, proxies={"http": ""})
        return str(answer.json()["access_token"])

    def powerless(self) -> str:
        """Return a valid token of somebody who has no role."""
        token = self.token()
        held = jwt.decode(token, options={"verify_signature": False}) | {"sub": "eve", "role": None}
        key = self.stack.home.secrets()["jwt_secret"]
        return jwt.encode(held, key, algorithm=jwt.get_unverified_header(token)["alg"])


def link_of(api: AirflowApi, dag: str, run_id: str) -> str:
    """Return where the button *Record* of a verdict leads."""
    path = f"dags/{dag}/dagRuns/{quote(run_id, safe='')}/taskInstances/verdict/links"
    return str(api.request("GET", path)["extra_links"]["Record"])


@pytest.fixture(scope="module")
def pages(stack: LocalStack) -> Pages:
    return Pages(stack)


@pytest.fixture(scope="module")
def released(api: AirflowApi, sandbox: SandboxClient) -> Release:
    """A release that was accepted."""
    release = Release.start(api, sandbox, SERVICE, run_id=FIRST, reason="new rates")
    assert release.ended() == "success", release.sentence()
    return release


def test_a_record_is_kept_linked_and_shown(released: Release, api: AirflowApi, pages: Pages) -> None:
    # Given a release that ended / Then its record is kept, and says who, why and what was done
    kept = pages.kept(FIRST)
    assert (kept["outcome"], kept["asked"]["by"], kept["asked"]["why"]) == ("released", "admin", "new rates")
    assert kept["plan"]["calls"] and kept["places"][0]["verdict"] == "accepted"
    done = [(entry["kind"], entry["what"]) for entry in kept["timeline"]]
    acts = [what for kind, what in done if kind == "act"]
    assert len(released.asked()) == sum("asks to swap" in what for what in acts) == 1
    looks = [what for kind, what in done if kind == "look"]
    assert any("preflight" in what for what in looks) and any("healthy" in what for what in looks)
    # And the run and Slack lead to it
    address = link_of(api, f"release_{SERVICE}", FIRST)
    assert f"<{address}|Record>" in str(released.sandbox.slack()["channels"]["#releases"])
    shown = pages.get(address, pages.token())
    assert shown.text == pages.file(FIRST).read_text(encoding="utf-8")
    # And one GET says whether it is released, where, since when
    said = pages.get(address.removesuffix("/record"), pages.token()).json()
    assert said["released"] and said["since"] == kept["places"][0]["verified_at"]
    assert [(each["name"], each["build"]) for each in said["regions"]] == [(WEST, NEW)]


def test_it_is_shown_to_nobody_else(released: Release, api: AirflowApi, pages: Pages) -> None:
    address = link_of(api, f"release_{SERVICE}", FIRST)
    for url in (address, address.removesuffix("/record")):
        # Given nobody, a token in the address, or a user without any right / Then nothing is told
        assert pages.get(url).status_code == 401
        assert pages.get(f"{url}?token={pages.token()}").status_code == 401
        refused = pages.get(url, pages.powerless())
        assert refused.status_code == 403 and NEW not in refused.text
    # And a person who is not signed in is led to Airflow's door
    led = pages.get(address, Accept="text/html")
    assert led.status_code == 303 and "/auth/login?next=" in led.headers["location"]


def test_refused_undone_and_unlocked_are_on_record(
    released: Release, api: AirflowApi, sandbox: SandboxClient, pages: Pages
) -> None:
    # Given the same build once more, which is refused / Then that is on record as well
    assert Release.start(api, sandbox, SERVICE, run_id=SECOND).ended() == "failed"
    second = pages.kept(SECOND)
    assert second["outcome"] == "refused" and second["refused"] and second["places"][0]["before"] is None
    # When the first is undone
    undo = f"rollback_{SERVICE}"
    api.await_dag(undo, timeout_s=LIMIT_S)
    api.trigger_run(undo, {"reason": WHY}, run_id=BACK)
    assert api.await_run(undo, BACK, timeout_s=LIMIT_S) == "success"
    # Then its record says by whom, why and how it went back, and the rollback's run leads to it
    kept = pages.kept(FIRST)
    assert (kept["outcome"], kept["rollback"]["by"], kept["rollback"]["why"]) == ("rolled_back", "admin", WHY)
    assert kept["rollback"]["beforehand"][0]["place"] == WEST
    assert [entry["what"].partition(":")[0] for entry in kept["timeline"] if entry["kind"] == "verdict"] == [
        "released", "rolled_back",
    ]  # fmt: skip
    address = link_of(api, undo, BACK)
    assert yaml.safe_load(pages.get(address, pages.token()).text) == kept
    said = pages.get(address.removesuffix("/record"), pages.token()).json()
    assert not said["released"] and said["locked"]["kind"] == "rolled_back"
    assert said["regions"][0]["build"] == OLD
    # When it is unlocked, then that is in it too
    api.trigger_run("airlock_unlock", {"service": SERVICE, "reason": "mended"}, run_id="unlock-41")
    assert api.await_run("airlock_unlock", "unlock-41", timeout_s=LIMIT_S) == "success"
    (lock,) = pages.kept(FIRST)["locks"]
    assert (lock["unlocked_by"], lock["unlocked_why"]) == ("admin", "mended")
