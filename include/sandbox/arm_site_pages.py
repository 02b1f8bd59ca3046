"""The JSON of sites, slots and their configuration, field by field as App Service writes them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from include.sandbox.arm_call import Call
from include.sandbox.arm_errors import webspace
from include.sandbox.slots import Site, Slot

# What GET …/config/web tells of an app that never set it.
WEB_DEFAULTS: dict[str, Any] = {
    "numberOfWorkers": 1,
    "defaultDocuments": ["index.html"],
    "netFrameworkVersion": "v4.0",
    "linuxFxVersion": "",
    "windowsFxVersion": None,
    "requestTracingEnabled": False,
    "remoteDebuggingEnabled": False,
    "httpLoggingEnabled": False,
    "acrUseManagedIdentityCreds": False,
    "detailedErrorLoggingEnabled": False,
    "publishingUsername": None,
    "scmType": "None",
    "use32BitWorkerProcess": False,
    "webSocketsEnabled": False,
    "alwaysOn": True,
    "appCommandLine": "",
    "managedPipelineMode": "Integrated",
    "virtualApplications": [
        {
            "virtualPath": "/",
            "physicalPath": "site\\wwwroot",
            "preloadEnabled": True,
            "virtualDirectories": None,
        }
    ],
    "loadBalancing": "LeastRequests",
    "experiments": {"rampUpRules": []},
    "autoHealEnabled": False,
    "vnetName": "",
    "localMySqlEnabled": False,
    "ipSecurityRestrictions": None,
    "http20Enabled": True,
    "minTlsVersion": "1.2",
    "ftpsState": "FtpsOnly",
    "autoSwapSlotName": None,
    "healthCheckPath": None,
}


def without_zone(moment: datetime) -> str:
    """Write ``lastModifiedTimeUtc``: seven digits at most, and no zone."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")


def with_zone(moment: datetime) -> str:
    """Write ``slotSwapStatus.timestampUtc``: with a Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def etag(slot: Slot) -> str:
    """Return the ETag of a slot's state; it changes with every change."""
    salt = f"{slot.name}{slot.modified.timestamp()}{slot.etag_salt}"
    return f'"{hashlib.sha256(salt.encode()).hexdigest()[:15].upper()}"'


def swap_status(slot: Slot) -> dict[str, str] | None:
    """Return ``slotSwapStatus``: the last successful swap, or None before the first."""
    swapped = slot.swapped
    if swapped is None:
        return None
    return {
        "timestampUtc": with_zone(swapped.at),
        "sourceSlotName": swapped.source,
        "destinationSlotName": swapped.destination,
    }


def web_config(slot: Slot) -> dict[str, Any]:
    """Return the whole of ``config/web``."""
    return {**WEB_DEFAULTS, **slot.app.config, **slot.config}


def site_page(call: Call, slot: Slot) -> dict[str, Any]:
    """Return the JSON of a site or slot."""
    site = call.site
    production = slot.is_production
    return {
        "id": call.resource_id(slot),
        "name": site.name if production else f"{site.name}/{slot.name}",
        "type": "Microsoft.Web/sites" if production else "Microsoft.Web/sites/slots",
        "kind": site.config.kind,
        "location": site.location,
        "tags": {},
        "properties": {**_identity(call, site, slot), **_live(site, slot)},
    }


def _identity(call: Call, site: Site, slot: Slot) -> dict[str, Any]:
    plan = f"/subscriptions/{call.arm.config.subscription}/resourceGroups/{site.resource_group}/providers"
    return {
        "name": site.name if slot.is_production else f"{site.name}({slot.name})",
        "webSpace": webspace(site),
        "repositorySiteName": site.name,
        "owner": None,
        "enabled": True,
        "adminEnabled": True,
        "serverFarmId": f"{plan}/Microsoft.Web/serverfarms/plan-{site.service}-{site.region}",
        "reserved": "linux" in site.config.kind,
        "resourceGroup": site.resource_group,
        "sku": "Standard",
        "slotName": None,
        "clientAffinityEnabled": False,
        "httpsOnly": True,
        "siteConfig": {
            "numberOfWorkers": site.config.instances,
            "linuxFxVersion": web_config(slot)["linuxFxVersion"],
            "alwaysOn": web_config(slot)["alwaysOn"],
            "http20Enabled": True,
        },
    }


def _live(site: Site, slot: Slot) -> dict[str, Any]:
    operation = site.operation
    busy = operation is not None and slot.name in (operation.slot, operation.target)
    return {
        "state": slot.state,
        "usageState": "Normal",
        "availabilityState": "Normal",
        "contentAvailabilityState": "Normal",
        "runtimeAvailabilityState": "Normal",
        "hostNames": [slot.host],
        "enabledHostNames": [slot.host],
        "defaultHostName": slot.host,
        "hostNameSslStates": [_host_state(slot, kind) for kind in ("Standard", "Repository")],
        "lastModifiedTimeUtc": without_zone(slot.modified),
        "deploymentId": slot.app.deployment_id,
        "targetSwapSlot": slot.swap_target,
        "slotSwapStatus": swap_status(slot),
        "inProgressOperationId": operation.id if busy and operation else None,
        "buildVersion": None,
        "targetBuildVersion": None,
    }


def _host_state(slot: Slot, kind: str) -> dict[str, Any]:
    return {"name": slot.host, "sslState": "Disabled", "thumbprint": None, "toUpdate": None, "hostType": kind}


def config_page(call: Call, name: str, properties: Any) -> dict[str, Any]:
    """Return the JSON of one of the configurations under ``config``."""
    kind = "Microsoft.Web/sites/config" if call.slot.is_production else "Microsoft.Web/sites/slots/config"
    return {
        "id": f"{call.resource_id()}/config/{name}",
        "name": name,
        "type": kind,
        "location": call.site.location,
        "properties": properties,
    }
