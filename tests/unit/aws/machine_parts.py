"""What the model of the cloud is made of: machines, registrations, groups, commands."""

from __future__ import annotations

from dataclasses import dataclass, field

from include.airlock.aws.commands import Status

OLD, NEW = "2026.11.1", "2026.11.2"
Key = tuple[str, int | None]


class Killed(BaseException):
    """The worker's process is gone."""


class Violated(AssertionError):
    """Something happened that must never happen."""


@dataclass
class Box:
    """A machine. ``ill_since`` is None while its application is well."""

    id: str
    zone: str = "eu-west-1a"
    build: str = OLD
    well_since: float = -1e6
    ill_since: float | None = None
    sick: bool = False
    down: bool = False
    warm_at: float | None = None


@dataclass
class Place:
    """One registration; ``left`` is when it was taken out."""

    at: float = -1e6
    left: float | None = None


@dataclass
class Pool:
    """A target group or a classic load balancer; ``floor`` is what must stay healthy while one is out."""

    key: str
    kind: str = "target_group"
    cross_zone: bool = True
    delay_s: float = 20.0
    slow_start_s: float = 0.0
    floor: int = 1
    zone_floor: int = 0
    used_since: float | None = -1e6
    places: dict[Key, Place] = field(default_factory=dict)


@dataclass
class Order:
    """A command on one machine."""

    id: str
    machine: str
    comment: str
    build: str
    at: float
    ends: float
    fate: str
    status: Status = Status.RUNNING
