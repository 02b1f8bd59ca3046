"""The world of the example services, as plain JSON: the start of every configuration.

In a setting ``{database}`` stands for the address of a listener that the sandbox runs, and
``{closed}`` for an address where nothing answers. Any other name in braces becomes a listener too.
"""

from __future__ import annotations

from typing import Any

_NEEDS = [{"name": "database", "setting": "DATABASE_URL"}, {"name": "queue", "setting": "QUEUE_URL"}]

BUILDS: dict[str, Any] = {
    "2026.11.1": {"dependencies": _NEEDS},
    "2026.11.2": {"dependencies": _NEEDS},
    # Good in every staging slot; in one region the production settings point its ledger at a closed port.
    "2026.11.3": {"dependencies": [*_NEEDS, {"name": "ledger", "setting": "LEDGER_URL"}]},
    "2026.11.4": {"dependencies": _NEEDS},
}


def _slot(name: str, build: str, prefix: str) -> dict[str, Any]:
    return {
        "build": build,
        "settings": {
            "ENVIRONMENT": name,
            "DATABASE_URL": f"tcp://{{{prefix}database}}",
            "QUEUE_URL": f"tcp://{{{prefix}queue}}",
            "LEDGER_URL": f"tcp://{{{prefix}ledger}}",
            "LOG_LEVEL": "info",
            "WEBSITE_SWAP_WARMUP_PING_PATH": "/",
            "WEBSITE_SWAP_WARMUP_PING_STATUSES": "200",
        },
    }


def region_defaults() -> dict[str, Any]:
    """Return a fresh region: production runs 2026.11.1, staging 2026.11.2, both with all they need."""
    return {
        "sticky_settings": ["ENVIRONMENT", "DATABASE_URL", "QUEUE_URL", "LEDGER_URL"],
        "slots": {
            "production": _slot("production", "2026.11.1", ""),
            "staging": _slot("staging", "2026.11.2", "staging-"),
        },
    }


def _northeurope() -> dict[str, Any]:
    region = region_defaults()
    region["slots"]["production"]["settings"]["LEDGER_URL"] = "tcp://{closed}"
    return region


def _container(service: str) -> dict[str, Any]:
    region = region_defaults()
    for slot in region["slots"].values():
        slot["site_config"] = {"linuxFxVersion": f"DOCKER|registry.example/{service}:{slot['build']}"}
    return region


SERVICES: dict[str, Any] = {
    "payments": {"regions": {"westeurope": {}, "northeurope": _northeurope(), "uksouth": {}}},
    "catalog": {"regions": {"westeurope": _container("catalog"), "eastus": _container("catalog")}},
    "identity": {"regions": {"westeurope": {}}},
}

LOCATIONS = {
    "westeurope": "West Europe",
    "northeurope": "North Europe",
    "uksouth": "UK South",
    "eastus": "East US",
    "francecentral": "France Central",
    "germanywestcentral": "Germany West Central",
    "westus2": "West US 2",
}
