"""The resource manager's door: every request's way from its arrival to its answer.

Order: route, journal, connection faults, credentials, throttling, api-version, subscription,
then the call itself. Ids are compared whatever their case.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from include.sandbox.arm_call import Arm, Call, Handler, Target
from include.sandbox.arm_errors import ArmError, arm_error
from include.sandbox.arm_routes import found
from include.sandbox.faults import Fault
from include.sandbox.journal import Entry
from include.sandbox.throttle import Throttle
from include.sandbox.tokens import TokenExpired, TokenRefused, Tokens

# POST calls that change nothing, so that the journal counts them only.
_READING = frozenset(("list_app_settings", "list_connection_strings", "list_publish_profiles", "slots_diffs"))
_API_VERSION = re.compile(r"^\d{4}-\d{2}-\d{2}(-\w+)?$")
_BEFORE = (
    "connection_dropped",
    "token_expired",
    "forbidden",
    "throttled",
    "server_error",
    "reply_lost",
    "slow_answer",
    "request_held",
)
_LARGEST_BODY = 4 * 2**20


class ArmDoor:
    """Serves https://…/subscriptions/… for the sandbox."""

    def __init__(self, arm: Arm, tokens: Tokens) -> None:
        self.arm = arm
        self._tokens = tokens
        self._authority = ""
        self._throttle = Throttle(arm.config.limits)

    def reset(self) -> None:
        """Fill the token buckets again."""
        self._throttle = Throttle(self.arm.config.limits)

    def open(self, base: str, authority: str) -> None:
        """Learn the door's own address and the authority's, once they are known."""
        self.arm.base, self._authority = base, authority

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        call, handler = self._route(request)
        call.raw = await request.read()
        entry = self._note(call)
        fault = self.arm.faults.match(_BEFORE, **call.where, operation=call.operation)
        call.fault = fault
        if fault is not None and fault.fault == "connection_dropped":
            return _hang_up(request, entry, fault)
        if fault is not None and fault.fault == "request_held":
            await asyncio.sleep(fault.params["delay"])
            if _gone(request):
                return _hang_up(request, entry, fault)
        limits: dict[str, str] = {}
        try:
            response = await self._answer(call, handler, limits)
        except ArmError as refused:
            response = refused.response()
        if entry is not None:
            entry["status"] = response.status
            entry["fault"] = call.fault.fault if call.fault else None
        if fault is not None and fault.fault == "slow_answer":
            await asyncio.sleep(fault.params["delay"])
        if fault is not None and fault.fault == "reply_lost":
            return _hang_up(request, entry, fault)
        response.headers.update({**_common_headers(request), **limits})
        return response

    def _route(self, request: web.Request) -> tuple[Call, Handler]:
        target = Target.of(request.path)
        operation, handler, tail = found(request.method, target)
        call = Call(self.arm, request, target, operation, tail=tail)
        site = self.arm.world().sites.get((target.site or "").casefold())
        if site is not None and site.resource_group.casefold() == (target.group or "").casefold():
            call.found_site = site
            call.found_slot = site.slot(target.slot) if target.slot else site.production
        return call, handler

    def _note(self, call: Call) -> Entry | None:
        if call.request.method in ("GET", "HEAD") or call.operation in _READING:
            self.arm.journal.count(call.operation, service=call.where["service"])
            return None
        return self.arm.journal.record(
            method=call.request.method,
            path=call.request.path,
            operation=call.operation,
            **call.where,
            body=_readable(call.raw),
            client=call.request.headers.get("User-Agent"),
        )

    async def _answer(self, call: Call, handler: Handler, limits: dict[str, str]) -> web.StreamResponse:
        _refuse_by_fault(call)
        claims = self._authenticate(call)
        write = call.request.method not in ("GET", "HEAD")
        wait, left = self._throttle.take(str(claims["appid"]), write)
        limits.update(left)
        if wait:
            raise _throttled(wait)
        _check_version(call)
        wanted = call.target.subscription
        if wanted is not None and wanted.casefold() != self.arm.config.subscription:
            raise arm_error(404, "SubscriptionNotFound", f"The subscription '{wanted}' could not be found.")
        return await handler(call)

    def _authenticate(self, call: Call) -> dict[str, Any]:
        scheme, _, token = call.request.headers.get("Authorization", "").partition(" ")
        where = f"{self._authority}/{self.arm.config.tenant}"
        challenge = {"WWW-Authenticate": f'Bearer authorization_uri="{where}", error="invalid_token"'}
        if scheme.casefold() != "bearer" or not token:
            text = "Authentication failed. The 'Authorization' header is missing."
            raise arm_error(401, "AuthenticationFailed", text, challenge)
        try:
            claims = self._tokens.check(token)
        except TokenExpired as expired:
            raise _expired(expired.at, challenge) from None
        except TokenRefused:
            raise arm_error(
                401, "InvalidAuthenticationToken", "The access token is invalid.", challenge
            ) from None
        if call.fault is not None and call.fault.fault == "token_expired":
            raise _expired(datetime.now(UTC).timestamp() - 60, challenge)
        return claims


