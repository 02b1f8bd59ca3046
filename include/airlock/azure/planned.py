"""What a release would do in one region's app, foreseen from what the preflight read. Pure."""

from __future__ import annotations

from include.airlock.azure.sites import SWAPPED_TO
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.plan_report import Foreseen, PlaceSeen, PlannedCall, WayBack, looks_of
from include.airlock.model.record import RegionRecord, Side
from include.airlock.model.refresh import PLACEHOLDER
from include.airlock.model.service import SlotSwapService

SWAP_S = 120.0
"""Seconds that a swap is expected to take when no past release tells: it warms the app up first."""

REFRESH_S = 120.0
"""Seconds that a deploy to staging is expected to take; no release waits for it."""


def foresee(service: SlotSwapService, region: RegionRecord, request: ChangeRequest) -> Foreseen:
    """Give the swap, the refresh afterwards, and the swap back; ``region`` is as the preflight read it."""
    name = region.name
    return Foreseen(
        seen=PlaceSeen(name=name, builds=_builds(region), facts=_facts(region)),
        calls=(_swap(service, name, "swap", SWAP_S),),
        back=WayBack(
            place=name,
            text=f"the slots are swapped again; staging holds {region.old_build} until it is refreshed",
            calls=[_swap(service, name, "roll_back", SWAP_S)],
        ),
        looks=looks_of(service),
        later=_refresh(service, region, request),
    )


def _builds(region: RegionRecord) -> dict[str, str | None]:
    sides = {"production": region.production, "staging": region.staging}
    return {slot: (side or Side()).build for slot, side in sides.items()}


def _facts(region: RegionRecord) -> dict[str, str]:
    """The sign of each slot's content: the same build may have been deployed anew."""
    sides = {"production": region.production, "staging": region.staging}
    return {
        f"{slot}'s deployment": side.deployment_id
        for slot, side in sides.items()
        if side is not None and side.deployment_id
    }


def _swap(service: SlotSwapService, name: str, step: str, seconds: float) -> PlannedCall:
    return PlannedCall(
        place=name,
        step=step,
        call="POST slotsswap",
        target=_slot(service, name),
        body=dict(SWAPPED_TO),
        expected_s=seconds,
    )


def _slot(service: SlotSwapService, name: str) -> str:
    region = service.region(name)
    return f"{region.resource_group}/{region.app}/slots/{region.slot}"


def _refresh(
    service: SlotSwapService, region: RegionRecord, request: ChangeRequest
) -> tuple[PlannedCall, ...]:
    """After the swap staging holds the old build; one that already is what it is to get is left alone."""
    how, build = service.refresh, request.refresh_build or request.build
    if how is None or region.old_build == build:
        return ()
    call, body = "PUT extensions/onedeploy", {}
    if how.container is not None:
        call, body = "PATCH config/web", {"linuxFxVersion": f"DOCKER|{how.container.reference(build)}"}
    elif how.package is not None:
        where = how.package.url or how.package.path or ""
        body = {"packageUri": where.replace(PLACEHOLDER, build), "type": how.package.type}
    target = _slot(service, region.name)
    return (
        PlannedCall(
            place=region.name, step="refresh", call=call, target=target, body=body, expected_s=REFRESH_S
        ),
    )
