"""Calls that swap: slotsswap, applySlotConfig, resetSlotConfig, slotsdiffs, operationresults."""

from __future__ import annotations

import asyncio

from aiohttp import web

from include.sandbox import arm_errors
from include.sandbox.arm_call import Call, Handler
from include.sandbox.arm_errors import ArmError, app_service_error, arm_error
from include.sandbox.arm_site_pages import etag, site_page
from include.sandbox.faults import Fault
from include.sandbox.slots import Operation, Slot
from include.sandbox.swap import FAULT_NAMES, Swap

_AT_ONCE = {
    "swap_ping_failed": arm_errors.ping_failed,
    "instances_changed": arm_errors.instances_changed,
    "worker_not_started": arm_errors.worker_not_started,
}


def target_slot(call: Call) -> Slot:
    """Return the slot that the body names as target. Raises 400 and 404."""
    body = call.body()
    name = body.get("targetSlot")
    if not isinstance(name, str) or not name:
        raise app_service_error(400, "The parameter targetSlot has an invalid value.")
    if "preserveVnet" not in body:
        raise app_service_error(400, "The parameter preserveVnet has an invalid value.")
    slot = call.site.slot(name)
    if slot is None:
        raise app_service_error(404, f"Cannot find slot '{name}' of site '{call.site.name}'.")
    if slot is call.slot:
        raise app_service_error(400, f"Cannot swap slot '{name}' with itself.")
    return slot


def refuse_if_busy(call: Call) -> None:
    """Raise 409 when another operation holds the site."""
    operation = call.site.operation
    if operation is None:
        return
    if call.site.deploying:
        raise arm_errors.deployment_in_progress()
    raise arm_errors.operation_in_progress(call.arm.config.subscription, operation)


def refuse_if_prepared(call: Call) -> None:
    """Raise 409 when a swap with preview waits for its second phase."""
    if call.slot.swap_target is not None:
        raise arm_errors.prepared_config()


async def swap(call: Call) -> web.StreamResponse:
    """POST …/slotsswap: 202 with the address of the result, unless the site's state or a fault forbids it."""
    source, target = call.slot, target_slot(call)
    fault = call.arm.faults.match(FAULT_NAMES, **call.where, operation="swap")
    call.fault = fault or call.fault
    if fault is not None:
        _refused(call, fault, source, target)
    refuse_if_busy(call)
    _refuse_if_unfit(call, source, target)
    operation = _begin(call, source, target, by=call.request.headers.get("User-Agent", ""), fault=fault)
    if fault is not None and fault.fault == "swap_503_after_done":
        await _gateway(operation, fault)
    return accepted(call, operation)


def _begin(call: Call, source: Slot, target: Slot, *, by: str, fault: Fault | None) -> Operation:
    return Swap(call.world, call.arm.faults, call.site, source, target, by=by, fault=fault).start()


def _refused(call: Call, fault: Fault, source: Slot, target: Slot) -> None:
    """Raise the answer of a fault that refuses at once."""
    subscription = call.arm.config.subscription
    match fault.fault:
        case "swap_conflict":
            refuse_if_busy(call)
            theirs = _begin(call, source, target, by=str(fault.params["by"]), fault=None)
            raise arm_errors.operation_in_progress(subscription, theirs)
        case "conflict_only":
            ghost = Operation("SwapSiteSlots", call.site, source.name, "someone")
            raise arm_errors.operation_in_progress(subscription, ghost)
        case "prepared_for_swap":
            raise arm_errors.prepared(source.title, target.title)
        case "deployment_in_progress":
            raise arm_errors.deployment_in_progress()
        case name if name in _AT_ONCE and fault.params["when"] == "request":
            raise app_service_error(*_AT_ONCE[name](call.site.name, source.name))


def _refuse_if_unfit(call: Call, source: Slot, target: Slot) -> None:
    for slot, other in ((source, target), (target, source)):
        if slot.swap_target is not None and slot.swap_target.casefold() != other.name:
            raise arm_errors.prepared(slot.swap_target, slot.title)
    for slot in (source, target):
        if slot.state != "Running":
            raise app_service_error(
                409,
                f"Cannot swap slots for site '{call.site.name}' because the '{slot.name}' slot is stopped.",
            )


