"""Calls that put content into a slot: OneDeploy from a package's address, and container images."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from include.sandbox.arm_call import Call, Handler
from include.sandbox.arm_errors import app_service_error
from include.sandbox.arm_site_pages import with_zone
from include.sandbox.arm_swaps import refuse_if_busy, refuse_if_prepared
from include.sandbox.closed_model import BUILD_PATTERN
from include.sandbox.faults import Fault
from include.sandbox.slots import Operation, Slot
from include.sandbox.swap import Swap

_LARGEST_PACKAGE = 64 * 2**20
_FAULTS = ("one_deploy_fails", "one_deploy_lies")
# Kudu's DeployStatus: 0 pending, 1 building, 2 deploying, 3 failed, 4 success.
_DEPLOYING, _FAILED, _SUCCESS = 2, 3, 4


class PackageRefused(Exception):
    """The package can't be fetched or read; the text says why."""


def image_build(linux_fx_version: str) -> str | None:
    """Return the build of ``DOCKER|registry/app:TAG``: the tag. None for another kind of stack."""
    kind, _, image = linux_fx_version.partition("|")
    if kind.casefold() != "docker":
        return None
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag if BUILD_PATTERN.match(tag) else None


async def one_deploy(call: Call) -> web.StreamResponse:
    """PUT …/extensions/onedeploy: fetches ``packageUri`` and puts its build into the slot; 202 at once."""
    refuse_if_busy(call)
    refuse_if_prepared(call)
    given = call.properties()
    address = given.get("packageUri")
    if not isinstance(address, str) or urlsplit(address).scheme not in ("http", "https"):
        raise app_service_error(400, "The parameter packageUri has an invalid value.")
    fault = call.arm.faults.match(_FAULTS, **call.where, operation="one_deploy")
    call.fault = fault or call.fault
    operation = Operation("Deploy", call.site, call.slot.name, call.request.headers.get("User-Agent", ""))
    operation.body = _deployment(call, operation, _DEPLOYING, "Deploying", "")
    call.site.operation = operation
    call.world.operations[operation.id] = operation
    work = call.world.spawn(_deploy(call, operation, address, fault))
    if given.get("async") is False:
        await work
    return web.json_response(operation.body, status=202)


async def _deploy(call: Call, operation: Operation, address: str, fault: Fault | None) -> None:
    slot = call.slot
    try:
        build = await _fetched(address)
        await asyncio.sleep(call.arm.config.wait.deploy)
        if fault is not None and fault.fault == "one_deploy_fails":
            raise PackageRefused("Deployment failed: the package could not be extracted.")
    except PackageRefused as refused:
        operation.end(200, _deployment(call, operation, _FAILED, "Failed", str(refused)))
        return
    if fault is None:
        await call.world.put_content(call.site, slot, build, "one deploy")
    operation.end(200, _deployment(call, operation, _SUCCESS, "Success", ""))
    if fault is None:
        await _auto_swap(call, slot)


async def _auto_swap(call: Call, source: Slot) -> None:
    """Swap what was deployed, where the slot says so. Linux apps have no auto swap."""
    name = source.config.get("autoSwapSlotName")
    target = call.site.slot(str(name)) if name else None
    if target is not None and "linux" not in call.site.config.kind:
        Swap(call.world, call.arm.faults, call.site, source, target, by="auto swap", fault=None).start()


async def _fetched(address: str) -> str:
    """Fetch a package and return the build that its manifest names. Raises `PackageRefused`."""
    timeout = aiohttp.ClientTimeout(total=60)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(address) as answer:
            if answer.status != 200:
                raise PackageRefused(f"Failed to download the package: {answer.status}.")
            raw = b""
            async for chunk in answer.content.iter_chunked(2**16):
                raw += chunk
                if len(raw) > _LARGEST_PACKAGE:
                    raise PackageRefused("The package is too large.")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise PackageRefused(f"Failed to download the package: {type(error).__name__}.") from None
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as package:
            build = json.loads(package.read("manifest.json"))["build"]
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError):
        raise PackageRefused("The package is no zip file with a manifest.json.") from None
    if not isinstance(build, str) or not BUILD_PATTERN.match(build):
        raise PackageRefused("The package's manifest names no build.")
    return build


def _deployment(call: Call, operation: Operation, status: int, text: str, message: str) -> dict[str, Any]:
    now = with_zone(datetime.now(UTC))
    return {
        "id": f"{call.resource_id()}/extensions/onedeploy",
        "name": "onedeploy",
        "type": "Microsoft.Web/sites/extensions",
        "location": call.site.location,
        "properties": {
            "id": operation.id,
            "deploymentId": operation.id,
            "status": status,
            "status_text": message,
            "provisioningState": {_DEPLOYING: "InProgress", _FAILED: "Failed"}.get(status, "Succeeded"),
            "message": message or f"OneDeploy: {text}",
            "deployer": "OneDeploy",
            "received_time": with_zone(operation.created),
            "end_time": None if status == _DEPLOYING else now,
            "complete": status != _DEPLOYING,
            "active": status == _SUCCESS,
            "site_name": call.site.name,
        },
    }


async def one_deploy_status(call: Call) -> web.StreamResponse:
    """GET …/extensions/onedeploy: how the slot's last deployment stands."""
    deployments = [
        operation
        for operation in call.world.operations.values()
        if operation.kind == "Deploy" and operation.site is call.site and operation.slot == call.slot.name
    ]
    if not deployments:
        raise app_service_error(404, f"No deployment of site '{call.site.name}' was found.")
    return web.json_response(deployments[-1].body)


async def deployment_status(call: Call) -> web.StreamResponse:
    """GET …/deploymentStatus/{id}: how one deployment stands, as the newer clients ask."""
    operation = call.world.operations.get(call.tail)
    if (
        operation is None
        or operation.kind != "Deploy"
        or operation.site is not call.site
        or not operation.body
    ):
        raise app_service_error(404, f"The deployment {call.tail} is not found.")
    page = {
        "id": f"{call.resource_id()}/deploymentStatus/{operation.id}",
        "name": operation.id,
        "type": "Microsoft.Web/sites/deploymentStatus",
        "location": call.site.location,
        "properties": _runtime_status(call, operation, operation.body["properties"]["status"]),
    }
    return web.json_response(page)


def _runtime_status(call: Call, operation: Operation, status: int) -> dict[str, Any]:
    word = {_DEPLOYING: "BuildInProgress", _FAILED: "RuntimeFailed"}.get(status, "RuntimeSuccessful")
    instances = len(call.slot.app.instances)
    return {
        "deploymentId": operation.id,
        "status": word,
        "numberOfInstancesInProgress": 0,
        "numberOfInstancesSuccessful": instances if status == _SUCCESS else 0,
        "numberOfInstancesFailed": instances if status == _FAILED else 0,
        "failedInstancesLogs": None,
        "errors": None,
    }


DEPLOY_ROUTES: dict[tuple[str, str], tuple[str, Handler]] = {
    ("PUT", "/extensions/onedeploy"): ("one_deploy", one_deploy),
    ("GET", "/extensions/onedeploy"): ("one_deploy_status", one_deploy_status),
    ("GET", "/deploymentstatus/*"): ("deployment_status", deployment_status),
}
