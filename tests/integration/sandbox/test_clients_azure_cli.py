"""The Azure CLI, unmodified, against the sandbox.

Runs where ``az`` is on the PATH or ``AIRLOCK_AZ`` names it (version 2.91.0 was tried). It is not
a dependency: it needs an environment of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_client import SandboxClient, SandboxRun

AZ = os.environ.get("AIRLOCK_AZ") or shutil.which("az")

pytestmark = [
    pytest.mark.skipif(AZ is None, reason="no Azure CLI: put az on the PATH or name it with AIRLOCK_AZ"),
    pytest.mark.timeout(240),
]

SITE = ("--resource-group", "rg-payments-uksouth", "--name", "payments-uksouth")


class AzureCli:
    """The Azure CLI with a configuration of its own, so that nobody's sign-in is touched."""

    def __init__(self, sandbox: SandboxClient, home: Path) -> None:
        self.known = sandbox.endpoints
        self._environment = {
            **os.environ,
            "AZURE_CONFIG_DIR": str(home),
            "REQUESTS_CA_BUNDLE": sandbox.ca_file,
            "AZURE_CORE_INSTANCE_DISCOVERY": "false",
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_CHECK_FOR_UPDATES": "false",
            "AZURE_CORE_NO_COLOR": "true",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command and return how it ended."""
        return subprocess.run(
            [str(AZ), *arguments, "--output", "json"],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def said(self, *arguments: str) -> Any:
        """Run one command that must succeed, and return what it printed."""
        ran = self.run(*arguments)
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout) if ran.stdout.strip() else None

    def sign_in(self, secret: str | None = None) -> subprocess.CompletedProcess[str]:
        """Register the sandbox as a cloud, choose it and sign in as its service principal."""
        self.said("cloud", "register", "--name", "Sandbox", "--endpoint-resource-manager", self.known["arm"])
        self.said("cloud", "set", "--name", "Sandbox")
        who = ("--username", self.known["client_id"], "--tenant", self.known["tenant"])
        return self.run(
            "login", "--service-principal", *who, "--password", secret or self.known["client_secret"]
        )


@pytest.fixture(name="own_sandbox", scope="module")
def _own_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox that asks for polls every second: without such a wish azure-core polls every 30 s."""
    run = SandboxRun(tmp_path_factory.mktemp("sandbox"), {"speed": 10, "protocol": {"retry_after": 1}})
    yield run
    assert run.stop() == 0


@pytest.fixture(name="sandbox")
def _sandbox(own_sandbox: SandboxRun) -> SandboxClient:
    own_sandbox.client.reset()
    return own_sandbox.client


@pytest.fixture(name="az")
def _az(sandbox: SandboxClient, tmp_path: Path) -> AzureCli:
    cli = AzureCli(sandbox, tmp_path / "azure")
    signed_in = cli.sign_in()
    assert signed_in.returncode == 0, signed_in.stderr
    return cli


def test_the_cli_swaps_staging_into_production_once(sandbox: SandboxClient, az: AzureCli) -> None:
    """Given a signed-in CLI, when it swaps, then the new build serves and one swap was asked for."""
    az.said("webapp", "deployment", "slot", "swap", *SITE, "--slot", "staging", "--target-slot", "production")

    assert sandbox.status("payments", "uksouth")["build"] == "2026.11.2"
    assert sandbox.status("payments", "uksouth", "staging")["build"] == "2026.11.1"
    (swap,) = sandbox.requests_of("swap")
    assert (swap["region"], swap["slot"], swap["status"]) == ("uksouth", "staging", 202)
    assert "AZURECLI/" in swap["client"]


def test_the_cli_swaps_back_what_a_503_hid(sandbox: SandboxClient, az: AzureCli) -> None:
    """Given a 503 after a finished swap, when the CLI repeats the POST, then the old build serves again.

    And it exits 0: the trap of azure-core's retries, which the sandbox must be able to show.
    """
    sandbox.fault("swap_503_after_done", times=1)

    ran = az.run("webapp", "deployment", "slot", "swap", *SITE, "--slot", "staging")

    assert ran.returncode == 0, ran.stderr
    assert [entry["status"] for entry in sandbox.requests_of("swap")] == [503, 202]
    assert sandbox.status("payments", "uksouth")["build"] == "2026.11.1"


def test_the_cli_reads_sites_slots_and_settings(az: AzureCli) -> None:
    """Given a signed-in CLI, when it lists and shows, then what the sandbox says is understood."""
    sites = az.said("webapp", "list")
    site = az.said("webapp", "show", *SITE)
    profiles = az.said("webapp", "deployment", "list-publishing-profiles", *SITE)
    slots = az.said("webapp", "deployment", "slot", "list", *SITE)
    settings = az.said("webapp", "config", "appsettings", "list", *SITE, "--slot", "staging")

    assert len(sites) == 6
    assert (site["state"], site["defaultHostName"].split(":")[0]) == ("Running", "127.0.0.1")
    assert [profile["publishMethod"] for profile in profiles] == ["MSDeploy", "FTP"]
    assert [slot["name"] for slot in slots] == ["staging"]
    sticky = {setting["name"]: setting["slotSetting"] for setting in settings}
    assert (sticky["ENVIRONMENT"], sticky["LOG_LEVEL"]) == (True, False)


def test_the_cli_previews_and_cancels_a_swap(sandbox: SandboxClient, az: AzureCli) -> None:
    """Given a preview, when the CLI resets both slots, then they are free again and nothing was swapped.

    The CLI's reset reaches one slot a call: production, or the one named as ``--target-slot``.
    """
    swap = ("webapp", "deployment", "slot", "swap", *SITE, "--slot", "staging")
    prepared_for = ("webapp", "show", *SITE, "--slot", "staging", "--query", "targetSwapSlot")
    az.said(*swap, "--target-slot", "production", "--action", "preview")
    prepared = az.said(*prepared_for)
    az.said(*swap, "--action", "reset")
    az.said(*swap, "--target-slot", "staging", "--action", "reset")

    assert prepared.casefold() == "production"
    assert az.said(*prepared_for) is None
    assert [entry["slot"] for entry in sandbox.requests_of("reset_slot_config")] == ["production", "staging"]
    assert sandbox.build("payments", "uksouth") == "2026.11.1"
    assert sandbox.events("routing_switched") == []


def test_the_cli_sets_a_container_and_settings(sandbox: SandboxClient, az: AzureCli) -> None:
    """Given a signed-in CLI, when it sets a container tag and a setting,
    then the slot runs that build with it.
    """
    az.said("webapp", "config", "appsettings", "set", *SITE, "--slot", "staging", "--settings", "COLOUR=blue")
    image = "registry.example/payments:2026.11.4"
    az.said(
        "webapp", "config", "container", "set", *SITE, "--slot", "staging", "--container-image-name", image
    )

    build = sandbox.wait_until(
        lambda: sandbox.status("payments", "uksouth", "staging")["build"] == "2026.11.4"
    )

    assert build
    assert "COLOUR" in sandbox.state("payments", "uksouth")["staging"]["settings"]
    assert sandbox.build("payments", "uksouth") == "2026.11.1"


def test_the_cli_is_refused_in_words_it_passes_on(sandbox: SandboxClient, az: AzureCli) -> None:
    """Given a slot that isn't there and a running swap, when the CLI swaps, then it fails and says why."""
    swap = ("webapp", "deployment", "slot", "swap", *SITE)
    nowhere = az.run(*swap, "--slot", "nosuch")
    sandbox.fault("conflict_only")
    busy = az.run(*swap, "--slot", "staging")

    assert nowhere.returncode != 0
    assert "ResourceNotFound" in nowhere.stderr
    assert busy.returncode != 0
    assert "in progress" in busy.stderr
    assert sandbox.build("payments", "uksouth") == "2026.11.1"


def test_the_cli_is_not_let_in_with_a_wrong_secret(sandbox: SandboxClient, tmp_path: Path) -> None:
    """Given a wrong secret, when the CLI signs in, then it fails with Entra's own code."""
    refused = AzureCli(sandbox, tmp_path / "azure").sign_in(secret="wrong")

    assert refused.returncode != 0
    assert "AADSTS7000215" in refused.stderr
