"""Watching a status page until it is proved, or proved wrong."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from include.airlock.errors import NotHealthy, NotProven
from include.airlock.model.health import Healthy, Inconclusive, Reading, Unhealthy, Verdict, in_words, judge
from include.airlock.model.record import Watch
from include.airlock.model.streak import Accept, Decision, Fail, Policy, Streak, Wait, decide

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watched:
    """How a watch ended: the decision (``Wait`` when patience ran out first) and the last verdict."""

    decision: Decision
    verdict: Verdict | None

    def or_raise(self, where: str = "") -> None:
        """Raise unless it was accepted; ``where`` goes before the reason.

        Raises:
            NotHealthy: the page said clearly that something is wrong.
            NotProven: it was never clear.
        """
        if isinstance(self.decision, Fail):
            raise (NotHealthy if self.decision.definite else NotProven)(f"{where}{self.decision.why}")


def watch(
    look: Callable[[], Reading],
    build: str | None,
    policy: Policy,
    *,
    proof: Watch | None = None,
    patience: float | None = None,
    build_only: bool = False,
    switched: bool = False,
) -> Watched:
    """Read a status page again and again, each time on a fresh connection, until it is decided.

    Args:
        look: reads the page once.
        build: the build that must answer; None takes any.
        policy: how much proof is asked for.
        proof: what an earlier call of the same proof came to; brought up to date here.
        patience: seconds to stay in this worker; None means until it is decided.
        build_only: only the build counts, not how well it does.
        switched: requests are known to reach the new build, so another one counts as a fault at once.
    """
    began = time.time()
    proof = proof or Watch(since=began)
    streak = Streak(started=proof.since, switched=switched, good=proof.good, bad=proof.bad)
    while True:
        decision = decide(streak, policy, time.time())
        if isinstance(decision, Accept) and not streak.readings:
            decision = Wait(0.0, "healthy when it was last looked at")  # a proof ends with a look of its own
        if not isinstance(decision, Wait):
            log.info("%s", decision.why)
            return Watched(decision, streak.last)
        if patience is not None and time.time() + decision.seconds - began > patience:
            return Watched(decision, streak.last)
        time.sleep(decision.seconds)
        reading = look()
        verdict = _build_verdict(reading, build) if build_only else judge(reading, build)
        log.info("%s", in_words(verdict))
        streak = streak.after(verdict, time.time())
        proof.good, proof.bad = streak.good, streak.bad


def _build_verdict(reading: Reading, build: str | None) -> Verdict:
    if reading.build is None:
        return Inconclusive(reading.faults or ("no build on the status page",))
    if build is not None and reading.build != build:
        return Unhealthy((f"build {reading.build} answers, not {build}",), reading.build, wrong_build=True)
    return Healthy(reading.build)
