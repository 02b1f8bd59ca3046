"""A client nobody here wrote: azure-mgmt-web drives the sandbox, unmodified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.sandbox_client import SandboxClient

pytest.importorskip("azure.mgmt.web")

GROUP, APP, SLOT = "rg-payments-westeurope", "payments-westeurope", "staging"
WHERE = ("payments", "westeurope")


@pytest.fixture
def client(sandbox: SandboxClient) -> Iterator[Any]:
    """The vendor's client, signed in at the sandbox's authority."""
    from azure.identity import ClientSecretCredential
    from azure.mgmt.web import WebSiteManagementClient

    known = sandbox.endpoints
    credential = ClientSecretCredential(
        known["tenant"],
        known["client_id"],
        known["client_secret"],
        authority=known["authority"],
        disable_instance_discovery=True,
        connection_verify=known["ca_file"],
    )
    with WebSiteManagementClient(
        credential,
        known["subscription"],
        base_url=known["arm"],
        credential_scopes=[known["arm"] + "/.default"],
        connection_verify=known["ca_file"],
        polling_interval=0.05,
    ) as web:
        yield web


def entity() -> Any:
    from azure.mgmt.web.models import CsmSlotEntity

    return CsmSlotEntity(target_slot="production", preserve_vnet=True)


def test_a_swap_and_a_swap_back(sandbox: SandboxClient, client: Any) -> None:
    for build in ("2026.11.2", "2026.11.1"):
        client.web_apps.begin_swap_slot(GROUP, APP, SLOT, entity()).result(timeout=20)
        assert sandbox.get(*WHERE).json()["build"] == build
    assert [entry["status"] for entry in sandbox.requests_of("swap")] == [202, 202]


def test_sites_and_their_state_are_read(sandbox: SandboxClient, client: Any) -> None:
    client.web_apps.begin_swap_slot(GROUP, APP, SLOT, entity()).result(timeout=20)
    site, slot = client.web_apps.get(GROUP, APP), client.web_apps.get_slot(GROUP, APP, SLOT)
    assert (site.state, slot.name) == ("Running", f"{APP}/{SLOT}")
    assert site.slot_swap_status.destination_slot_name == "Production"
    assert site.slot_swap_status.timestamp_utc.tzinfo is not None
    assert site.last_modified_time_utc.tzinfo is None
    assert f"https://{slot.default_host_name}" == sandbox.region(*WHERE)["staging"]
    assert len(list(client.web_apps.list())) == 6
    assert [held.name for held in client.web_apps.list_slots(GROUP, APP)] == [f"{APP}/{SLOT}"]


def test_settings_are_read_and_written(sandbox: SandboxClient, client: Any) -> None:
    from azure.mgmt.web.models import StringDictionary

    held = client.web_apps.list_application_settings_slot(GROUP, APP, SLOT).properties
    client.web_apps.update_application_settings_slot(
        GROUP, APP, SLOT, StringDictionary(properties={**held, "NEW": "1"})
    )
    assert client.web_apps.list_application_settings_slot(GROUP, APP, SLOT).properties["NEW"] == "1"
    assert "LEDGER_URL" in client.web_apps.list_slot_configuration_names(GROUP, APP).app_setting_names
    assert client.web_apps.get_configuration_slot(GROUP, APP, SLOT).experiments.ramp_up_rules == []


def test_preview_cancel_and_differences(sandbox: SandboxClient, client: Any) -> None:
    differences = list(client.web_apps.list_slot_differences_slot(GROUP, APP, SLOT, entity()))
    assert "DATABASE_URL" in {item.setting_name for item in differences}
    client.web_apps.apply_slot_configuration_slot(GROUP, APP, SLOT, entity())
    assert client.web_apps.get_slot(GROUP, APP, SLOT).target_swap_slot == "Production"
    client.web_apps.reset_slot_configuration_slot(GROUP, APP, SLOT)
    client.web_apps.reset_production_slot_config(GROUP, APP)
    assert client.web_apps.get_slot(GROUP, APP, SLOT).target_swap_slot is None


def test_pages_of_differences_are_followed(sandbox: SandboxClient, client: Any) -> None:
    from azure.mgmt.web.models import StringDictionary

    held = client.web_apps.list_application_settings_slot(GROUP, APP, SLOT).properties
    many = StringDictionary(properties={**held, **{f"X{n}": "1" for n in range(50)}})
    client.web_apps.update_application_settings_slot(GROUP, APP, SLOT, many)
    assert len(list(client.web_apps.list_slot_differences_slot(GROUP, APP, SLOT, entity()))) > 50


def test_restart_stop_start(sandbox: SandboxClient, client: Any) -> None:
    client.web_apps.restart_slot(GROUP, APP, SLOT, soft_restart=True, synchronous=True)
    client.web_apps.stop_slot(GROUP, APP, SLOT)
    assert client.web_apps.get_slot(GROUP, APP, SLOT).state == "Stopped"
    client.web_apps.start_slot(GROUP, APP, SLOT)
    assert [entry["operation"] for entry in sandbox.journal() if "method" in entry] == [
        "restart",
        "stop",
        "start",
    ]


def test_an_error_of_app_service_has_no_error_key(sandbox: SandboxClient, client: Any) -> None:
    from azure.core.exceptions import HttpResponseError

    sandbox.fault("conflict_only", times=1)
    with pytest.raises(HttpResponseError) as caught:
        client.web_apps.begin_swap_slot(GROUP, APP, SLOT, entity()).result(timeout=20)
    assert caught.value.status_code == 409
    assert "another operation is in progress" in caught.value.response.text()


def test_the_vendor_s_retry_swaps_back_and_reports_success(sandbox: SandboxClient, client: Any) -> None:
    """The measured trap: a 503 after a finished swap makes azure-core send the POST again."""
    sandbox.fault("swap_503_after_done", where={"operation": "swap"}, times=1)
    client.web_apps.begin_swap_slot(GROUP, APP, SLOT, entity()).result(timeout=30)
    assert [entry["status"] for entry in sandbox.requests_of("swap")] == [503, 202]
    assert sandbox.get(*WHERE).json()["build"] == "2026.11.1"
