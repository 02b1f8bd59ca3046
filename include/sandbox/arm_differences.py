"""The call that compares two slots before a swap: slotsdiffs, in pages."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from include.sandbox.arm_call import Call, Handler
from include.sandbox.arm_swaps import target_slot
from include.sandbox.slots import Slot


async def slots_diffs(call: Call) -> web.StreamResponse:
    """POST …/slotsdiffs: how the two slots differ, in pages."""
    target = call.site.slot(call.request.query.get("targetSlot", "")) or target_slot(call)
    await asyncio.sleep(call.arm.config.wait.preview)
    items = [*_fault_diffs(call), *_setting_diffs(call, target), *_config_diffs(call, target)]
    size = call.arm.config.protocol.page_size
    skip = int(call.request.query.get("$skip", "0") or 0)
    page: dict[str, Any] = {"value": items[skip : skip + size], "nextLink": None}
    if skip + size < len(items):
        query = urlencode({"api-version": call.api_version, "$skip": skip + size, "targetSlot": target.name})
        page["nextLink"] = f"{call.arm.base}{call.resource_id()}/slotsdiffs?{query}"
    return web.json_response(page)


def _difference(
    call: Call, level: str, kind: str, rule: str, name: str, ours: Any, theirs: Any
) -> dict[str, Any]:
    told = {"Information": "differs", "Warning": "stays with the slot", "Error": "prevents the swap"}
    return {
        "id": f"{call.resource_id()}/slotsdiffs/{name}",
        "name": name,
        "type": "Microsoft.Web/sites/slotsdiffs",
        "properties": {
            "level": level,
            "settingType": kind,
            "diffRule": rule,
            "settingName": name,
            "valueInCurrentSlot": ours,
            "valueInTargetSlot": theirs,
            "description": f"{kind} '{name}' {told.get(level, 'differs')}.",
        },
    }


def _fault_diffs(call: Call) -> list[dict[str, Any]]:
    fault = call.arm.faults.match({"slot_difference"}, **call.where, operation="slots_diffs")
    if fault is None:
        return []
    level, setting = str(fault.params["level"]), str(fault.params["setting"])
    return [_difference(call, level, "General", "DoNotSwap", setting, "one", "another")]


def _setting_diffs(call: Call, target: Slot) -> list[dict[str, Any]]:
    ours, theirs = call.slot.settings, target.settings
    names = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    # Values of app settings may be secret: the platform masks them here as well.
    return [
        _difference(
            call,
            "Information",
            "AppSetting",
            "DoNotSwap" if call.site.sticky.keeps(name) else "Swap",
            name,
            "(present)" if name in ours else None,
            "(present)" if name in theirs else None,
        )
        for name in names
    ]


def _config_diffs(call: Call, target: Slot) -> list[dict[str, Any]]:
    ours, theirs = call.slot.app.config, target.app.config
    found = [
        _difference(call, "Information", "General", "Swap", name, ours.get(name), theirs.get(name))
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    ]
    if call.slot.config.get("siteAuthEnabled") or target.config.get("siteAuthEnabled"):
        found.append(
            _difference(call, "Warning", "Authentication", "DoNotSwap", "siteAuthEnabled", None, None)
        )
    return found


DIFFERENCE_ROUTES: dict[tuple[str, str], tuple[str, Handler]] = {
    ("POST", "/slotsdiffs"): ("slots_diffs", slots_diffs),
    ("GET", "/slotsdiffs"): ("slots_diffs", slots_diffs),  # the following pages
}
