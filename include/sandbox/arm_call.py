"""One call of the resource manager: what it names, and what its handlers may use."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from include.sandbox.arm_errors import app_service_error, arm_error, not_found
from include.sandbox.config import SandboxConfig
from include.sandbox.faults import Fault, Faults
from include.sandbox.journal import Journal
from include.sandbox.operation_results import ResultAddresses
from include.sandbox.slots import PRODUCTION, Site, Slot
from include.sandbox.world import World

_RESOURCE = re.compile(
    r"^/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)"
    r"/providers/microsoft\.web/sites(?:/(?P<site>[^/]+)(?:/slots(?:/(?P<slot>[^/]+))?)?(?P<rest>/.*)?)?/?$",
    re.I,
)


@dataclass(frozen=True)
class Target:
    """What a path names: a subscription, a group, a site, a slot of it, and what of it."""

    path: str
    subscription: str | None = None
    group: str | None = None
    site: str | None = None
    slot: str | None = None
    rest: str = ""

    @classmethod
    def of(cls, path: str) -> Target:
        """Read a path, whatever its case."""
        found = _RESOURCE.match(path)
        if found is None:
            parts = path.strip("/").split("/")
            under = parts[0].casefold() == "subscriptions" and len(parts) > 1
            return cls(path, subscription=parts[1] if under else None, rest=path.casefold().rstrip("/"))
        named = found.groupdict()
        rest = (named["rest"] or "").casefold().rstrip("/")
        if named["site"] is None:
            rest = "sites"
        elif named["slot"] is None and re.search(r"/slots/?$", path, re.I):
            rest = "/slots"
        return cls(path, named["subscription"], named["group"], named["site"], named["slot"], rest)


@dataclass
class Arm:
    """What every call shares."""

    config: SandboxConfig
    world: Callable[[], World]
    faults: Faults
    journal: Journal
    addresses: ResultAddresses = field(default_factory=ResultAddresses)
    base: str = ""


@dataclass
class Call:
    """One request: its target, the site and slot found, its body."""

    arm: Arm
    request: web.Request
    target: Target
    operation: str
    found_site: Site | None = None
    found_slot: Slot | None = None
    raw: bytes = b""
    fault: Fault | None = None
    tail: str = ""

    @property
    def world(self) -> World:
        """The world as it is now."""
        return self.arm.world()

    @property
    def site(self) -> Site:
        """The site that the path names. Raises 404."""
        if self.found_site is None:
            raise not_found(f"Microsoft.Web/sites/{self.target.site}", str(self.target.group))
        return self.found_site

    @property
    def slot(self) -> Slot:
        """The slot that the path names, or the site itself. Raises 404."""
        site = self.site
        if self.found_slot is None:
            name = f"Microsoft.Web/sites/{site.name}/slots/{self.target.slot}"
            raise not_found(name, str(self.target.group))
        return self.found_slot

    @property
    def where(self) -> dict[str, str | None]:
        """Service, region and slot, for faults and the journal; None where the path names none."""
        site, slot = self.found_site, self.found_slot
        return {
            "service": site.service if site else None,
            "region": site.region if site else None,
            "slot": slot.name if slot else None,
        }

    def body(self) -> dict[str, Any]:
        """The JSON object of the request. Raises 400."""
        try:
            value = json.loads(self.raw or b"{}")
        except ValueError:
            raise arm_error(
                400, "InvalidRequestContent", "The request content was invalid and could not be deserialized."
            ) from None
        if not isinstance(value, dict):
            raise arm_error(400, "InvalidRequestContent", "The request content must be a JSON object.")
        return value

    def properties(self) -> dict[str, Any]:
        """The ``properties`` of the body. Raises 400."""
        held = self.body().get("properties")
        if not isinstance(held, dict):
            raise app_service_error(400, "The parameter properties has an invalid value.")
        return held

    @property
    def api_version(self) -> str:
        """The version that the request asks for."""
        return self.request.query.get("api-version", "")

    def resource_id(self, slot: Slot | None = None) -> str:
        """The id of the site, or of one of its slots."""
        site = self.site
        slot = slot or self.slot
        whole = (
            f"/subscriptions/{self.arm.config.subscription}/resourceGroups/{site.resource_group}"
            f"/providers/Microsoft.Web/sites/{site.name}"
        )
        return whole if slot.name == PRODUCTION else f"{whole}/slots/{slot.name}"


Handler = Callable[[Call], Awaitable[web.StreamResponse]]
