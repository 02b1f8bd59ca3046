"""What must hold before a machine of a farm is touched: pure judgement, every fault at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from include.airlock.aws.capacity import barred, floor_of
from include.airlock.aws.commands import Ping
from include.airlock.aws.farm_view import FarmSeen
from include.airlock.aws.machine_view import MachineSeen, registered
from include.airlock.aws.standing import Standing
from include.airlock.model.health import Healthy, in_words, judge
from include.airlock.model.machines import MachineRecord
from include.airlock.model.rolling import Farm, RollingService
from include.airlock.release.place import Fault

Found = tuple[str, str]
_STAYS = "InService"


def inspect(place: str, service: RollingService, farm: Farm, seen: FarmSeen, build: str) -> list[Fault]:
    """Every fault and warning of a farm that is to get ``build``; a warning's code begins with ``warn_``."""
    found = [
        *(("document", text) for text in seen.document_faults),
        *_builds(seen, build),
        *_capacity(service, seen, build),
        *_draining(seen),
        *_times(service, seen),
        *_scaling(service, farm, seen),
    ]
    for machine in seen.machines:
        found += _machine(machine, seen)
    found += _public(seen)
    return [Fault(place, code, text, warning=code.startswith("warn_")) for code, text in found]


def _public(seen: FarmSeen) -> Iterator[Found]:
    """Both builds are proved through the load balancers, so they must lead to a page that can be read."""
    if not seen.public:
        yield (
            "no_listener",
            "no HTTP listener of a load balancer leads to it, so nothing could be proved; name public_host",
        )
    for url, reading in seen.public:
        verdict = judge(reading, None)
        if not isinstance(verdict, Healthy):
            yield (
                "public_page",
                f"the status page through the load balancer, {url}: {in_words(verdict)}; "
                "is it public_host, or the connection's public_scheme, that is missing?",
            )


def _builds(seen: FarmSeen, build: str) -> Iterator[Found]:
    builds = {machine.reading.build for machine in seen.machines}
    if builds == {build}:
        yield "already", f"every machine already answers {build}; leave this farm out (params.regions)"
    old = sorted(each for each in builds - {build} if each)
    if len(old) > 1:
        yield (
            "mixed_builds",
            f"the machines answer different builds: {', '.join(old)}; bring them to one first",
        )


def _machine(seen: MachineSeen, farm: FarmSeen) -> Iterator[Found]:
    name = seen.machine.id
    if seen.machine.state != "running":
        yield "state", f"{name} is {seen.machine.state}, not running"
    if not seen.memberships:
        yield "in_no_group", f"{name} is in no target group and no classic load balancer"
    elif farm.named and not farm.named & {membership.key for membership, _ in seen.memberships}:
        others = ", ".join(sorted({membership.name for membership, _ in seen.memberships}))
        yield (
            "in_no_group",
            f"{name} is in none of the farm's groups, but in {others}; is it of another service?",
        )
    if seen.ping is not Ping.ONLINE:
        yield "not_managed", f"{name} is {_PINGS[seen.ping]}, so nothing could be deployed to it"
    if seen.page is None:
        yield "no_address", f"{name} has no address or port for its own status page (machine.address, .port)"
    elif seen.reading.build is None:
        why = "; ".join(seen.reading.faults) or "no build on it"
        yield "page", f"{name}'s own status page can't be read at {seen.page}: {why}"
    for membership, standing in seen.memberships:
        if standing is not Standing.IN_SERVICE:
            yield "not_healthy", f"{name} is {standing.value.replace('_', ' ')} in {membership.name}"


_PINGS = {
    Ping.LOST: "not reached by Systems Manager (its agent is offline)",
    Ping.INACTIVE: "not reached by Systems Manager (its agent is inactive)",
    Ping.UNMANAGED: "not managed by Systems Manager",
}


