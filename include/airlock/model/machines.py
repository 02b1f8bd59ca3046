"""What a release remembers of machines behind load balancers, and of a listener's weights.

Parts of ``RegionRecord``. Every part is stored before the act that it announces, so that a step that
runs again knows what an earlier process had in hand. No secret is in it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore")


class MachinePhase(StrEnum):
    """How far one machine's turn is."""

    WAITING = "waiting"
    LEAVING = "leaving"
    """It was decided to take it out; some group may have let it go already."""
    DEPLOYING = "deploying"
    """It is out of every group, and the deploy command was meant or sent."""
    RETURNING = "returning"
    """The aimed build was proved on the machine itself; it goes back into its groups."""
    DONE = "done"
    FAILED = "failed"
    """Its turn stopped; where it stands is in its ``failure``."""


UNDER_WAY = (MachinePhase.LEAVING, MachinePhase.DEPLOYING, MachinePhase.RETURNING)
"""Phases in which a machine does not serve, or not for sure."""


class Membership(_Stored):
    """One place of a machine in a load balancer's group: given back exactly so."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["target_group", "classic"]
    key: str = Field(description="the target group's ARN, or the classic load balancer's name")
    name: str
    target: str = Field(description="the registered id: an instance, or an address in a group of type ip")
    port: int | None = None
    zone: str | None = Field(
        None, description="the zone given at registration (ip targets), not the machine's"
    )


class Command(_Stored):
    """One deploy command, stored before it is sent; ``token`` finds it again when its answer was lost."""

    token: str
    build: str
    sent_at: float = Field(description="epoch seconds right before it was sent")
    id: str | None = None
    sends: int = 0
    withdrawn_at: float | None = Field(None, description="epoch seconds when it was cancelled")
    withdrawn: bool = Field(
        False, description="cancelled because the step was killed, so it may be sent again"
    )


class Watch(_Stored):
    """A proof under way, kept so that a step that gave its worker back goes on with it.

    ``since`` is when it began (epoch seconds), ``good`` and ``bad`` the answers in a row so far.
    """

    since: float
    good: int = 0
    bad: int = 0


class MachineRecord(_Stored):
    """One machine's turn. ``aim`` is the build that it is being brought to."""

    id: str
    page: str = Field("", description="address of its own status page")
    memberships: list[Membership] = []
    scaling_group: str | None = Field(None, description="the Auto Scaling group that it stands by in")
    old_build: str | None = None
    aim: str | None = None
    phase: MachinePhase = MachinePhase.WAITING
    since: float | None = Field(None, description="epoch seconds when the present phase began")
    command: Command | None = None
    watch: Watch | None = Field(None, description="the proof of its own status page under way")
    asked: int = Field(0, description="deploy commands ever asked for, whatever became of them")
    soaked: int = Field(0, description="healthy reads in a row, in every group")
    in_service_at: float | None = Field(
        None, description="epoch seconds when it was first seen healthy again"
    )
    begun: bool = Field(False, description="whether anything was ever asked of it or of its groups")
    left_at: float | None = Field(None, description="epoch seconds when it was first taken out")
    joined_at: float | None = Field(None, description="epoch seconds when it was first put back")
    already: bool = Field(False, description="it had the build before the release began, so it is left alone")
    failure: str | None = None

    @property
    def touched(self) -> bool:
        """Whether its turn has begun: something may have been asked of it or of its groups."""
        return self.begun and not self.already

    def afresh(self) -> MachineRecord:
        """The machine as it was first seen; what became of its turn is forgotten."""
        phase = MachinePhase.DONE if self.already else MachinePhase.WAITING
        return MachineRecord(
            id=self.id,
            page=self.page,
            memberships=self.memberships,
            scaling_group=self.scaling_group,
            old_build=self.old_build,
            already=self.already,
            phase=phase,
        )


class GroupFloor(_Stored):
    """How many machines of a group must stay healthy while one is out, as found before the first change."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["target_group", "classic"]
    key: str
    name: str
    floor: int
    zone_floor: int | None = Field(
        None, description="of each zone; None where a load balancer reaches across zones"
    )
    delay_s: float = Field(0.0, description="longest time for what is in flight after a detach, by the group")
    slow_start_s: float = 0.0
    others: int = Field(0, description="machines in it that are not of the farm")
    slow: bool = Field(False, description="a Network Load Balancer's, which takes minutes to let go")
    healthy_s: float = Field(0.0, description="least time until an attached target counts as healthy")


class Suspension(_Stored):
    """The Auto Scaling processes that this release suspended, and those that were suspended before."""

    group: str
    before: list[str] = []
    suspended: list[str] = []


class Shift(_Stored):
    """A listener's weights as they were and as they are meant: which group gives way to which."""

    listener: str = Field(description="ARN of the listener or of the rule")
    live: str
    idle: str
    before: dict[str, int]
    weights: dict[str, int] | None = Field(None, description="the weights that were last asked for")
    stage: int = Field(-1, description="the last weight step that was proved; -1: none")
    staged_at: float | None = Field(None, description="epoch seconds when that step was proved")
    healthy: int = Field(0, description="reads in a row with the whole idle group healthy")
    since: float | None = Field(None, description="epoch seconds when the present wait began")
    deployed: bool = False
    baked: int = Field(-1, description="the last weight step whose bake was accepted; -1: none")
    failed: bool = Field(False, description="whether the shift stopped, so that its time begins anew")
