"""What the sandbox is made of: services, builds, times and limits. Every key is optional.

In a configuration file ``builds`` and ``services`` are JSON merge patches (RFC 7396) over the
defaults: keys are merged, and null takes one away.
``python -m include.sandbox --print-config`` prints the result.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, PositiveFloat, ValidationError, field_validator, model_validator

from include.sandbox.aws.defaults import AWS_SERVICES
from include.sandbox.aws.settings import AwsConfig
from include.sandbox.closed_model import BUILD_PATTERN, Frozen
from include.sandbox.default_world import BUILDS, SERVICES, region_defaults

_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def _id(word: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"sandbox:{word}"))


class ConfigRefused(ValueError):
    """The configuration is wrong; the text names each key and fault."""


class Timings(Frozen):
    """How long the cloud takes, in seconds at ``speed`` 1.

    A whole swap takes apply_settings + restart + warm_up + switch_to_end.
    """

    apply_settings: float = Field(0.3, ge=0, description="applying settings to an app, before its restart")
    restart: float = Field(1.2, ge=0, description="from an instance's start until it runs")
    warm_up: float = Field(0.6, ge=0, description="the warm-up request to each instance of a swap's source")
    switch_to_end: float = Field(
        1.9, ge=0, description="from the switch of the routing to the operation's end"
    )
    deploy: float = Field(1.0, ge=0, description="putting a package into a slot, before the restart")
    pull: float = Field(0.8, ge=0, description="pulling a container image, before the restart")
    preview: float = Field(0.2, ge=0, description="answering applySlotConfig, resetSlotConfig and slotsdiffs")
    ping_interval: float = Field(0.5, ge=0, description="between two tries of the warm-up request")
    ping_timeout: float = Field(90.0, gt=0, description="of one warm-up request")

    def at(self, speed: float) -> Timings:
        """Return the same times for a world that runs ``speed`` times as fast."""
        return Timings(**{name: seconds / speed for name, seconds in self.model_dump().items()})


class Protocol(Frozen):
    """What the resource manager says and keeps; seconds here don't scale with ``speed``."""

    retry_after: int | None = Field(1, ge=0, description="Retry-After of a 202, in seconds; null sends none")
    operation_kept: float = Field(600.0, ge=0, description="how long an ended operation's result answers")
    token_lifetime: float = Field(3600.0, gt=0, description="of an access token")
    ping_tries: int = Field(
        5, ge=1, description="how often the warm-up request is sent before a swap gives up"
    )
    drain: float = Field(60.0, ge=0, description="how long a retired instance may finish its requests")
    page_size: int = Field(20, ge=1, description="items of a page of slotsdiffs and of lists")


class Limits(Frozen):
    """The resource manager's token buckets per subscription and caller.

    Source: learn.microsoft.com, "Understand how Azure Resource Manager throttles requests".
    """

    on: bool = True
    reads_burst: int = Field(250, ge=1)
    reads_per_second: float = Field(25.0, gt=0)
    writes_burst: int = Field(200, ge=1)
    writes_per_second: float = Field(10.0, gt=0)
    slack: bool = Field(
        False, description="Slack's own limits too; off, as this cloud is many times faster than a real one"
    )


class Need(Frozen):
    """A dependency of a build: its name on the status page, and the app setting that holds its address."""

    name: str
    setting: str


class Build(Frozen):
    """What a build needs, and how it behaves when it starts."""

    dependencies: tuple[Need, ...] = (
        Need(name="database", setting="DATABASE_URL"),
        Need(name="queue", setting="QUEUE_URL"),
    )
    starts: bool = Field(True, description="false: its process exits at once")
    warm_up: float = Field(0.0, ge=0, description="seconds of 503 after its start (at speed 1)")


class ConnectionString(Frozen):
    """A connection string of a slot."""

    value: str
    type: str = "Custom"


