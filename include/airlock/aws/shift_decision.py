"""What to do next about a listener's weights: pure decisions over what was observed.

Weights are a state, so asking twice is asking once. What must not happen: to write over somebody
else's weights, to send traffic to a group that is not healthy, or to believe a change that the
answers do not show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from include.airlock.model.machines import Shift

WHOLE = 100
SURE = 20
"""Answers in a row of one build that show all of the traffic on it."""
SAMPLE = 100
"""Answers over which a share is judged. Each sample is judged once, when it is whole: to judge anew
after each answer would sooner or later believe almost any share."""
UNLIKELY = 0.01
"""A share is believed unless chance alone would show one as far off this seldom."""


class Move(StrEnum):
    """What to do next."""

    SET = "set"
    WAIT = "wait"
    PROVE = "prove"
    BAKE = "bake"
    DONE = "done"
    STOP = "stop"


class Cause(StrEnum):
    """Why a shift stops."""

    FOREIGN = "foreign"
    STALLED = "stalled"


@dataclass(frozen=True)
class Sides:
    """Which of the two groups serves, by ARN; or why that can't be told."""

    live: str = ""
    idle: str = ""
    fault: str | None = None


@dataclass(frozen=True)
class Next:
    """The move, the weights to set where it is that, and why in a sentence."""

    move: Move
    why: str
    weights: Mapping[str, int] | None = None
    cause: Cause | None = None


def sides_of(weights: Mapping[str, int], pair: Sequence[str]) -> Sides:
    """Tell live from idle by a listener's weights; an absent group has none."""
    serving = [arn for arn, weight in weights.items() if weight > 0]
    others = [arn for arn in serving if arn not in pair]
    if others:
        return Sides(fault=f"it also sends requests to {', '.join(_name(arn) for arn in others)}")
    if len(serving) > 1:
        shares = ", ".join(f"{_name(arn)} {weights[arn]}" for arn in serving)
        return Sides(fault=f"both groups receive requests ({shares}), so none of them is idle")
    if not serving:
        return Sides(fault="it sends requests to neither of the two groups")
    live = serving[0]
    return Sides(live=live, idle=next(arn for arn in pair if arn != live))


def _name(arn: str) -> str:
    """The group's name out of its ARN, ``…:targetgroup/<name>/<id>``."""
    parts = arn.split("/")
    return parts[1] if len(parts) > 1 else arn


def weights_at(shift: Shift, percent: int) -> dict[str, int]:
    """The weights that give the idle group that share. At 0 it stays in the action, so it is kept healthy."""
    return {shift.live: WHOLE - percent, shift.idle: percent}


def decide(
    shift: Shift,
    weights: Mapping[str, int],
    steps: Sequence[int],
    *,
    soak: int,
    healthy_timeout: float,
    step_bake: float,
    now: float,
) -> Next:
    """The next move. ``shift.healthy`` counts looks in a row with the whole idle group healthy, up to now.

    More weight is given only to a group that is healthy: ``soak`` times in a row before its first
    request, and now before each further step. ``step_bake`` is in seconds; 0 asks for none.
    """
    own = _trimmed(weights)
    reached = _reached(shift, steps)
    if own != reached and (shift.weights is None or own != _trimmed(shift.weights)):
        return Next(Move.STOP, f"somebody changed the weights to {_shown(weights)}", cause=Cause.FOREIGN)
    if shift.stage == len(steps) - 1:
        return Next(Move.DONE, "all of the traffic is on the new group, proved")
    if shift.stage >= 0 and step_bake and shift.baked < shift.stage:
        return Next(Move.BAKE, f"{steps[shift.stage]} % are watched for a while")
    wanted = steps[shift.stage + 1]
    target = weights_at(shift, wanted)
    if own == _trimmed(target):
        return Next(Move.PROVE, f"the answers shall show {wanted} % of the new build")
    needed = soak if shift.stage < 0 else 1
    if shift.healthy < needed:
        return _warm(shift, weights, needed, healthy_timeout, now - _waiting_since(shift, step_bake, now))
    return Next(Move.SET, f"{wanted} % of the requests go to {_name(shift.idle)}", target)


def _waiting_since(shift: Shift, step_bake: float, now: float) -> float:
    """When the wait for a healthy group began: at the earliest when the step before had been watched."""
    began = now if shift.since is None else shift.since
    return began if shift.staged_at is None else max(began, shift.staged_at + step_bake)


def _reached(shift: Shift, steps: Sequence[int]) -> dict[str, float]:
    """The shares that were there before the present request: it may not have been taken yet."""
    return _trimmed(shift.before if shift.stage < 0 else weights_at(shift, steps[shift.stage]))


def _warm(shift: Shift, weights: Mapping[str, int], needed: int, timeout: float, spent: float) -> Next:
    """Targets of a group in no action are not health-checked: it joins at weight 0 first."""
    if shift.idle not in weights:
        return Next(Move.SET, f"{_name(shift.idle)} joins at weight 0", {**shift.before, shift.idle: 0})
    if spent > timeout and not shift.healthy:  # a worker that was away for long finds it healthy, and goes on
        why = f"{_name(shift.idle)} is not healthy after {timeout:g} s"
        return Next(Move.STOP, why, cause=Cause.STALLED)
    return Next(Move.WAIT, f"{_name(shift.idle)} is healthy {shift.healthy} of {needed} times in a row")


def _trimmed(weights: Mapping[str, int]) -> dict[str, float]:
    """Shares rather than numbers: 1 and 100 are the same where the other is 0."""
    whole = sum(weights.values())
    return {arn: round(weight / whole, 4) for arn, weight in weights.items() if weight} if whole else {}


def _shown(weights: Mapping[str, int]) -> str:
    return ", ".join(f"{_name(arn)} {weight}" for arn, weight in sorted(weights.items()))


def shows(answers: Sequence[bool], percent: int) -> bool:
    """Whether answers (True: the new build), newest last, show that ``percent`` took effect.

    All or nothing needs a row of answers without an exception; a share must not be further off
    than chance explains, with both builds seen.
    """
    if percent in (0, WHOLE):
        last = answers[-SURE:]
        return len(last) == SURE and all(answer is (percent == WHOLE) for answer in last)
    if not answers or len(answers) % SAMPLE:
        return False
    seen = sum(answers[-SAMPLE:])
    if seen in (0, SAMPLE):
        return False
    return _chance(seen, SAMPLE, percent / WHOLE) >= UNLIKELY


def _chance(seen: int, of: int, share: float) -> float:
    """How likely ``seen`` of ``of``, or something less likely, is with that share (exact binomial test)."""
    odds = [math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(of + 1)]
    return sum(chance for chance in odds if chance <= odds[seen] * (1 + 1e-9))
