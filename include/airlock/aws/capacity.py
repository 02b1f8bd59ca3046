"""Whether a machine may leave its load balancers: a pure count of the others that serve right now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set

from include.airlock.aws.group import Group, Member
from include.airlock.aws.standing import Standing
from include.airlock.model.machines import GroupFloor, MachineRecord
from include.airlock.model.rolling import RollingService

_REGISTERED = (Standing.IN_SERVICE, Standing.REGISTERING, Standing.UNHEALTHY, Standing.UNKNOWN)


def floor_of(
    group: Group, members: Iterable[Member], service: RollingService, farm: Set[str] = frozenset()
) -> GroupFloor:
    """How many of a group must stay healthy while a machine is out of it, by the spec and the group's size.

    ``farm`` are the machines of the farm. Where its load balancers do not reach across zones each
    zone serves its own clients, so each needs its own floor.
    """
    there = {member.machine for member in members if member.standing in _REGISTERED}
    return GroupFloor(
        kind=group.kind,
        key=group.key,
        name=group.name,
        floor=service.floor(len(there)),
        others=len(there - farm) if farm else 0,
        slow=group.slow,
        zone_floor=None if group.cross_zone else service.min_healthy_per_zone,
        delay_s=group.delay_s if group.draining else 0.0,
        slow_start_s=group.slow_start_s,
        healthy_s=group.interval_s * group.healthy_threshold,
    )


def barred(
    machine: MachineRecord,
    floors: Sequence[GroupFloor],
    members: Mapping[str, Sequence[Member]],
    out: Set[str] = frozenset(),
) -> str | None:
    """Why ``machine`` may not leave now, or None; ``members`` are by group key, read right before.

    ``out`` are machines that this release has taken out; AWS may still tell them as healthy.
    On the way back a machine that a group does not count as healthy may leave it: nobody is served
    less, and else a build that broke every machine could never be taken back.
    A group that could not be read bars, since nothing is known of the others in it.
    """
    for floor in floors:
        if all(membership.key != floor.key for membership in machine.memberships):
            continue
        if floor.key not in members:
            return f"{floor.name} was not read"
        back = machine.aim is not None and machine.aim == machine.old_build
        if back and _serves_nobody(machine.id, members[floor.key]):
            continue
        reason = _barred(machine.id, floor, members[floor.key], out)
        if reason:
            return reason
    return None


def _barred(machine: str, floor: GroupFloor, members: Sequence[Member], out: Set[str]) -> str | None:
    own = [member for member in members if member.machine == machine]
    if own and all(member.standing in (Standing.OUT, Standing.DRAINING) for member in own):
        return None  # it is out of this group already; staying in the others would not help it
    others = _serving(members, but={machine, *out})
    if len(others) < floor.floor:
        count = f"{len(others)} healthy of the {floor.floor} that it needs"
        return f"{floor.name} would keep {count}; add a machine, or mend the others"
    return _barred_in_zone(floor, floor.zone_floor, own, others) if floor.zone_floor else None


def _serves_nobody(machine: str, members: Sequence[Member]) -> bool:
    """Whether a machine is healthy on none of its ports in a group, and is not the last one there."""
    others = [m for m in members if m.machine != machine and m.standing in _REGISTERED]
    own = [member for member in members if member.machine == machine]
    return bool(others) and bool(own) and all(m.standing is not Standing.IN_SERVICE for m in own)


def _barred_in_zone(
    floor: GroupFloor, needed: int, own: Sequence[Member], others: Mapping[str, str | None]
) -> str | None:
    """A machine whose zone is not known counts in none, and may not leave any."""
    zones = Counter(others.values())
    for zone in sorted({member.zone or "" for member in own}):
        if not zone:
            return f"{floor.name} does not reach across zones, and the machine's zone is not known"
        if zones[zone] < needed:
            return (
                f"{floor.name} would keep {zones[zone]} healthy of {needed} in {zone}, "
                "and it does not reach across zones (turn cross-zone balancing on, or add a machine there)"
            )
    return None


def _serving(members: Iterable[Member], *, but: Set[str]) -> dict[str, str | None]:
    """The other machines that are healthy on every port they have in the group, with their zones."""
    states: dict[str, list[Member]] = {}
    for member in members:
        if member.machine not in but and member.standing is not Standing.OUT:
            states.setdefault(member.machine, []).append(member)
    return {
        name: own[0].zone
        for name, own in states.items()
        if all(member.standing is Standing.IN_SERVICE for member in own)
    }
