"""What every strategy shares: one lane per region, one after the other, and what stands around the lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from include.airlock.model.approvals import Before
from include.airlock.model.plan import Plan, Step, When
from include.airlock.model.service import Service


@dataclass(frozen=True)
class LaneStep:
    """One step of a lane: its verb, what it does, and whether it may have changed the region."""

    verb: str
    about: str
    changes: bool = True


def plan_of_lanes(service: Service, room: str, lane: Sequence[LaneStep], *, refresh: bool) -> Plan:
    """Preflight, then ``lane`` for each region in order, the way back beside each, and the end.

    A region's first step comes after the last step of the region before: one region in flight. Where
    the calendar starts releases, a first step finds the build before anything else.
    """
    regions = service.places
    steps = _proposal(room) if service.scheduled else []
    first = tuple(step.id for step in steps)
    steps.append(
        _step("preflight", room, "preflight", None, first, "look at all regions at once; touch nothing")
    )
    steps.append(_step("tell.start", "announce", "tell", None, first, "announce the release"))
    last = "preflight"
    if _approved_before(service, Before.RELEASE):
        about = "wait until somebody approves the release"
        steps.append(_step("approve", "release", "approve", None, (last,), about))
        last = "approve"
    for region in regions:
        if _approved_before(service, Before.EACH_REGION):
            about = f"wait until somebody approves that {region} is changed"
            steps.append(_step(f"{region}.approve", "release", "approve", region, (last,), about))
            last = f"{region}.approve"
        steps += _lane(region, room, lane, after=last)
        last = f"{region}.{lane[-1].verb}"
    backs = tuple(f"{region}.roll_back" for region in regions)
    steps.append(
        Step(
            "roll_back_earlier",
            room,
            "roll_back_earlier",
            None,
            backs,
            When.WAY_BACK_TAKEN,
            "where the policy says so, bring back the regions done before, in reverse order, each proved",
        )
    )
    steps += _refreshes(regions, room, after=last) if refresh else []
    steps += _tells(regions, lane[-1].verb)
    steps += _end(steps, last, refresh=refresh)
    return Plan(service=service, steps=tuple(steps))


def _approved_before(service: Service, what: Before) -> bool:
    return service.approvals is not None and what in service.approvals.before


def _step(name: str, room: str, verb: str, region: str | None, after: tuple[str, ...], about: str) -> Step:
    return Step(name, room, verb, region, after, When.NONE_FAILED, about)


def _proposal(room: str) -> list[Step]:
    about = "started by the calendar: find the build to release; started by somebody: nothing"
    return [_step("propose", room, "propose", None, (), about)]


def _lane(region: str, room: str, lane: Sequence[LaneStep], *, after: str) -> list[Step]:
    steps = []
    for part in lane:
        steps.append(_step(f"{region}.{part.verb}", room, part.verb, region, (after,), part.about))
        after = steps[-1].id
    changing = tuple(f"{region}.{part.verb}" for part in lane if part.changes)
    about = f"where the policy says so, bring {region} back to its old build and prove it"
    steps.append(Step(f"{region}.roll_back", room, "roll_back", region, changing, When.ONE_FAILED, about))
    return steps


def _refreshes(regions: Sequence[str], room: str, *, after: str) -> list[Step]:
    about = "put the latest build into the stale staging slot"
    return [_step(f"refresh.{region}", room, "refresh", region, (after,), about) for region in regions]


def _tells(regions: Sequence[str], last_verb: str) -> list[Step]:
    steps = []
    before = "tell.start"
    for region in regions:
        after = (f"{region}.{last_verb}", f"{region}.roll_back", before)
        steps.append(
            Step(f"tell.{region}", "announce", "tell", region, after, When.ALL_DONE, f"tell of {region}")
        )
        before = steps[-1].id
    return steps


def _end(steps: Sequence[Step], last: str, *, refresh: bool) -> list[Step]:
    """The two last steps. Both are leaves, so that the verdict alone decides the run's state."""
    closing = [s.id for s in steps if s.verb in ("roll_back", "roll_back_earlier", "refresh")]
    after = tuple(closing if refresh else [last, *closing])
    last_tell = [s.id for s in steps if s.verb == "tell"][-1]
    verdict = Step(
        "verdict",
        "release",
        "verdict",
        None,
        after,
        When.ALL_DONE,
        "say in one sentence how the release ended",
    )
    tell = Step("tell.end", "announce", "tell_end", None, (*after, last_tell), When.ALL_DONE, "tell the end")
    return [verdict, tell]
