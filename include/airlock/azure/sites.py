"""One region's app: its production slot and its staging slot, read and changed through Resource Manager.

Paths and bodies are those of Microsoft.Web's REST reference (``WebApps``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from include.airlock.azure.arm import Answer, Arm, error_of, path_of
from include.airlock.errors import Rejected
from include.airlock.model.service import SlotRegion

SWAPPED_TO = {"targetSlot": "production", "preserveVnet": True}
"""What is sent with a swap of staging."""


@dataclass(frozen=True)
class SlotState:
    """What Resource Manager tells of one slot. Absent fields are None, never assumed.

    ``swapped_at`` is ``slotSwapStatus.timestampUtc`` (last successful swap); ``deployment_id``
    travels with the content; ``operation`` is set while an operation runs; ``preview`` names
    the slot whose settings a swap with preview left applied here.
    """

    state: str | None
    host: str | None
    hosts: tuple[str, ...]
    deployment_id: str | None
    swapped_at: str | None
    operation: str | None
    preview: str | None


def slot_state(body: Any) -> SlotState:
    """Read a site's or slot's JSON; pure, and tolerant of absent or null fields."""
    properties = body.get("properties") if isinstance(body, dict) else None
    told: dict[str, Any] = properties if isinstance(properties, dict) else {}
    swap = told.get("slotSwapStatus")
    hosts = told.get("hostNames")
    return SlotState(
        state=_text(told.get("state")),
        host=_text(told.get("defaultHostName")),
        hosts=tuple(str(host) for host in hosts) if isinstance(hosts, list) else (),
        deployment_id=_text(told.get("deploymentId")),
        swapped_at=_text(swap.get("timestampUtc")) if isinstance(swap, dict) else None,
        operation=_text(told.get("inProgressOperationId")),
        preview=_text(told.get("targetSwapSlot")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


class SlotSite:
    """One region's app as Resource Manager shows it."""

    def __init__(self, arm: Arm, region: SlotRegion) -> None:
        self._arm = arm
        self.region = region
        self._site = path_of(
            *("subscriptions", arm.access.subscription, "resourceGroups", region.resource_group),
            *("providers", "Microsoft.Web", "sites", region.app),
        )
        self._slot = self._site + path_of("slots", region.slot)

    def production(self) -> SlotState:
        """The production slot's state."""
        return slot_state(self._arm.get(self._site, what=f"read app {self.region.app}").body)

    def staging(self) -> SlotState:
        """The staging slot's state."""
        what = f"read slot {self.region.slot} of {self.region.app}"
        return slot_state(self._arm.get(self._slot, what=what).body)

    def swap(self) -> Answer:
        """Ask once to swap staging into production; the answer as it is, whatever it is.

        Raises:
            Unreachable: no answer; the swap may or may not run.
        """
        what = f"swap {self.region.app}"
        return self._arm.act("POST", f"{self._slot}/slotsswap", body=SWAPPED_TO, what=what)

    def follow(self, location: str) -> Answer:
        """Read a running operation at its newest ``Location``."""
        return self._arm.follow(location, what=f"follow the operation of {self.region.app}")

    def reset_preview(self) -> None:
        """Cancel a swap with preview that was left behind. Tools disagree which slot to ask, so both are."""
        for path in (self._slot, self._site):
            answer = self._arm.act(
                "POST", f"{path}/resetSlotConfig", what=f"cancel the preview of {self.region.app}"
            )
            if answer.status >= 400:
                raise error_of(answer, f"cancel the preview of {self.region.app}")

    def differences(self) -> list[dict[str, Any]]:
        """What would differ after a swap, all pages."""
        what = f"compare the slots of {self.region.app}"
        answer = self._arm.read_by_post(f"{self._slot}/slotsdiffs", body=SWAPPED_TO, what=what)
        found: list[dict[str, Any]] = []
        for _ in range(20):
            page = answer.body if isinstance(answer.body, dict) else {}
            found += [row.get("properties", row) for row in page.get("value") or [] if isinstance(row, dict)]
            following = page.get("nextLink")
            if not following:
                return found
            answer = self._arm.follow(following, what=what)
            if answer.status >= 400:
                raise error_of(answer, what)
        raise Rejected(f"{what}: more than 20 pages of differences")

    def config(self, *, staging: bool) -> dict[str, Any]:
        """``config/web`` of one slot."""
        path = self._slot if staging else self._site
        answer = self._arm.get(f"{path}/config/web", what=f"read the configuration of {self.region.app}")
        return _properties(answer)

    def settings(self, *, staging: bool) -> dict[str, Any]:
        """The app settings of one slot. They may hold secrets: look at single keys, log none."""
        path = self._slot if staging else self._site
        what = f"read the settings of {self.region.app}"
        return _properties(self._arm.read_by_post(f"{path}/config/appsettings/list", what=what))

    def sticky_settings(self) -> frozenset[str]:
        """The names of the app settings that stay with their slot in a swap."""
        what = f"read the slot settings of {self.region.app}"
        names = _properties(self._arm.get(f"{self._site}/config/slotConfigNames", what=what))
        return frozenset(str(name) for name in names.get("appSettingNames") or [])

    def set_container(self, image: str) -> Answer:
        """Let staging run a container image, ``name:tag``."""
        body = {"properties": {"linuxFxVersion": f"DOCKER|{image}"}}
        return self._arm.act(
            "PATCH", f"{self._slot}/config/web", body=body, what=f"set the image of {self.region.app}"
        )

    def deploy_package(self, url: str, kind: str) -> Answer:
        """Let staging fetch and deploy a package (OneDeploy) of a kind like ``zip``."""
        body = {"properties": {"packageUri": url, "type": kind, "async": True, "restart": True}}
        path = f"{self._slot}/extensions/onedeploy"
        return self._arm.act(
            "PUT", path, body=body, what=f"deploy to {self.region.slot} of {self.region.app}"
        )


def _properties(answer: Answer) -> dict[str, Any]:
    body = answer.body if isinstance(answer.body, dict) else {}
    found = body.get("properties")
    return found if isinstance(found, dict) else {}
