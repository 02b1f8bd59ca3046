"""How many good answers in a row make a proof, and when to stop asking.

Pure: the caller looks, and asks here what to do next. A single good answer proves little, since
one instance of many may have given it; a single bad one right after a swap proves little, since
App Service may answer 503 for some 20 seconds after a swap that went well
(Azure/azure-functions-host#6109).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from include.airlock.model.verdict import Healthy, Inconclusive, Unhealthy, Verdict


@dataclass(frozen=True)
class Policy:
    """How much proof is asked for; times in seconds.

    ``soak_s`` is a time that must pass before anything is accepted, as in a bake. It comes on top
    of ``deadline_s``.
    """

    consecutive: int = 3
    unhealthy_after: int = 5
    interval_s: float = 2.0
    deadline_s: float = 300.0
    soak_s: float = 0.0

    def baking(self, soak_s: float) -> Policy:
        """Give the same policy for watching a region over its bake time."""
        return replace(self, soak_s=soak_s)


@dataclass(frozen=True)
class Streak:
    """What a row of verdicts has come to, begun at ``started`` on the caller's clock.

    ``switched``: it is proved that requests reach the new build. Until then a wrong build may be
    the old one still answering, and is waited out; from then on it counts as any fault does.
    """

    started: float
    switched: bool = False
    good: int = 0
    bad: int = 0
    readings: int = 0
    last: Verdict | None = None
    last_at: float = 0.0

    def after(self, verdict: Verdict, at: float) -> Streak:
        """Give the streak with one more verdict: only answers in a row count, good or bad."""
        healthy = isinstance(verdict, Healthy)
        switched = self.switched or healthy
        counts = isinstance(verdict, Unhealthy) and (switched or not verdict.wrong_build)
        return replace(
            self,
            switched=switched,
            good=self.good + 1 if healthy else 0,
            bad=self.bad + 1 if counts else 0,
            readings=self.readings + 1,
            last=verdict,
            last_at=at,
        )


@dataclass(frozen=True)
class Wait:
    """Look again after ``seconds``."""

    seconds: float
    why: str


@dataclass(frozen=True)
class Accept:
    """The proof is complete."""

    why: str


@dataclass(frozen=True)
class Fail:
    """Stop asking. ``definite``: the page said clearly that something is wrong; else it was never clear."""

    definite: bool
    why: str


Decision = Wait | Accept | Fail


def decide(streak: Streak, policy: Policy, now: float) -> Decision:
    """Say whether to look again, accept or fail, and why in one sentence. ``now`` is on the streak's clock.

    - Accept: ``consecutive`` Healthy in a row, the last of them before the deadline, and the soak over.
    - Fail early: ``unhealthy_after`` Unhealthy in a row, so that a broken region is swapped back soon.
      A wrong build alone counts only once the new build has been seen (see ``Streak.switched``).
    - Fail at the deadline, whatever the last answer was. Inconclusive never fails earlier.

    A watch that goes on after the deadline, because its worker was lost or a person cleared it
    later, still looks: it is accepted if its answers are good from the first one on.
    """
    limit = policy.soak_s + policy.deadline_s
    spent = now - streak.started
    spotless = streak.good >= streak.readings  # true before the first look as well
    in_time = streak.last_at - streak.started <= limit or spotless
    if streak.good >= policy.consecutive and in_time and spent >= policy.soak_s:
        return Accept(f"healthy {_times(streak.good)} in a row")
    if streak.bad >= policy.unhealthy_after:
        return Fail(True, f"unhealthy {_times(streak.bad)} in a row: {_last(streak)}")
    if spent >= limit and not (spotless and streak.good < policy.consecutive):
        return Fail(isinstance(streak.last, Unhealthy), _late(streak, policy, limit))
    return Wait(_pause(streak, policy, spent, limit), _progress(streak, policy))


def _pause(streak: Streak, policy: Policy, spent: float, limit: float) -> float:
    """Give the time to the next look: soon after the soak's end or the deadline, if they come first."""
    ends = [end - spent for end in (policy.soak_s, limit) if end > spent]
    if streak.readings == 0:
        return 0.0
    return min([policy.interval_s, *ends])


def _progress(streak: Streak, policy: Policy) -> str:
    if streak.last is None:
        return "not looked yet"
    if isinstance(streak.last, Healthy):
        return f"healthy {_times(streak.good)} of {policy.consecutive}"
    return _last(streak)


def _late(streak: Streak, policy: Policy, limit: float) -> str:
    if isinstance(streak.last, Healthy):
        needed, had = _times(policy.consecutive), _times(streak.good)
        return f"not healthy {needed} in a row within {limit:g} s: {had} at the end"
    kind = "unhealthy" if isinstance(streak.last, Unhealthy) else "not proved"
    return f"{kind} after {limit:g} s and {_times(streak.readings)} of asking: {_last(streak)}"


def _last(streak: Streak) -> str:
    verdict = streak.last
    return "; ".join(verdict.reasons) if isinstance(verdict, (Unhealthy, Inconclusive)) else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