async def _gateway(operation: Operation, fault: Fault) -> None:
    if fault.params["when"] != "started":
        await operation.over.wait()
    wait = fault.params["retry_after"]
    headers = {} if wait is None else {"Retry-After": str(wait)}
    status = int(fault.params["status"])
    raise arm_error(status, "ServiceUnavailable", "The service is unavailable.", headers)


def accepted(call: Call, operation: Operation) -> web.Response:
    """Return 202, empty, with a fresh address of the result."""
    slot = operation.site.slots[operation.slot]
    base = call.arm.base + call.resource_id(slot)
    location = call.arm.addresses.make(base, operation.id, call.api_version)
    headers = {"Location": location, "ETag": etag(slot)}
    if call.arm.config.protocol.retry_after:
        headers["Retry-After"] = str(call.arm.config.protocol.retry_after)
    return web.Response(status=202, headers=headers)


async def operation_result(call: Call) -> web.StreamResponse:
    """GET …/operationresults/{id}: 202 until the end, then 200 with the slot's JSON or the failure."""
    fault = call.arm.faults.match({"operation_gone"}, **call.where, operation=call.operation)
    call.fault = fault or call.fault
    operation = call.world.operations.get(call.tail)
    if not call.arm.addresses.fits(call.tail, call.request.query):
        raise arm_error(403, "AuthorizationFailed", "The signature of the operation's address does not fit.")
    if fault is not None or operation is None or operation.site is not call.site or _expired(call, operation):
        raise app_service_error(404, f"The operation {call.tail} is not found.")
    if not operation.done:
        return accepted(call, operation)
    if operation.body is not None:
        raise ArmError(operation.status, operation.body)
    slot = call.site.slots[operation.slot]
    return web.json_response(site_page(call, slot), headers={"ETag": etag(slot)})


def _expired(call: Call, operation: Operation) -> bool:
    now = asyncio.get_running_loop().time()
    return operation.done and now - operation.ended > call.arm.config.protocol.operation_kept


async def apply_slot_config(call: Call) -> web.StreamResponse:
    """POST …/applySlotConfig: the first phase of a swap with preview; the second is slotsswap."""
    source, target = call.slot, target_slot(call)
    refuse_if_busy(call)
    if source.swap_target is not None or target.swap_target is not None:
        raise arm_errors.prepared(target.swap_target or source.title, target.title)
    _refuse_if_unfit(call, source, target)
    if source.config.get("siteAuthEnabled") or target.config.get("siteAuthEnabled"):
        raise app_service_error(
            409, "Swap with preview cannot be used because site authentication is enabled."
        )
    source.swap_target, target.swap_target = target.title, source.title
    by = call.request.headers.get("User-Agent", "")
    await Swap(call.world, call.arm.faults, call.site, source, target, by=by, fault=None).apply_settings()
    return web.Response(status=200)


async def reset_slot_config(call: Call) -> web.StreamResponse:
    """POST …/resetSlotConfig: cancels a preview on this slot; its app gets the slot's own settings back.

    Nothing to cancel is no error (azure-powershell#3667).
    """
    refuse_if_busy(call)
    slot = call.slot
    await asyncio.sleep(call.arm.config.wait.preview)
    slot.swap_target = None
    if slot.applied_from is not None:
        # Only the source runs with other settings than its own; the target never left its own.
        slot.applied_from = None
        await call.world.restart(call.site, slot, "preview cancelled")
    return web.Response(status=200)


SWAP_ROUTES: dict[tuple[str, str], tuple[str, Handler]] = {
    ("POST", "/slotsswap"): ("swap", swap),
    ("POST", "/applyslotconfig"): ("apply_slot_config", apply_slot_config),
    ("POST", "/resetslotconfig"): ("reset_slot_config", reset_slot_config),
    ("GET", "/operationresults/*"): ("operation_result", operation_result),
}
