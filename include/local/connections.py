"""The sandbox's addresses and secrets as Airflow connections, the only way the product learns of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def airflow_connections(endpoints: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return connection id -> fields for everything in a sandbox's endpoints.json."""
    return {
        **_azure_regions(endpoints),
        **_aws_regions(endpoints),
        "slack_default": {
            "conn_type": "slack",
            "password": endpoints["slack_token"],
            "extra": {"base_url": endpoints["slack"]},
        },
        "releases_webhook": {"conn_type": "http", "host": endpoints["webhook"]},
        "packages": {"conn_type": "http", "host": endpoints["packages"]},
    }


def as_environment(connections: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the connections as the environment variables that Airflow reads them from."""
    return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields) for name, fields in connections.items()}


def _azure_regions(endpoints: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return `azure_<region>` for each region in which a service runs on Azure."""
    azure = [
        service for service in endpoints["services"].values() if service.get("cloud", "azure") == "azure"
    ]
    regions = sorted({region for service in azure for region in service["regions"]})
    fields = _azure(endpoints)
    return {f"azure_{region}": fields for region in regions}


def _aws_regions(endpoints: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return `aws_<region>` for each AWS region; all are behind one endpoint, which reads the region."""
    if (aws := endpoints.get("aws")) is None:
        return {}
    return {
        f"aws_{region.replace('-', '_')}": {
            "conn_type": "aws",
            "login": aws["access_key_id"],
            "password": aws["secret_access_key"],
            "extra": {"region_name": region, "endpoint_url": aws["endpoint"]},
        }
        for region in aws["regions"]
    }


def _azure(endpoints: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "conn_type": "azure",
        "login": endpoints["client_id"],
        "password": endpoints["client_secret"],
        "extra": {
            "tenantId": endpoints["tenant"],
            "subscriptionId": endpoints["subscription"],
            "resource_manager_endpoint": endpoints["arm"],
            "authority_host": endpoints["authority"],
            "credential_scopes": [f"{endpoints['arm'].rstrip('/')}/.default"],
            "ca_file": endpoints["ca_file"],
        },
    }
