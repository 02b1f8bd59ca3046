"""Calls on an app's settings: appsettings, connectionstrings, slotConfigNames and config/web."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from include.sandbox import arm_errors
from include.sandbox.arm_call import Call, Handler
from include.sandbox.arm_deploys import image_build
from include.sandbox.arm_errors import app_service_error
from include.sandbox.arm_site_pages import config_page, web_config
from include.sandbox.arm_swaps import refuse_if_busy
from include.sandbox.config import ConnectionString
from include.sandbox.slots import STAYING_CONFIG


def _refuse_if_changing(call: Call) -> None:
    refuse_if_busy(call)
    if call.slot.swap_target is not None:
        raise arm_errors.prepared_config()


async def list_app_settings(call: Call) -> web.StreamResponse:
    """POST …/config/appsettings/list."""
    return web.json_response(config_page(call, "appsettings", dict(call.slot.settings)))


async def put_app_settings(call: Call) -> web.StreamResponse:
    """PUT …/config/appsettings: replaces all of them, and restarts the app."""
    _refuse_if_changing(call)
    given = call.properties()
    if not all(isinstance(value, str | int | float | bool | None) for value in given.values()):
        raise app_service_error(400, "The parameter properties has an invalid value.")
    call.slot.settings = {name: "" if value is None else str(value) for name, value in given.items()}
    call.slot.touch()
    await call.world.restart(call.site, call.slot, "app settings changed")
    return web.json_response(config_page(call, "appsettings", dict(call.slot.settings)))


async def list_connection_strings(call: Call) -> web.StreamResponse:
    """POST …/config/connectionstrings/list."""
    held = {name: setting.model_dump() for name, setting in call.slot.connection_strings.items()}
    return web.json_response(config_page(call, "connectionstrings", held))


async def put_connection_strings(call: Call) -> web.StreamResponse:
    """PUT …/config/connectionstrings: replaces all of them, and restarts the app."""
    _refuse_if_changing(call)
    try:
        held = {name: ConnectionString.model_validate(value) for name, value in call.properties().items()}
    except ValueError:
        raise app_service_error(400, "The parameter properties has an invalid value.") from None
    call.slot.connection_strings = held
    call.slot.touch()
    await call.world.restart(call.site, call.slot, "connection strings changed")
    return await list_connection_strings(call)


def _names_page(call: Call) -> dict[str, Any]:
    sticky = call.site.sticky
    return {
        "id": None,
        "name": call.site.name,
        "type": "Microsoft.Web/sites",
        "location": call.site.location,
        "properties": {
            "connectionStringNames": sticky.connection_strings or None,
            "appSettingNames": sticky.settings or None,
            "azureStorageConfigNames": sticky.storage or None,
        },
    }


async def get_slot_config_names(call: Call) -> web.StreamResponse:
    """GET …/config/slotConfigNames, of the site: which settings stay with a slot."""
    return web.json_response(_names_page(call))


async def put_slot_config_names(call: Call) -> web.StreamResponse:
    """PUT …/config/slotConfigNames."""
    _refuse_if_changing(call)
    given, sticky = call.properties(), call.site.sticky
    sticky.settings = [str(name) for name in given.get("appSettingNames") or ()]
    sticky.connection_strings = [str(name) for name in given.get("connectionStringNames") or ()]
    sticky.storage = [str(name) for name in given.get("azureStorageConfigNames") or ()]
    return web.json_response(_names_page(call))


async def get_config(call: Call) -> web.StreamResponse:
    """GET …/config/web."""
    return web.json_response(config_page(call, "web", web_config(call.slot)))


async def change_config(call: Call) -> web.StreamResponse:
    """PATCH or PUT …/config/web; another image in ``linuxFxVersion`` changes the content."""
    _refuse_if_changing(call)
    given = call.properties()
    rules = (given.get("experiments") or {}).get("rampUpRules") or []
    for rule in rules:
        if call.site.slot(str(rule.get("name"))) is None:
            raise app_service_error(400, f"Cannot find slot '{rule.get('name')}' of a traffic routing rule.")
    slot = call.slot
    before = web_config(slot)
    changed = {name: value for name, value in given.items() if before.get(name) != value}
    for name, value in changed.items():
        (slot.config if name in STAYING_CONFIG else slot.app.config)[name] = value
    slot.touch()
    build = image_build(str(changed.get("linuxFxVersion")))
    if build is not None:
        call.world.spawn(_pull(call, build))
    elif set(changed) - set(STAYING_CONFIG):
        await call.world.restart(call.site, slot, "configuration changed")
    return await get_config(call)


async def _pull(call: Call, build: str) -> None:
    app = call.slot.app
    await asyncio.sleep(call.arm.config.wait.pull)
    holders = [slot for slot in call.site.slots.values() if slot.app is app]
    await call.world.put_content(call.site, holders[0], build, "container image")


SETTINGS_ROUTES: dict[tuple[str, str], tuple[str, Handler]] = {
    ("POST", "/config/appsettings/list"): ("list_app_settings", list_app_settings),
    ("PUT", "/config/appsettings"): ("put_app_settings", put_app_settings),
    ("POST", "/config/connectionstrings/list"): ("list_connection_strings", list_connection_strings),
    ("PUT", "/config/connectionstrings"): ("put_connection_strings", put_connection_strings),
    ("GET", "/config/slotconfignames"): ("get_slot_config_names", get_slot_config_names),
    ("PUT", "/config/slotconfignames"): ("put_slot_config_names", put_slot_config_names),
    ("GET", "/config/web"): ("get_config", get_config),
    ("PATCH", "/config/web"): ("patch_config", change_config),
    ("PUT", "/config/web"): ("put_config", change_config),
}
