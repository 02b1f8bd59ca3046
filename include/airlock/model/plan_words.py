"""A plan in words for people: as a table, and what differs between two of them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from include.airlock.model.plan_report import PlaceSeen, PlannedCall, PlanReport
from include.airlock.model.visible import line

THE_RELEASE, THE_SPEC, THE_CALLS = "the request", "the spec", "the calls"
_MOST_TOLD = 8
"""Differences of the spec, or of the calls, that are told one by one."""
_LONGEST_VALUE = 80
_NO_CALL = PlannedCall(place=THE_CALLS, step="", call="", target="")

_POLICIES = {
    "halt": "nothing goes back by itself; a rollback would go so",
    "roll_back_machine": "the machine that failed goes back; a rollback of all would go so",
    "roll_back_region": "what failed goes back, and what was accepted stays; each would go so",
    "roll_back_release": "all goes back, the last one first",
    "ask": "somebody is asked; what goes back would go so",
}


@dataclass(frozen=True)
class Difference:
    """One thing that is not as a plan has it; ``where`` is a place, the request or the spec."""

    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def differences(planned: PlanReport, now: PlanReport) -> list[Difference]:
    """What has changed from one plan to the other, in words; empty only where their hashes are equal."""
    if planned.hash == now.hash:
        return []
    found = [*_of_request(planned.request, now.request), *_of_spec(planned.spec, now.spec)]
    before, after = ({place.name: place for place in each.places} for each in (planned, now))
    for name in [*before, *(name for name in after if name not in before)]:
        if name in before and name in after:
            found += [Difference(name, text) for text in _of_place(before[name], after[name])]
    return found or _of_calls(planned.calls, now.calls)


def _of_request(planned: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    words = {
        "build": "the build was {0} and is {1}",
        "regions": "the regions were {0} and are {1}",
        "on_failure": "the policy was {0} and is {1}",
        "refresh_build": "staging was to be refreshed with {0} and is with {1}",
        "windows": "windows and freezes were {0} and are {1}",
    }
    states = {"hold": "to hold", "overridden": "overridden"}
    for key, text in words.items():
        was, is_ = planned.get(key), now.get(key)
        if was != is_:
            yield Difference(THE_RELEASE, text.format(*(states.get(str(v), _value(v)) for v in (was, is_))))


def _of_spec(planned: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    before, after = _flat(planned), _flat(now)
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    found = [
        Difference(THE_SPEC, f"{key} was {before.get(key, 'not there')}, is {after.get(key, 'not there')}")
        for key in keys[:_MOST_TOLD]
    ]
    return found + _more(THE_SPEC, len(keys))


def _more(where: str, count: int) -> list[Difference]:
    left = count - _MOST_TOLD
    return [Difference(where, f"{left} more differ")] if left > 0 else []


def _flat(value: Any, name: str = "") -> dict[str, str]:
    """A spec as one line a value; a list's items go by their names where they have some."""
    if isinstance(value, dict) and value:
        parts = [(str(key), held) for key, held in value.items()]
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        parts = [(str(each.get("name", number)), each) for number, each in enumerate(value)]
    else:
        return {name: _value(value)}
    return {k: v for key, held in parts for k, v in _flat(held, f"{name}.{key}" if name else key).items()}


