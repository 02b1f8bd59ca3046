"""Calls on sites and slots as a whole: reading and listing them, restart, sync, start and stop."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from include.sandbox.arm_call import Call, Handler
from include.sandbox.arm_errors import arm_error, not_found
from include.sandbox.arm_site_pages import etag, site_page
from include.sandbox.arm_swaps import refuse_if_busy
from include.sandbox.slots import Site


async def get_site(call: Call) -> web.StreamResponse:
    """GET a site or a slot."""
    return web.json_response(site_page(call, call.slot), headers={"ETag": etag(call.slot)})


async def list_sites(call: Call) -> web.StreamResponse:
    """GET the sites of a group, or of the whole subscription."""
    group = call.target.group
    sites = [
        site
        for site in call.world.sites.values()
        if group is None or site.resource_group.casefold() == group.casefold()
    ]
    if group is not None and not sites:
        raise arm_error(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
    return web.json_response(
        {"value": [_page_of(call, site, "production") for site in sites], "nextLink": None}
    )


def _page_of(call: Call, site: Site, name: str) -> dict[str, Any]:
    call.found_site, call.found_slot = site, site.slots[name]
    return site_page(call, call.found_slot)


async def list_slots(call: Call) -> web.StreamResponse:
    """GET the slots of a site; production is not one of them."""
    site = call.site
    slots = [slot.name for slot in site.slots.values() if not slot.is_production]
    return web.json_response({"value": [_page_of(call, site, name) for name in slots], "nextLink": None})


async def restart(call: Call) -> web.StreamResponse:
    """POST …/restart: 200; with ``synchronous=true`` once the app runs again."""
    refuse_if_busy(call)
    await call.world.restart(call.site, call.slot, "restart")
    if call.request.query.get("synchronous", "").casefold() == "true":
        for instance in call.slot.app.instances:
            await instance.started()
    return web.Response(status=200)


async def sync(call: Call) -> web.StreamResponse:
    """POST …/sync: fetches a container's image again; the app restarts with what it had."""
    refuse_if_busy(call)
    await call.world.restart(call.site, call.slot, "sync")
    return web.Response(status=204)


async def start(call: Call) -> web.StreamResponse:
    """POST …/start."""
    if call.slot.state != "Running":
        call.slot.state = "Running"
        call.slot.touch()
        await call.world.restart(call.site, call.slot, "start")
    return web.Response(status=200)


async def stop(call: Call) -> web.StreamResponse:
    """POST …/stop: the public host answers 403 from now on."""
    refuse_if_busy(call)
    call.slot.state = "Stopped"
    call.slot.touch()
    return web.Response(status=200)


async def list_subscriptions(call: Call) -> web.StreamResponse:
    """GET /subscriptions, as a client does after it has signed in."""
    return web.json_response({"value": [_subscription(call)], "count": {"type": "Total", "value": 1}})


async def get_subscription(call: Call) -> web.StreamResponse:
    """GET /subscriptions/{id}."""
    return web.json_response(_subscription(call))


def _subscription(call: Call) -> dict[str, Any]:
    config = call.arm.config
    return {
        "id": f"/subscriptions/{config.subscription}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": config.subscription,
        "tenantId": config.tenant,
        "displayName": "Sandbox",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
        },
    }


async def list_tenants(call: Call) -> web.StreamResponse:
    """GET /tenants."""
    tenant = call.arm.config.tenant
    held = {
        "id": f"/tenants/{tenant}",
        "tenantId": tenant,
        "displayName": "Sandbox",
        "tenantCategory": "Home",
    }
    return web.json_response({"value": [held]})


async def get_group(call: Call) -> web.StreamResponse:
    """GET /subscriptions/{id}/resourceGroups/{name}."""
    name = call.tail
    for site in call.world.sites.values():
        if site.resource_group.casefold() == name.casefold():
            return web.json_response(_group(call, site))
    raise arm_error(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")


async def list_groups(call: Call) -> web.StreamResponse:
    """GET /subscriptions/{id}/resourceGroups."""
    groups = {site.resource_group: _group(call, site) for site in call.world.sites.values()}
    return web.json_response({"value": list(groups.values())})


def _group(call: Call, site: Site) -> dict[str, Any]:
    return {
        "id": f"/subscriptions/{call.arm.config.subscription}/resourceGroups/{site.resource_group}",
        "name": site.resource_group,
        "type": "Microsoft.Resources/resourceGroups",
        "location": site.region,
        "properties": {"provisioningState": "Succeeded"},
    }


async def nothing_there(call: Call) -> web.StreamResponse:
    """Answer 404 for a path that this model does not serve."""
    if call.target.site is not None:
        _ = call.slot  # an unknown site or slot is told as such
    raise not_found(call.target.path.strip("/"), call.target.group or "")


SITE_ROUTES: dict[tuple[str, str], tuple[str, Handler]] = {
    ("GET", ""): ("get_site", get_site),
    ("GET", "sites"): ("list_sites", list_sites),
    ("GET", "/slots"): ("list_slots", list_slots),
    ("POST", "/restart"): ("restart", restart),
    ("POST", "/sync"): ("sync", sync),
    ("POST", "/start"): ("start", start),
    ("POST", "/stop"): ("stop", stop),
}