def _refuse_by_fault(call: Call) -> None:
    fault = call.fault
    if fault is None:
        return
    match fault.fault:
        case "forbidden":
            client = call.arm.config.client_id
            raise arm_error(
                403,
                "AuthorizationFailed",
                f"The client '{client}' with object id '{client}' does not have authorization to "
                f"perform action 'Microsoft.Web/sites/{call.operation}' over scope '{call.target.path}' "
                "or the scope is invalid. If access was recently granted, please refresh your credentials.",
            )
        case "throttled":
            raise _throttled(fault.params["retry_after"])
        case "server_error":
            wait = fault.params["retry_after"]
            headers = {} if wait is None else {"Retry-After": str(wait)}
            status = int(fault.params["status"])
            code = {500: "InternalServerError", 502: "BadGateway", 504: "GatewayTimeout"}.get(
                status, "ServiceUnavailable"
            )
            raise arm_error(status, code, "The service is temporarily unavailable.", headers)


def _throttled(wait: float) -> ArmError:
    text = f"Number of requests exceeded the limit. Please try again after '{wait}' seconds."
    return arm_error(429, "TooManyRequests", text, {"Retry-After": str(wait)})


def _expired(at: float, challenge: dict[str, str]) -> ArmError:
    words = [datetime.fromtimestamp(moment, UTC).strftime("%m/%d/%Y %I:%M:%S %p") for moment in (at, _now())]
    text = f"The access token expiry UTC time '{words[0]}' is earlier than current UTC time '{words[1]}'."
    return arm_error(401, "ExpiredAuthenticationToken", text, challenge)


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _check_version(call: Call) -> None:
    version = call.request.query.get("api-version")
    if not version:
        text = "The api-version query parameter (?api-version=) is required for all requests."
        raise arm_error(400, "MissingApiVersionParameter", text)
    if not _API_VERSION.match(version):
        raise arm_error(400, "InvalidApiVersionParameter", f"The api-version '{version[:40]}' is invalid.")


def _hang_up(request: web.Request, entry: Entry | None, fault: Fault) -> web.Response:
    """Close the connection with no answer; what is returned never reaches the client."""
    if entry is not None:
        entry["fault"] = fault.fault
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _readable(raw: bytes) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except ValueError:
        return f"<{len(raw)} bytes, no JSON>"


def _common_headers(request: web.Request) -> dict[str, str]:
    own = str(uuid.uuid4())
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        "x-ms-request-id": own,
        "x-ms-correlation-request-id": request.headers.get("x-ms-correlation-request-id", own),
        "x-ms-routing-request-id": f"SANDBOX:{stamp}:{own}",
    }


def arm_app(door: ArmDoor, metadata: web.RouteTableDef | list[web.RouteDef]) -> web.Application:
    """Return the web application of the resource manager's port."""
    app = web.Application(client_max_size=_LARGEST_BODY)
    app.router.add_routes(metadata)
    app.router.add_route("*", "/{path:.*}", door.serve)
    return app