def _value(value: Any) -> str:
    """A value on one line, not too long."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        text = ", ".join(value) or "none"
    else:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _of_place(planned: PlaceSeen, now: PlaceSeen) -> Iterator[str]:
    for thing in {**planned.builds, **now.builds}:
        if thing not in now.builds:
            yield f"{thing} is there no more (it held {_build(planned.builds[thing])})"
        elif thing not in planned.builds:
            yield f"{thing} joined (it holds {_build(now.builds[thing])})"
        elif planned.builds[thing] != now.builds[thing]:
            yield f"{thing} held {_build(planned.builds[thing])}, now holds {_build(now.builds[thing])}"
    for about in {**planned.facts, **now.facts}:
        was, is_ = planned.facts.get(about, "nothing"), now.facts.get(about, "nothing")
        same = about in planned.facts and about in now.facts and was == is_
        if not same:
            yield f"{about} was {was}, is now {is_}"


def _build(build: str | None) -> str:
    return build or "no readable build"


def _of_calls(planned: Sequence[PlannedCall], now: Sequence[PlannedCall]) -> list[Difference]:
    """Where all that was seen is the same: the calls themselves, e.g. by a newer version of this program."""
    found = [
        Difference((after or before or _NO_CALL).place, f"the call was {_asked(before)}, is {_asked(after)}")
        for before, after in zip_longest(planned, now)
        if before is None or after is None or _asks(before) != _asks(after)
    ]
    told = found[:_MOST_TOLD] + _more(THE_CALLS, len(found))
    return told or [Difference(THE_RELEASE, "something differs that this version can't name")]


def _asks(call: PlannedCall) -> tuple[Any, ...]:
    return (call.place, call.step, call.call, call.target, call.body)


def _asked(call: PlannedCall | None) -> str:
    return "not there" if call is None else f"{call.call} on {call.target}{_with(call)}"


def in_words(plan: PlanReport) -> str:
    """The plan as people read it: what was seen, the calls in order, the way back, the warnings."""
    policy = plan.request["on_failure"]
    lines = [
        f"plan {plan.hash}: {plan.service} {plan.build}, about {in_time(plan.expected_s)}",
        "",
        "what is there now",
        *(f"  {place.name}: {_seen(place)}" for place in plan.places),
        "",
        "what would be done, in this order",
        *_table(plan),
        "",
        f"the way back ({policy}): {_POLICIES.get(policy, 'it would go so')}",
    ]
    for way in plan.way_back:
        lines.append(f"  {way.place}: {way.text}")
        lines += [f"    {call.call}  {_short(call.target)}{_with(call)}" for call in way.calls]
    if plan.warnings:
        lines += ["", "warnings", *(f"  {warning}" for warning in plan.warnings)]
    return "\n".join(map(line, lines))


def _seen(place: PlaceSeen) -> str:
    return ", ".join(f"{thing} {_build(build)}" for thing, build in place.builds.items())


def _table(plan: PlanReport) -> list[str]:
    """One row a call, and one for each step that only looks, in the order in which they come."""
    rows: list[tuple[str, str, str, str, str]] = []
    for stage in plan.stages:
        own = [call for call in plan.calls if (call.place, call.step) == (stage.place, stage.step)]
        if not own:
            expected = _expected(stage.expected_s, stage.source)
            rows.append(("", stage.place, stage.step, expected, "(only looks)"))
        for call in own:
            asked = f"{call.call}  {_short(call.target)}{_with(call)}"
            expected = _expected(call.expected_s, call.source)
            rows.append((str(call.n), call.place, call.step, expected, asked))
    return [f"  {line}" for line in _aligned(rows)] or ["  nothing"]


def _aligned(rows: Sequence[tuple[str, str, str, str, str]]) -> list[str]:
    """The numbers to the right, all other columns to the left."""
    number, place, step, expected = (max((len(row[c]) for row in rows), default=0) for c in range(4))
    return [
        f"{row[0]:>{number}}  {row[1]:<{place}}  {row[2]:<{step}}  {row[3]:<{expected}}  {row[4]}"
        for row in rows
    ]


def _short(target: str) -> str:
    """An ARN without what all ARNs of an account have in common."""
    return target.rpartition(":")[2] if target.startswith("arn:") else target


def _expected(seconds: float, source: str) -> str:
    return f"{in_time(seconds)} ({source})" if seconds else ""


def _with(call: PlannedCall) -> str:
    """What is sent, in short: ``build=2026.11.2``."""
    if not call.body:
        return ""
    return "  " + ", ".join(f"{key}={_value(value)}" for key, value in call.body.items())


def in_time(seconds: float) -> str:
    """Seconds for people: ``45 s``, ``6 min``, ``1 h 10 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{minutes} min" if minutes < 90 else f"{hours} h {rest} min" if rest else f"{hours} h"
