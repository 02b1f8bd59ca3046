"""What a team writes about its service: ``dags/services/<service>.yaml``.

The models are closed: a key that is not known here is refused. They hold names of Airflow
connections and never a secret. ``include.airlock.model.loading`` reads a file into them and says
file and line of each fault. What all services have is in ``service_base``, the rest in one file for
each strategy; this one brings them together.
"""

from __future__ import annotations

from include.airlock.model.blue_green import BlueGreenRegion, BlueGreenService
from include.airlock.model.deploy import Deploy
from include.airlock.model.machine_service import MachineAddress, MachineRegion, MachineService
from include.airlock.model.refresh import Container, Package, Refresh
from include.airlock.model.rolling import Farm, RollingRegion, RollingService
from include.airlock.model.service_base import (
    Announce,
    OnFailure,
    Region,
    ServiceBase,
    SlackChannel,
    Webhook,
)
from include.airlock.model.slot_swap import SlotRegion, SlotSwapService
from include.airlock.model.status_page import JsonPage, PatternPage, StatusPage

Service = SlotSwapService | RollingService | BlueGreenService
"""A service of any strategy."""

STRATEGIES: dict[str, type[SlotSwapService | RollingService | BlueGreenService]] = {
    "slot_swap": SlotSwapService,
    "rolling": RollingService,
    "blue_green": BlueGreenService,
}
"""The model of a spec, by the word that stands for its strategy."""

__all__ = [
    "STRATEGIES",
    "Announce",
    "BlueGreenRegion",
    "BlueGreenService",
    "Container",
    "Deploy",
    "Farm",
    "JsonPage",
    "MachineAddress",
    "MachineRegion",
    "MachineService",
    "OnFailure",
    "Package",
    "PatternPage",
    "Refresh",
    "Region",
    "RollingRegion",
    "RollingService",
    "Service",
    "ServiceBase",
    "SlackChannel",
    "SlotRegion",
    "SlotSwapService",
    "StatusPage",
    "Webhook",
]
