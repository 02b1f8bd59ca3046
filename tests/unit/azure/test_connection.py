"""What an Airflow connection of type azure must hold, and what is said when it does not."""

from __future__ import annotations

from typing import Any

import pytest

from include.airlock.azure.connection import access_of, read_connection
from include.airlock.errors import ConnectionMissing

SUB = {"subscriptionId": "33cb69c7-6d00-5b5f-805f-393d218e20c0", "tenantId": "t"}


def test_the_public_cloud_is_the_default() -> None:
    access = access_of("azure_default", "id", "secret", SUB)
    assert access.endpoint == "https://management.azure.com"
    assert access.authority == "https://login.microsoftonline.com"
    assert access.scopes == ("https://management.azure.com/.default",)
    assert access.public_scheme == "https"


def test_a_secret_is_not_shown() -> None:
    assert "hunter2" not in repr(access_of("azure_default", "id", "hunter2", SUB))


def test_another_cloud_and_another_server() -> None:
    government = access_of("g", "id", "s", {**SUB, "cloud_environment": "AzureUSGovernment"})
    assert government.endpoint == "https://management.usgovcloudapi.net"
    local = access_of("l", "id", "s", {**SUB, "resource_manager_endpoint": "https://127.0.0.1:8443/"})
    assert local.endpoint == "https://127.0.0.1:8443"


@pytest.mark.parametrize(
    ("login", "password", "extra", "words"),
    [
        ("id", "s", {"tenantId": "t"}, "extra.subscriptionId"),
        ("id", "s", {"subscriptionId": "../x", "tenantId": "t"}, "extra.subscriptionId"),
        ("id", None, SUB, "needs its secret"),
        ("id", "s", {"subscriptionId": "abc"}, "extra.tenantId"),
        ("id", "s", {**SUB, "cloud_environment": "Mars"}, "'Mars' is none of"),
        ("id", "s", {**SUB, "resource_manager_endpoint": "http://arm"}, "must be an https address"),
        ("id", "s", {**SUB, "authority_host": "https://u:p@login"}, "must be an https address"),
        ("id", "s", {**SUB, "public_scheme": "ftp"}, "must be https or http"),
    ],
)
def test_a_wrong_field_is_named(login: str, password: str | None, extra: dict[str, Any], words: str) -> None:
    with pytest.raises(ConnectionMissing, match="connection 'azure_x'") as fault:
        access_of("azure_x", login, password, extra)
    assert words in str(fault.value)


def test_a_missing_connection_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_AZURE_NOWHERE", raising=False)
    with pytest.raises(ConnectionMissing, match="there is no connection 'azure_nowhere'; create it"):
        read_connection("azure_nowhere")
