"""What a release would do, read from the live world: each call in order, how it would go back, and a hash.

Pure: the cloud's rooms foresee what happens in a place, this puts it together. The hash is over what
matters alone (the spec, the request, what was seen, the calls), never over times or expectations, so
that two looks at the same world give the same hash.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.service import Service

HASH_DIGITS = 16
"""Hexadecimal digits of a plan's hash: short enough to say and to paste, too many to meet by chance."""

BY_DEFAULT = "default"
"""Where an expectation is from when no past release of the service tells."""

_ONLY_TOLD = frozenset({"announce", "description", "owner", "tags"})
"""Keys of a spec that change nothing of what a release does."""


class _Kept(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class PlannedCall(_Kept):
    """One changing call: what is asked, of what, with what.

    ``expected_s`` are the seconds until the next call can be made; calls that are made together
    have them at the last of them.
    """

    n: int = Field(0, description="its place in the order of the whole plan, from 1")
    place: str
    step: str = Field(description="the step that makes it: swap, roll, deploy, switch, refresh, roll_back")
    call: str = Field(description="the operation, as the cloud names it")
    target: str
    body: dict[str, Any] | None = Field(
        None, description="what is sent with it, as far as it tells something"
    )
    expected_s: float = 0.0
    source: str = Field(BY_DEFAULT, alias="from", description="where the expectation is from")


class Stage(_Kept):
    """One step of a place's lane that takes time, with or without calls; seconds in all."""

    place: str
    step: str
    expected_s: float
    source: str = Field(BY_DEFAULT, alias="from")


class PlaceSeen(_Kept):
    """What the preflight saw in one place: who holds which build, and what else the plan rests on."""

    name: str
    builds: dict[str, str | None] = Field(description="build by slot, machine or group; None: not readable")
    facts: dict[str, str] = Field({}, description="anything else, in words")


class WayBack(_Kept):
    """How one place would get its old build back, and by which calls."""

    place: str
    text: str
    calls: list[PlannedCall]


@dataclass(frozen=True)
class Foreseen:
    """What a release would do in one place. ``looks``: seconds of the steps that only look, by default."""

    seen: PlaceSeen
    calls: tuple[PlannedCall, ...]
    back: WayBack
    looks: Mapping[str, float]
    later: tuple[PlannedCall, ...] = ()
    """What is done after all places are accepted."""


class PlanReport(_Kept):
    """One plan: what was asked for, what was seen, what would be done. Stored under its hash."""

    hash: str
    service: str
    build: str
    spec: dict[str, Any] = Field(description="the service's spec, as far as it matters")
    request: dict[str, Any] = Field(description="the change request, as far as it matters")
    places: list[PlaceSeen]
    calls: list[PlannedCall]
    stages: list[Stage]
    expected_s: float
    way_back: list[WayBack]
    warnings: list[str] = []
    made_at: str = Field(description="when the preflight made it, UTC")
    made_by: str = Field(description="the run that made it")

    def told(self) -> dict[str, Any]:
        """The plan for machines: the XCom ``plan`` of the preflight. The spec is left to the ledger."""
        return self.model_dump(mode="json", by_alias=True, exclude={"spec"})

    def part(self, place: str) -> Foreseen | None:
        """What this plan foresaw in one place; None when it is not in it."""
        seen = next((each for each in self.places if each.name == place), None)
        back = next((each for each in self.way_back if each.place == place), None)
        if seen is None or back is None:
            return None
        own = [call for call in self.calls if call.place == place]
        looks = {s.step: s.expected_s for s in self.stages if s.place == place}
        with_calls = {call.step for call in own}
        return Foreseen(
            seen=seen,
            calls=tuple(call for call in own if call.step != "refresh"),
            back=back,
            looks={step: seconds for step, seconds in looks.items() if step not in with_calls},
            later=tuple(call for call in own if call.step == "refresh"),
        )


def looks_of(service: Service) -> dict[str, float]:
    """Seconds that the steps of a lane take which only look, when no past release tells."""
    page = service.status_page
    return {
        "verify": page.consecutive * page.interval.total_seconds(),
        "bake": service.bake.total_seconds(),
    }


def spec_that_matters(service: Service, *, written: bool = False) -> dict[str, Any]:
    """A spec as it is compared: without the keys that are only told.

    ``written``: without what has its default, so that a key which a later version of this program knows
    makes no other plan.
    """
    return service.model_dump(mode="json", exclude=set(_ONLY_TOLD), exclude_defaults=written)


def request_that_matters(request: ChangeRequest) -> dict[str, Any]:
    """A change request as it is compared: what is done, not why, for whom or under which id."""
    return {
        "build": request.build,
        "regions": list(request.regions),
        "on_failure": str(request.on_failure.value),
        "refresh_build": request.refresh_build or request.build,
        "windows": "overridden" if request.window_override else "hold",
    }


def hash_of(
    spec: Mapping[str, Any],
    request: Mapping[str, Any],
    places: Sequence[PlaceSeen],
    calls: Iterable[PlannedCall],
) -> str:
    """The hash of a plan: equal if and only if all that matters is equal, but for chance."""
    essence = {
        "spec": spec,
        "request": request,
        "places": [place.model_dump(mode="json") for place in places],
        "calls": [[call.place, call.step, call.call, call.target, call.body] for call in calls],
    }
    canonical = json.dumps(essence, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(canonical.encode()).hexdigest()[:HASH_DIGITS]


@dataclass(frozen=True)
class Past:
    """What past releases of a service tell: for each place, seconds of each of its steps, newest first."""

    seconds: Mapping[str, Mapping[str, Sequence[float]]]

    def median(self, place: str, step: str) -> tuple[float, int] | None:
        """The median and of how many releases; None when none tells."""
        from statistics import median

        found = self.seconds.get(place, {}).get(step, ())
        return (median(found), len(found)) if found else None


def report(
    service: Service,
    request: ChangeRequest,
    parts: Sequence[Foreseen],
    past: Past,
    *,
    made_at: str,
    made_by: str,
    warnings: Sequence[str] = (),
) -> PlanReport:
    """Put a plan together; ``parts`` are its places in the order of release."""
    wish = request_that_matters(request)
    calls: list[PlannedCall] = []
    stages: list[Stage] = []
    for part in parts:
        for step, own in _by_step(part.calls).items():
            timed = _timed(own, past.median(part.seen.name, step))
            calls += timed
            stages.append(_stage(part.seen.name, step, timed))
        stages += [_look(part.seen.name, step, seconds, past) for step, seconds in part.looks.items()]
    later = [call for part in parts for call in part.later]
    calls += later
    stages += [_stage(call.place, call.step, [call]) for call in later]
    calls = [call.model_copy(update={"n": number}) for number, call in enumerate(calls, start=1)]
    places = [part.seen for part in parts]
    together = max((call.expected_s for call in later), default=0.0) - sum(call.expected_s for call in later)
    return PlanReport(
        hash=hash_of(spec_that_matters(service, written=True), wish, places, calls),
        service=service.service,
        build=request.build,
        spec=spec_that_matters(service),
        request=wish,
        places=places,
        calls=calls,
        stages=stages,
        expected_s=round(sum(stage.expected_s for stage in stages) + together, 1),
        way_back=[part.back for part in reversed(parts)],
        warnings=list(warnings),
        made_at=made_at,
        made_by=made_by,
    )


def _by_step(calls: Sequence[PlannedCall]) -> dict[str, list[PlannedCall]]:
    found: dict[str, list[PlannedCall]] = {}
    for call in calls:
        found.setdefault(call.step, []).append(call)
    return found


def _timed(calls: Sequence[PlannedCall], known: tuple[float, int] | None) -> list[PlannedCall]:
    """The calls of one step, its known seconds shared out as the defaults are."""
    if known is None:
        return list(calls)
    seconds, count = known
    whole = sum(call.expected_s for call in calls)
    shares = [call.expected_s / whole if whole else 1 / len(calls) for call in calls]
    return [
        call.model_copy(update={"expected_s": round(seconds * share, 1), "source": _of_past(count)})
        for call, share in zip(calls, shares, strict=True)
    ]


def _stage(place: str, step: str, calls: Sequence[PlannedCall]) -> Stage:
    seconds = round(sum(call.expected_s for call in calls), 1)
    return Stage(place=place, step=step, expected_s=seconds, source=calls[0].source)


def _look(place: str, step: str, by_default: float, past: Past) -> Stage:
    known = past.median(place, step)
    if known is None:
        return Stage(place=place, step=step, expected_s=round(by_default, 1))
    return Stage(place=place, step=step, expected_s=round(known[0], 1), source=_of_past(known[1]))


def _of_past(count: int) -> str:
    return "last release" if count == 1 else f"last {count} releases"
