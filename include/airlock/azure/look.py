"""Looking at one region: both slots through Resource Manager, both builds through their public hosts."""

from __future__ import annotations

import time
from dataclasses import dataclass

from include.airlock.azure.arm import Arm
from include.airlock.azure.connection import AzureAccess, read_connection
from include.airlock.azure.sites import SlotSite, SlotState
from include.airlock.azure.swap_decision import World
from include.airlock.errors import Rejected
from include.airlock.model.health import Reading, read
from include.airlock.model.record import Side, SwapIntent, SwapPhase
from include.airlock.model.service import Service, SlotRegion, SlotSwapService
from include.airlock.status.probe import fetch, status_url


@dataclass
class RegionView:
    """One region of a service, as a step looks at it. Close it through its ``arm``."""

    service: SlotSwapService
    region: SlotRegion
    arm: Arm
    site: SlotSite

    @classmethod
    def of(cls, service: Service, region_name: str) -> RegionView:
        """The view of a region, through the connection that its spec names.

        Raises:
            ConnectionMissing: the connection is absent or incomplete.
        """
        assert isinstance(service, SlotSwapService)
        region = service.region(region_name)
        arm = Arm(read_connection(region.connection))
        return cls(service, region, arm, SlotSite(arm, region))

    def __enter__(self) -> RegionView:
        return self

    def __exit__(self, *_: object) -> None:
        self.arm.__exit__()

    def url(self, slot: SlotState, *, production: bool) -> str:
        """The address of a slot's status page, from the host that the platform tells.

        Raises:
            Rejected: the platform tells no host for this slot.
        """
        host = (self.region.public_host if production else None) or slot.host
        if host is None:
            raise Rejected(f"{self.region.app}: the platform tells no defaultHostName")
        return status_url(host, self.access.public_scheme, self.service.status_page.path)

    @property
    def access(self) -> AzureAccess:
        """The connection as read."""
        return self.arm.access

    def reading(self, url: str) -> Reading:
        """One reading of a status page, on a fresh connection."""
        page = self.service.status_page
        return read(fetch(url, timeout=page.timeout.total_seconds(), ca_file=self.access.ca_file), page)

    def world(self) -> World:
        """Both slots and the builds that answer, as they are now."""
        production, staging = self.site.production(), self.site.staging()
        return World(
            production=production,
            staging=staging,
            production_build=self.reading(self.url(production, production=True)).build,
            staging_build=self.reading(self.url(staging, production=False)).build,
        )


def intent_of(direction: str, production: Side, staging: Side, world: World) -> SwapIntent:
    """A swap that is meant now: what ``staging`` answers shall answer in production."""
    assert staging.build is not None, "what is swapped in has said its build"
    return SwapIntent(
        phase=SwapPhase.INTENT,
        direction=direction,
        production=production,
        staging=staging,
        expected=staging.build,
        swapped_at=world.production.swapped_at,
        since=time.time(),
    )


def sides(world: World) -> tuple[Side, Side]:
    """Production and staging as the record keeps them."""
    return (
        Side(build=world.production_build, deployment_id=world.production.deployment_id),
        Side(build=world.staging_build, deployment_id=world.staging.deployment_id),
    )
