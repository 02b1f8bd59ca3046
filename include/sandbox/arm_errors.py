"""The resource manager's refusals, with the texts and shapes that its clients know.

Two shapes exist. Azure Resource Manager itself (credentials, rights, unknown resources,
throttling) says ``{"error": {"code", "message"}}``. App Service behind it says
``{"Code", "Message", "Target", "Details", "Innererror"}`` with no ``error`` key.
Texts are from vendor documentation and from users' reports of what they were answered.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from include.sandbox.slots import Operation, Site

_CODES = {
    400: "BadRequest",
    404: "NotFound",
    409: "Conflict",
    417: "ExpectationFailed",
    429: "TooManyRequests",
}


class ArmError(Exception):
    """An answer other than success; the door turns it into the response."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = headers or {}

    def response(self) -> web.Response:
        """Return the answer on the wire."""
        return web.json_response(self.body, status=self.status, headers=self.headers)


def arm_error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> ArmError:
    """Return a refusal by the resource manager itself."""
    return ArmError(status, {"error": {"code": code, "message": message}}, headers)


def app_service_body(
    status: int,
    message: str,
    *,
    extended: str | None = None,
    template: str | None = None,
    parameters: list[str] | None = None,
) -> dict[str, Any]:
    """Return the body of a refusal by App Service."""
    code = _CODES.get(status, "InternalServerError")
    entity: dict[str, Any] = {"Code": code, "Message": message}
    if extended:
        entity = {"ExtendedCode": extended, "MessageTemplate": template, "Parameters": parameters, **entity}
    details: list[dict[str, Any]] = [{"Message": message}, {"Code": code}, {"ErrorEntity": entity}]
    return {"Code": code, "Message": message, "Target": None, "Details": details, "Innererror": None}


def app_service_error(status: int, message: str) -> ArmError:
    """Return a refusal by App Service."""
    return ArmError(status, app_service_body(status, message))


def not_found(site_id: str, group: str) -> ArmError:
    """Return 404 for a resource that does not exist; ``site_id`` is its type and name."""
    return arm_error(
        404,
        "ResourceNotFound",
        f"The Resource '{site_id}' under resource group '{group}' was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def operation_in_progress(subscription: str, operation: Operation) -> ArmError:
    """Return 409 because of a running operation (azure-pipelines-tasks#11384 has the text)."""
    site = operation.site
    created = operation.created
    details = (
        f"Id: {operation.id}, OperationName: {operation.kind}, "
        f"CreatedTime: {created.month}/{created.day}/{created.year} "
        f"{created.strftime('%I:%M:%S %p').lstrip('0')}, "
        f"WebSystemName: websites, SubscriptionName: {subscription}, "
        f"WebspaceName: {webspace(site)}, SiteName: {site.name}, SlotName: {operation.slot}, "
        "ServerFarmName: , GeoOperationId: (null)"
    )
    template = "Cannot modify this site because another operation is in progress. Details: {0}"
    message = template.format(details)
    body = app_service_body(409, message, extended="59203", template=template, parameters=[details])
    return ArmError(409, body)


def webspace(site: Site) -> str:
    """Return the name of the web space, as the resource manager makes it."""
    return f"{site.resource_group}-{site.location.replace(' ', '')}webspace"


def deployment_in_progress() -> ArmError:
    """Return 409 because of a running deployment."""
    return app_service_error(
        409, "There is a deployment currently in progress. Please try again when it completes."
    )


def prepared(source: str, target: str) -> ArmError:
    """Return 409 because a preview was started before (azure-powershell#3667 has the text)."""
    return app_service_error(
        409,
        f"Cannot apply configuration from slot '{target}' because this slot has already been prepared "
        f"for swap with slot '{source}'.",
    )


def prepared_config() -> ArmError:
    """Return 409 for a change of settings during a preview ("Set up staging environments")."""
    return app_service_error(
        409, "The slot cannot be changed because its configuration settings have been prepared for swap."
    )


def ping_failed(site: str, slot: str) -> tuple[int, str]:
    """Return 417 and its text (azure-cli#29342)."""
    return (
        417,
        f"Cannot swap site slots for site '{site}' because the '{slot}' slot did not respond to http ping.",
    )


def instances_changed(site: str, slot: str) -> tuple[int, str]:
    """Return 400 and its text (azure-pipelines-tasks#12835)."""
    return 400, (
        f"Cannot swap slots for site '{site}' because the allocation of VM instances for '{slot}' slot "
        "has changed during the swap process. Please retry the swap operation."
    )


def worker_not_started(site: str, slot: str) -> tuple[int, str]:
    """Return 400 and its text (azure-pipelines-tasks#13003)."""
    return 400, (
        f"Cannot swap slots for site '{site}' because the worker process for '{slot}' slot "
        "could not be started."
    )
