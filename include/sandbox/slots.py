"""The apps, their slots, and what occupies them: the nouns of the world."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from include.sandbox.application import Instance
from include.sandbox.config import ConnectionString, RegionConfig
from include.sandbox.default_world import LOCATIONS

PRODUCTION = "production"

# What stays with a slot in a swap; everything else of siteConfig travels with the content. Source:
# learn.microsoft.com, "Set up staging environments in Azure App Service", "Settings that aren't swapped".
STAYING_CONFIG = frozenset(
    (
        "alwaysOn",
        "autoSwapSlotName",
        "cors",
        "experiments",
        "ipSecurityRestrictions",
        "minTlsVersion",
        "numberOfWorkers",
        "scmIpSecurityRestrictions",
        "siteAuthEnabled",
        "vnetName",
    )
)
STAYING_SUFFIX = "_EXTENSION_VERSION"


@dataclass
class Swapped:
    """The last successful swap of a slot."""

    at: datetime
    source: str
    destination: str


@dataclass
class App:
    """What a swap moves: the content, its instances and the settings that travel with it."""

    build: str
    deployment_id: str
    config: dict[str, Any] = field(default_factory=dict)
    instances: list[Instance] = field(default_factory=list)


@dataclass
class Slot:
    """A place with a public host. Its name, host and sticky settings stay; its app comes and goes.

    ``applied_from`` names the slot whose sticky settings its instances run with, during a swap.
    """

    name: str
    app: App
    settings: dict[str, str]
    connection_strings: dict[str, ConnectionString]
    config: dict[str, Any] = field(default_factory=dict)
    host: str = ""
    state: str = "Running"
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))
    etag_salt: int = 0
    swapped: Swapped | None = None
    swap_target: str | None = None
    applied_from: str | None = None
    unavailable_until: float = 0.0
    turns: Iterator[int] = field(default_factory=itertools.count)

    @property
    def is_production(self) -> bool:
        """Whether this is the site itself."""
        return self.name == PRODUCTION

    @property
    def title(self) -> str:
        """The name as ``slotSwapStatus`` writes it: "Production", but a slot's own name as it is."""
        return self.name.capitalize() if self.is_production else self.name

    def touch(self) -> None:
        """Note a change: ``lastModifiedTimeUtc`` and the ETag move."""
        self.modified = datetime.now(UTC)
        self.etag_salt += 1

    def pick(self) -> Instance | None:
        """Return the instance whose turn it is; None when none can serve."""
        able = [instance for instance in self.app.instances if not instance.failed]
        return able[next(self.turns) % len(able)] if able else None


@dataclass
class Sticky:
    """``slotConfigNames``: the settings that stay with a slot."""

    settings: list[str]
    connection_strings: list[str]
    storage: list[str] = field(default_factory=list)

    def keeps(self, setting: str) -> bool:
        """Tell whether an app setting stays with its slot in a swap."""
        return setting in self.settings or setting.endswith(STAYING_SUFFIX)


class Site:
    """One app of one service in one region."""

    def __init__(self, service: str, region: str, config: RegionConfig) -> None:
        self.service = service
        self.region = region
        self.config = config
        self.name = config.app or f"{service}-{region}"
        self.resource_group = config.resource_group or f"rg-{service}-{region}"
        self.location = config.location or LOCATIONS.get(region, region)
        self.sticky = Sticky(list(config.sticky_settings), list(config.sticky_connection_strings))
        self.slots: dict[str, Slot] = {}
        self.operation: Operation | None = None

    @property
    def production(self) -> Slot:
        """The site itself."""
        return self.slots[PRODUCTION]

    def slot(self, name: str) -> Slot | None:
        """Find a slot, whatever the case of the name."""
        return self.slots.get(name.casefold())

    @property
    def deploying(self) -> bool:
        """Whether a deployment is in progress in any slot."""
        return self.operation is not None and self.operation.kind == "Deploy"


@dataclass
class Operation:
    """Something that takes time and keeps others off the site: a swap, a deployment.

    ``status`` and ``body`` are the answer once ``done``; until then its result answers 202.
    """

    kind: str
    site: Site
    slot: str
    by: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    target: str | None = None
    phase: str = "accepted"
    done: bool = False
    status: int = 200
    body: dict[str, Any] | None = None
    ended: float = 0.0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, status: int = 200, body: dict[str, Any] | None = None) -> None:
        """Set the answer, and let the site go if this operation still holds it."""
        self.status, self.body, self.done = status, body, True
        self.ended = asyncio.get_running_loop().time()
        if self.site.operation is self:
            self.site.operation = None
        self.over.set()

    def snapshot(self) -> dict[str, Any]:
        """Return the operation as JSON, for the control door."""
        shown = {
            "id": self.id,
            "operation": self.kind,
            "slot": self.slot,
            "target": self.target,
            "by": self.by,
        }
        return {**shown, "phase": self.phase, "created": self.created.timestamp()}
