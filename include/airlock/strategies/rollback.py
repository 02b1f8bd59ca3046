"""The plan of ``rollback_<service>``: a release's places in reverse order, the same for every strategy."""

from __future__ import annotations

from include.airlock.model.plan import Plan, Step, When
from include.airlock.model.service import Service
from include.airlock.strategies import compile_plan


def compile_rollback(service: Service) -> Plan:
    """Look, then each place back and proved, the last one first; who follows is told beside it."""
    room = next(step.room for step in compile_plan(service) if step.verb == "preflight")
    steps = [
        _step("look", room, "look_back", None, (), "say of every place how it would be brought back; lock")
    ]
    steps.append(
        _step("tell.start", "announce", "tell_back", None, ("look",), "tell who undoes what and why")
    )
    last, told = "look", "tell.start"
    for place in reversed(service.places):
        about = f"bring {place} back to the build it had before, and prove it"
        steps.append(_step(f"{place}.roll_back", room, "undo", place, (last,), about))
        last = steps[-1].id
        after = (last, told)
        steps.append(
            Step(f"tell.{place}", "announce", "tell_back", place, after, When.ALL_DONE, f"tell of {place}")
        )
        told = steps[-1].id
    about = "say in one sentence how the rollback ended"
    steps.append(Step("verdict", "release", "verdict_back", None, (last,), When.ALL_DONE, about))
    end = (last, told)
    steps.append(Step("tell.end", "announce", "tell_back_end", None, end, When.ALL_DONE, "tell the end"))
    return Plan(service=service, steps=tuple(steps))


def _step(name: str, room: str, verb: str, region: str | None, after: tuple[str, ...], about: str) -> Step:
    return Step(name, room, verb, region, after, When.NONE_FAILED, about)