class SlotConfig(Frozen):
    """A slot at the start: its content and its settings."""

    build: str
    settings: Mapping[str, str] = {}
    connection_strings: Mapping[str, ConnectionString] = {}
    site_config: Mapping[str, Any] = {}

    @field_validator("build")
    @classmethod
    def _plausible(cls, build: str) -> str:
        if not BUILD_PATTERN.match(build):
            raise ValueError(f"{build!r} is no build: letters, digits and . _ + -, at most 64")
        return build


class RegionConfig(Frozen):
    """One app: its slots, and which settings stay with a slot. Names left null follow service and region."""

    resource_group: str | None = None
    app: str | None = None
    location: str | None = None
    instances: int = Field(1, ge=1, le=8)
    kind: str = "app,linux"
    sticky_settings: tuple[str, ...] = ()
    sticky_connection_strings: tuple[str, ...] = ()
    slots: Mapping[str, SlotConfig]


class ServiceConfig(Frozen):
    """A service and its regions, in order."""

    regions: Mapping[str, RegionConfig]


class SandboxConfig(Frozen):
    """Everything that can be set."""

    speed: PositiveFloat = 1.0
    tenant: str = _id("tenant")
    subscription: str = _id("subscription")
    client_id: str = _id("client")
    client_secret: str = "sandbox-client-secret"
    slack_token: str = "xoxb-sandbox-token"
    timings: Timings = Timings()
    protocol: Protocol = Protocol()
    limits: Limits = Limits()
    builds: Mapping[str, Build]
    services: Mapping[str, ServiceConfig]
    aws: AwsConfig

    @model_validator(mode="after")
    def _one_cloud_each(self) -> SandboxConfig:
        if both := sorted(set(self.services) & set(self.aws.services)):
            raise ValueError(f"{both[0]!r} is a service of both clouds; give one of them another name")
        return self

    @cached_property
    def wait(self) -> Timings:
        """The times of this world, scaled by its speed."""
        return self.timings.at(self.speed)

    def build(self, version: str) -> Build:
        """Return a build's manifest; a build nobody described needs a database and a queue.

        A version that contains "broken" never starts.
        """
        return self.builds.get(version) or Build(starts="broken" not in version)


def merged(base: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(base) if isinstance(base, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def make_config(patch: Mapping[str, Any] | None = None) -> SandboxConfig:
    """Return the defaults with a merge patch applied; a new region starts from the default one.

    Raises `ConfigRefused`.
    """
    given = dict(patch or {})
    try:
        services = merged(_with_new_regions(given.get("services") or {}), given.get("services") or {})
    except (AttributeError, TypeError):
        raise ConfigRefused("'services' and each of its 'regions' must be JSON objects") from None
    whole = {
        **given,
        "builds": merged(BUILDS, given.get("builds") or {}),
        "services": services,
        "aws": merged({"services": AWS_SERVICES}, given.get("aws") or {}),
    }
    try:
        return SandboxConfig.model_validate(whole)
    except ValidationError as error:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigRefused("\n".join(faults)) from None


def _with_new_regions(patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the default services, with a default region for every region that only the patch names."""
    services = {
        service: {"regions": {region: held or region_defaults() for region, held in known["regions"].items()}}
        for service, known in SERVICES.items()
    }
    for service, asked in patch.items():
        known = services.setdefault(service, {"regions": {}})["regions"]
        for region in (asked or {}).get("regions") or {}:
            known.setdefault(region, region_defaults())
    return services


def load_config(path: Path | None) -> SandboxConfig:
    """Read a configuration file. Raises `ConfigRefused` with the file's name."""
    if path is None:
        return make_config()
    try:
        patch = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigRefused(f"{path}: {error}") from None
    if not isinstance(patch, dict):
        raise ConfigRefused(f"{path}: must hold a JSON object")
    try:
        return make_config(patch)
    except ConfigRefused as error:
        raise ConfigRefused(f"{path}: {error}") from None
