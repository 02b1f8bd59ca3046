"""Strategies: one file each, Service → Plan; this dispatcher alone knows their names."""

from __future__ import annotations

from collections.abc import Callable

from include.airlock.model.plan import Plan
from include.airlock.model.service import Service
from include.airlock.strategies import blue_green, rolling, slot_swap

STRATEGIES: dict[str, Callable[[Service], Plan]] = {
    "slot_swap": slot_swap.compile_plan,
    "rolling": rolling.compile_plan,
    "blue_green": blue_green.compile_plan,
}


def compile_plan(service: Service) -> Plan:
    """The plan of a service's release by the strategy that its spec names."""
    return STRATEGIES[service.strategy](service)
