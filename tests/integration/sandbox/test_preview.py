"""Swap with preview: first phase, second phase, cancelling, and what a stale preview does."""

from __future__ import annotations

from tests.sandbox_client import Json, SandboxClient

WHERE = ("payments", "northeurope")
LOST = {"name": "ledger", "connected": False}


def call(sandbox: SandboxClient, verb: str, slot: str = "staging") -> int:
    body = {"targetSlot": "production", "preserveVnet": True}
    return sandbox.arm("POST", f"{sandbox.resource(*WHERE, slot)}/{verb}", json=body).status_code


def target_of(sandbox: SandboxClient, slot: str) -> str | None:
    page: Json = sandbox.arm("GET", sandbox.resource(*WHERE, slot)).json()
    return page["properties"]["targetSwapSlot"]


def test_a_preview_shows_the_source_with_the_targets_settings_and_completes(sandbox: SandboxClient) -> None:
    # Given a build that loses its ledger under production's settings
    sandbox.stage(*WHERE, "2026.11.3")
    # When the first phase has run
    assert call(sandbox, "applySlotConfig") == 200
    # Then staging shows the loss, production is untouched, and both say what is prepared
    sandbox.wait_until(lambda: LOST in sandbox.status(*WHERE, "staging")["dependencies"])
    assert sandbox.get(*WHERE).json()["build"] == "2026.11.1"
    assert target_of(sandbox, "staging") == "Production"
    assert target_of(sandbox, "production") == "staging"
    # When the second phase is asked for
    assert sandbox.swap(*WHERE).status_code == 200
    # Then it is swapped and nothing is prepared any more
    assert sandbox.get(*WHERE).json()["build"] == "2026.11.3"
    assert target_of(sandbox, "staging") is None
    assert target_of(sandbox, "production") is None


def test_a_preview_is_cancelled_on_both_slots(sandbox: SandboxClient) -> None:
    # Given a preview
    sandbox.stage(*WHERE, "2026.11.3")
    call(sandbox, "applySlotConfig")
    # When the source alone is reset, its settings are its own again, but the target is still prepared
    assert call(sandbox, "resetSlotConfig") == 200
    assert LOST not in sandbox.status(*WHERE, "staging")["dependencies"]
    assert target_of(sandbox, "staging") is None
    assert target_of(sandbox, "production") == "staging"
    # When the target is reset too, nothing is left
    assert call(sandbox, "resetSlotConfig", "production") == 200
    assert target_of(sandbox, "production") is None


def test_resetting_what_was_never_prepared_is_no_error(sandbox: SandboxClient) -> None:
    assert call(sandbox, "resetSlotConfig") == 200
    assert sandbox.events("restarted") == []


def test_a_second_preview_meets_409(sandbox: SandboxClient) -> None:
    call(sandbox, "applySlotConfig")
    body = {"targetSlot": "production", "preserveVnet": True}
    refused = sandbox.arm("POST", sandbox.resource(*WHERE, "staging") + "/applySlotConfig", json=body)
    assert refused.status_code == 409
    assert refused.json()["Message"] == (
        "Cannot apply configuration from slot 'Production' because this slot has already been prepared "
        "for swap with slot 'staging'."
    )


def test_settings_can_not_change_during_a_preview(sandbox: SandboxClient) -> None:
    call(sandbox, "applySlotConfig")
    path = sandbox.resource(*WHERE, "staging") + "/config/appsettings"
    refused = sandbox.arm("PUT", path, json={"properties": {"A": "1"}})
    assert refused.status_code == 409
    assert refused.json()["Message"] == (
        "The slot cannot be changed because its configuration settings have been prepared for swap."
    )


def test_a_preview_is_impossible_with_site_authentication(sandbox: SandboxClient) -> None:
    path = sandbox.resource(*WHERE, "staging") + "/config/web"
    sandbox.arm("PATCH", path, json={"properties": {"siteAuthEnabled": True}})
    assert call(sandbox, "applySlotConfig") == 409
    assert target_of(sandbox, "staging") is None


def test_a_restart_during_a_preview_keeps_the_targets_settings(sandbox: SandboxClient) -> None:
    sandbox.stage(*WHERE, "2026.11.3")
    call(sandbox, "applySlotConfig")
    assert sandbox.arm("POST", sandbox.resource(*WHERE, "staging") + "/restart").status_code == 200
    assert LOST in sandbox.status(*WHERE, "staging")["dependencies"]
