"""Putting content into a slot: OneDeploy from a package, and a container's tag."""

from __future__ import annotations

import io
import json
import time
import zipfile
from pathlib import Path

import pytest
import requests

from tests.sandbox_client import SandboxClient, SandboxRun

WHERE = ("payments", "westeurope")
CONTAINER = ("catalog", "eastus")


def deploy(sandbox: SandboxClient, address: str) -> requests.Response:
    path = sandbox.resource(*WHERE, "staging") + "/extensions/onedeploy"
    return sandbox.arm("PUT", path, json={"properties": {"packageUri": address, "type": "zip"}})


def end_of_deploy(sandbox: SandboxClient) -> dict:
    path = sandbox.resource(*WHERE, "staging") + "/extensions/onedeploy"

    def complete() -> dict | None:
        held = sandbox.arm("GET", path).json()["properties"]
        return held if held["complete"] else None

    return sandbox.wait_until(complete)


def package(sandbox: SandboxClient, build: str) -> str:
    return f"{sandbox.endpoints['packages']}payments-{build}.zip"


def test_a_package_is_a_real_zip_with_a_manifest(sandbox: SandboxClient) -> None:
    answer = requests.get(package(sandbox, "2026.11.3"), timeout=5)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as held:
        manifest = json.loads(held.read("manifest.json"))
    assert (manifest["service"], manifest["build"]) == ("payments", "2026.11.3")
    assert {"name": "ledger", "setting": "LEDGER_URL"} in manifest["dependencies"]
    assert requests.get(sandbox.endpoints["packages"] + "unknown-1.zip", timeout=5).status_code == 404


def test_one_deploy_fetches_the_package_and_the_slot_runs_its_build(sandbox: SandboxClient) -> None:
    # When a package is deployed to staging
    answer = deploy(sandbox, package(sandbox, "2026.11.4"))
    # Then it is accepted at once, goes through its states, and the slot restarts with the new build
    assert answer.status_code == 202
    assert answer.json()["properties"]["provisioningState"] == "InProgress"
    ended = end_of_deploy(sandbox)
    assert (ended["status"], ended["provisioningState"]) == (4, "Succeeded")
    assert ended["id"] == answer.json()["properties"]["id"]
    sandbox.wait_until(lambda: sandbox.status(*WHERE, "staging")["state"] == "running")
    assert sandbox.status(*WHERE, "staging")["build"] == "2026.11.4"
    assert sandbox.get(*WHERE).json()["build"] == "2026.11.1"
    path = f"{sandbox.resource(*WHERE, 'staging')}/deploymentStatus/{ended['id']}"
    assert sandbox.arm("GET", path).json()["properties"]["status"] == "RuntimeSuccessful"


def test_a_swap_during_a_deployment_is_refused(sandbox: SandboxClient) -> None:
    deploy(sandbox, package(sandbox, "2026.11.4"))
    for refused in (sandbox.post_swap(*WHERE), deploy(sandbox, package(sandbox, "2026.11.3"))):
        assert refused.status_code == 409
        assert "deployment currently in progress" in refused.json()["Message"]
    end_of_deploy(sandbox)
    assert sandbox.swap(*WHERE).status_code == 200


@pytest.mark.parametrize("address", ["unknown-1.zip", "../sandbox/state"])
def test_a_package_that_is_none_fails_the_deployment_alone(sandbox: SandboxClient, address: str) -> None:
    assert deploy(sandbox, sandbox.endpoints["packages"] + address).status_code == 202
    ended = end_of_deploy(sandbox)
    assert (ended["status"], ended["provisioningState"]) == (3, "Failed")
    assert sandbox.status(*WHERE, "staging")["build"] == "2026.11.2"
    assert sandbox.state(*WHERE)["operation"] is None


@pytest.mark.parametrize("address", [None, 7, "file:///etc/passwd", "payments.zip"])
def test_an_address_that_can_not_be_fetched_is_refused(sandbox: SandboxClient, address: object) -> None:
    path = sandbox.resource(*WHERE, "staging") + "/extensions/onedeploy"
    refused = sandbox.arm("PUT", path, json={"properties": {"packageUri": address}})
    assert refused.status_code == 400
    assert "packageUri" in refused.json()["Message"]


def test_the_journal_keeps_no_signature_of_a_package(sandbox: SandboxClient) -> None:
    deploy(sandbox, package(sandbox, "2026.11.4") + "?sig=verysecret")
    end_of_deploy(sandbox)
    assert "verysecret" not in json.dumps(sandbox.journal())


def test_another_tag_of_the_image_changes_the_content_after_a_restart(sandbox: SandboxClient) -> None:
    # Given a container
    path = sandbox.resource(*CONTAINER, "staging") + "/config/web"
    before = sandbox.arm("GET", path).json()["properties"]["linuxFxVersion"]
    assert before == "DOCKER|registry.example/catalog:2026.11.2"
    # When its tag is changed
    image = before.replace("2026.11.2", "2026.11.4")
    answer = sandbox.arm("PATCH", path, json={"properties": {"linuxFxVersion": image}})
    # Then the configuration tells it at once, and the slot runs it after a while
    assert answer.json()["properties"]["linuxFxVersion"] == image
    sandbox.wait_until(lambda: sandbox.status(*CONTAINER, "staging")["build"] == "2026.11.4")
    sandbox.wait_until(lambda: sandbox.status(*CONTAINER, "staging")["state"] == "running")
    # And the image travels with the content
    sandbox.swap(*CONTAINER)
    config = sandbox.arm("GET", sandbox.resource(*CONTAINER) + "/config/web").json()["properties"]
    assert config["linuxFxVersion"] == image


def test_the_same_image_again_restarts_nothing(sandbox: SandboxClient) -> None:
    path = sandbox.resource(*CONTAINER, "staging") + "/config/web"
    image = sandbox.arm("GET", path).json()["properties"]["linuxFxVersion"]
    sandbox.arm("PUT", path, json={"properties": {"linuxFxVersion": image}})
    time.sleep(0.3)  # an image would be pulled in 0.08 s
    assert [entry for entry in sandbox.journal(service="catalog") if "event" in entry] == []


def test_auto_swap_follows_a_deployment_on_windows_only(tmp_path: Path) -> None:
    # Given an app on Windows and one on Linux, both with auto swap
    regions = {"westeurope": {"kind": "app"}, "northeurope": {"kind": "app,linux"}, "uksouth": None}
    services = {"payments": {"regions": regions}, "catalog": None, "identity": None}
    run = SandboxRun(tmp_path, {"speed": 10, "services": services, "protocol": {"retry_after": 0}})
    try:
        client = run.client
        for region in ("westeurope", "northeurope"):
            base = client.resource("payments", region, "staging")
            client.arm("PATCH", base + "/config/web", json={"properties": {"autoSwapSlotName": "production"}})
            # When a package is deployed to staging
            body = {"properties": {"packageUri": package(client, "2026.11.4"), "type": "zip"}}
            client.arm("PUT", base + "/extensions/onedeploy", json=body)
            client.wait_until(lambda region=region: client.events("content_changed", region=region))
            client.wait_until(lambda region=region: client.state("payments", region)["operation"] is None)
        # Then it is swapped into production by itself on Windows, and on Linux it is not
        client.wait_until(lambda: client.build("payments", "westeurope") == "2026.11.4")
        assert [entry["by"] for entry in client.events("swap_started")] == ["auto swap"]
        assert client.build("payments", "northeurope") == "2026.11.1"
    finally:
        assert run.stop() == 0
