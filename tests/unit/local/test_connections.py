"""The sandbox's endpoints as Airflow connections."""

from __future__ import annotations

import json

from include.local.connections import airflow_connections, as_environment

ENDPOINTS = {
    "arm": "https://127.0.0.1:1",
    "authority": "https://127.0.0.1:2",
    "tenant": "tenant-id",
    "subscription": "subscription-id",
    "client_id": "client",
    "client_secret": "secret",
    "ca_file": "/sandbox/ca.pem",
    "slack": "http://127.0.0.1:3/api/",
    "slack_token": "xoxb-token",
    "webhook": "http://127.0.0.1:3/hook",
    "packages": "http://127.0.0.1:3/packages/",
    "services": {
        "payments": {"regions": {"westeurope": {}, "northeurope": {}}},
        "catalog": {"regions": {"eastus": {}}},
        "checkout": {"cloud": "aws", "regions": {"eu-west-1": {}}},
    },
    "aws": {
        "endpoint": "http://127.0.0.1:4",
        "access_key_id": "AKIA",
        "secret_access_key": "aws-secret",
        "regions": ["eu-west-1", "us-east-1"],
    },
}


def test_every_region_of_every_service_has_its_connection() -> None:
    assert set(airflow_connections(ENDPOINTS)) == {
        "azure_westeurope",
        "azure_northeurope",
        "azure_eastus",
        "aws_eu_west_1",
        "aws_us_east_1",
        "slack_default",
        "releases_webhook",
        "packages",
    }


def test_azure_is_reached_through_the_connection_alone() -> None:
    assert airflow_connections(ENDPOINTS)["azure_eastus"] == {
        "conn_type": "azure",
        "login": "client",
        "password": "secret",
        "extra": {
            "tenantId": "tenant-id",
            "subscriptionId": "subscription-id",
            "resource_manager_endpoint": "https://127.0.0.1:1",
            "authority_host": "https://127.0.0.1:2",
            "credential_scopes": ["https://127.0.0.1:1/.default"],
            "ca_file": "/sandbox/ca.pem",
        },
    }


def test_aws_is_reached_through_the_connection_alone() -> None:
    assert airflow_connections(ENDPOINTS)["aws_us_east_1"] == {
        "conn_type": "aws",
        "login": "AKIA",
        "password": "aws-secret",
        "extra": {"region_name": "us-east-1", "endpoint_url": "http://127.0.0.1:4"},
    }


def test_a_sandbox_without_aws_has_no_connection_to_it() -> None:
    bare = {key: held for key, held in ENDPOINTS.items() if key != "aws"}
    assert not any(name.startswith("aws_") for name in airflow_connections(bare))


def test_airflow_reads_them_from_its_environment() -> None:
    environment = as_environment(airflow_connections(ENDPOINTS))
    assert json.loads(environment["AIRFLOW_CONN_SLACK_DEFAULT"]) == {
        "conn_type": "slack",
        "password": "xoxb-token",
        "extra": {"base_url": "http://127.0.0.1:3/api/"},
    }
