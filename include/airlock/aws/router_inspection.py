"""What must hold before the idle target group is touched: pure judgement, every fault at once."""

from __future__ import annotations

from collections.abc import Iterator

from include.airlock.aws.commands import Ping
from include.airlock.aws.router_view import RouterSeen
from include.airlock.aws.standing import Standing
from include.airlock.model.health import Healthy, in_words, judge
from include.airlock.release.place import Fault

Found = tuple[str, str]


def inspect(place: str, seen: RouterSeen, build: str) -> list[Fault]:
    """Every fault and warning of a listener that is to get ``build``; codes of warnings begin ``warn_``."""
    found = [
        *(("document", text) for text in seen.document_faults),
        *_builds(seen, build),
        *_machines(seen),
        *_groups(seen),
    ]
    return [Fault(place, code, text, warning=code.startswith("warn_")) for code, text in found]


def _builds(seen: RouterSeen, build: str) -> Iterator[Found]:
    verdict = judge(seen.public, None)
    if seen.public.build == build:
        yield "already", f"the live group already answers {build}; leave this region out (params.regions)"
    if seen.public.build is None or not isinstance(verdict, Healthy):
        yield "page", f"the status page through the load balancer: {in_words(verdict)}"


def _machines(seen: RouterSeen) -> Iterator[Found]:
    for machine in seen.machines:
        name = machine.machine.id
        if machine.machine.state != "running":
            yield "state", f"{name} is {machine.machine.state}, not running"
        if machine.ping is not Ping.ONLINE:
            yield (
                "not_managed",
                f"{name} is not reached by Systems Manager, so nothing could be deployed to it",
            )
        if machine.page is None:
            yield (
                "no_address",
                f"{name} has no address or port for its own status page (machine.address, .port)",
            )
        if machine.scaling_group is not None:
            yield (
                "warn_scaling_group",
                f"{name} is in Auto Scaling group {machine.scaling_group}, "
                "which may replace it while it is deployed",
            )
    for group, machines in seen.elsewhere.items():
        yield "elsewhere", f"{', '.join(machines)} of the idle group also serve in {group}"


def _groups(seen: RouterSeen) -> Iterator[Found]:
    live, idle = seen.groups[seen.sides.live], seen.groups[seen.sides.idle]
    serving = {m.machine for m in seen.members[live.key] if m.standing is Standing.IN_SERVICE}
    waiting = {machine.machine.id for machine in seen.machines}
    if not serving:
        yield "live_group", f"no machine is healthy in {live.name}, the live group"
    if len(waiting) < len(serving):
        yield (
            "warn_smaller",
            f"{idle.name} has {len(waiting)} machines and {live.name} serves with {len(serving)}",
        )
    if seen.route.forward.stickiness_s:
        yield (
            "warn_sticky",
            f"clients stay with their group for up to {seen.route.forward.stickiness_s} s after a switch "
            "(target group stickiness is on)",
        )