def _capacity(service: RollingService, seen: FarmSeen, build: str) -> Iterator[Found]:
    """The guard of each machine's turn, asked now: what would surely stop the release later stops it here."""
    floors = [floor_of(group, seen.members[group.key], service) for group in seen.groups]
    said: set[str] = set()
    for machine in seen.machines:
        if machine.reading.build == build:
            continue
        memberships = [membership for membership, _ in machine.memberships]
        record = MachineRecord(id=machine.machine.id, memberships=memberships)
        why = barred(record, floors, seen.members)
        if why and why not in said:
            said.add(why)
            yield "capacity", f"{machine.machine.id} could not leave: {why}"


def _draining(seen: FarmSeen) -> Iterator[Found]:
    for group in seen.groups:
        if not group.draining:
            kind = (
                "connection draining is off" if group.kind == "classic" else "its deregistration delay is 0"
            )
            yield "warn_draining", f"{group.name}: {kind}, so requests in flight are cut at each detach"


def _times(service: RollingService, seen: FarmSeen) -> Iterator[Found]:
    """Limits of the spec that the groups' own settings would overrun in every turn."""
    for group in seen.groups:
        own = service.drain_timeout.total_seconds() if service.drain_timeout else None
        if own is not None and group.kind == "target_group" and own < group.delay_s:
            yield (
                "warn_drain_timeout",
                f"drain_timeout is {own:g} s and {group.name} drains for {group.delay_s:g} s, "
                "so each turn would stop",
            )
        least, limit = group.interval_s * group.healthy_threshold, service.healthy_timeout.total_seconds()
        if limit < least:
            yield (
                "warn_healthy_timeout",
                f"healthy_timeout is {limit:g} s and {group.name} needs {least:g} s to say healthy",
            )


def _scaling(service: RollingService, farm: Farm, seen: FarmSeen) -> Iterator[Found]:
    for name, group in seen.scaling.items():
        own = [machine for machine in seen.machines if machine.scaling_group == name]
        if farm.autoscaling_group is None:
            yield (
                "warn_scaling_group",
                f"the machines are in Auto Scaling group {name}, which the spec does not name; "
                "they go through Standby",
            )
        elif farm.autoscaling_group != name:
            yield (
                "scaling_group",
                f"{own[0].machine.id} is in Auto Scaling group {name}, not {farm.autoscaling_group}",
            )
        out = min(service.max_unavailable, len(own))
        if group.desired - out < group.min:
            yield (
                "scaling_min",
                f"Auto Scaling group {name} wants {group.desired} and at least {group.min} machines, "
                f"so it would refuse Standby for {out}; lower its minimum or raise what it wants",
            )
        for machine in own:
            state = group.instances.get(machine.machine.id)
            if state != _STAYS:
                yield "scaling_state", f"{machine.machine.id} is {state} in Auto Scaling group {name}"
    if farm.autoscaling_group is not None and farm.autoscaling_group not in seen.scaling:
        yield "scaling_group", f"no machine of the farm is in Auto Scaling group {farm.autoscaling_group}"


def differences(seen: FarmSeen, known: Sequence[MachineRecord]) -> list[str]:
    """What has changed since the preflight, right before a machine is touched.

    Nothing is known of a farm that was rolled back and is released again: ``inspect`` judges it alone.
    """
    if not known:
        return []
    before = {machine.id: machine for machine in known}
    now = {machine.machine.id: machine for machine in seen.machines}
    found = [f"{name} is in the farm now and was not at the preflight" for name in now if name not in before]
    found += [f"{name} was in the farm at the preflight and is not now" for name in before if name not in now]
    for name in now.keys() & before.keys():
        was, is_ = before[name], now[name]
        if was.old_build != is_.reading.build:
            found.append(f"{name} answered {was.old_build} at the preflight and {is_.reading.build} now")
        held = {membership for membership, standing in is_.memberships if registered(standing)}
        if set(was.memberships) != held:
            found.append(f"{name} is not in the same groups as at the preflight")
    return sorted(found)
