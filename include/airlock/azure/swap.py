"""Carrying out one swap: look, decide, act, look; every step of it safe to repeat.

The loop holds nothing that is not in the stored intent, so a new process that starts with
that intent goes on where a killed one was.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from include.airlock.azure.arm import Answer
from include.airlock.azure.sites import SlotSite
from include.airlock.azure.swap_decision import (
    Decision,
    Move,
    Reply,
    Timing,
    World,
    classify,
    decide,
    overdue,
)
from include.airlock.errors import Denied, Drifted, NotFound, Rejected, SwapFailed, Transient
from include.airlock.model.record import SwapIntent, SwapPhase
from include.airlock.release.looks import acted, looked

log = logging.getLogger(__name__)

_LONGEST_POLL = 15.0
"""Seconds between two looks at an operation in the recorded live swap."""


@dataclass
class Clock:
    """Time as the loop sees it; tests replace it."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class Swap:
    """One swap in one region, forward or back.

    Args:
        site: the app.
        look: reads both slots and the builds that answer.
        save: stores the intent durably; called before each request and after each answer.
        timing: how long the whole may take and when silence is proof.
        patience: seconds to wait in this process before ``carry_out`` gives the worker back.
    """

    def __init__(
        self,
        site: SlotSite,
        look: Callable[[], World],
        save: Callable[[SwapIntent], None],
        timing: Timing,
        *,
        patience: float,
        clock: Clock | None = None,
    ) -> None:
        self._site = site
        self._look = look
        self._save = save
        self._timing = timing
        self._patience = patience
        self._clock = clock or Clock()

    def carry_out(self, intent: SwapIntent) -> World | float:
        """Go on until the swap is done and seen.

        Returns what was seen then; or, when it takes long, the seconds after which to call again.

        Raises:
            SwapFailed: the platform gave up, and a look proved that nothing was swapped.
            Drifted: the signs contradict what the release believes.
            Denied, NotFound: the platform refuses this caller or knows no such app.
        """
        began, pause = self._clock.now(), 0.5
        while True:
            if intent.location:
                wait = self._follow(intent)
            else:
                seen = self._see(intent)
                if isinstance(seen, World):
                    return seen
                wait = seen
            wait = pause if wait is None else wait
            if wait and self._clock.now() + wait - began > self._patience:
                return wait
            self._clock.sleep(wait)
            pause = min(pause * 1.5, _LONGEST_POLL) if wait else pause

    def _see(self, intent: SwapIntent) -> World | float | None:
        """Look, decide, act. What was seen when it is done, else the seconds to wait (None: the usual)."""
        try:
            world = self._look()
        except Transient as fault:
            if overdue(intent, self._timing, self._clock.now()):
                raise
            log.warning("%s", fault)
            return getattr(fault, "retry_after", None)
        decision = decide(intent, world, self._timing, self._clock.now())
        log.info("%s: %s", decision.move, decision.why)
        if decision.move is Move.DONE:
            intent.phase = SwapPhase.DONE
            looked(intent, decision.why)
            self._save(intent)
            return world
        return self._act(intent, decision)

    def _act(self, intent: SwapIntent, decision: Decision) -> float | None:
        """Do what was decided; the seconds to wait afterwards, None for the usual."""
        if decision.move is Move.SEND:
            return self._send(intent)
        if decision.move is Move.RESET:
            self._site.reset_preview()
            intent.reply = Reply.TRANSIENT.value
            self._save(intent)
            return 0.0
        if decision.move is Move.STOP:
            said = f" ({intent.said})" if intent.said else ""
            raise (SwapFailed if decision.untouched else Drifted)(f"{decision.why}{said}")
        return None

    def _send(self, intent: SwapIntent) -> float | None:
        """Send the request: the intent is stored before, the answer after."""
        intent.phase, intent.reply, intent.said = SwapPhase.INTENT, None, None
        intent.posts += 1
        before = intent.posted_at
        intent.posted_at = intent.heard_at = self._clock.now()
        acted(intent, f"asks to swap {self._site.region.app}, {intent.direction} (request {intent.posts})")
        self._save(intent)
        log.info("swap request %d of %s", intent.posts, self._site.region.app)
        try:
            answer = self._site.swap()
        except Transient as fault:
            log.warning("%s", fault)
            return self._heard(intent, None)
        if classify(answer) in (Reply.BUSY, Reply.THROTTLED, Reply.REFUSED, Reply.GONE):
            intent.posts -= 1  # it was not taken, so it does not count as asked
            intent.posted_at = before
        return self._heard(intent, answer)

    def _follow(self, intent: SwapIntent) -> float | None:
        """Look at the running operation, at the newest address it gave."""
        assert intent.location
        try:
            answer = self._site.follow(intent.location)
        except Transient as fault:
            log.warning("%s", fault)
            return self._overdue(intent)
        except Rejected as fault:  # told on another server: the token must not go there, the look decides
            log.warning("%s", fault)
            intent.location = None
            self._save(intent)
            return 0.0
        reply = classify(answer)
        if reply in (Reply.LOST, Reply.THROTTLED):
            log.warning("the operation could not be read: %s %s", answer.status, answer.message)
            return answer.retry_after or self._overdue(intent)
        if reply is Reply.ACCEPTED:
            newest = answer.headers.get("location")
            if newest and newest != intent.location:
                intent.location = newest
                self._save(intent)
            self._overdue(intent)
            return answer.retry_after
        return self._heard(intent, answer)

    def _overdue(self, intent: SwapIntent) -> float | None:
        """Stop following an operation that outlived the timeout: the look decides from here."""
        if overdue(intent, self._timing, self._clock.now()):
            intent.location = None
            self._save(intent)
            return 0.0
        return None

    def _heard(self, intent: SwapIntent, answer: Answer | None) -> float | None:
        """Store what an answer means."""
        reply = classify(answer)
        if reply is Reply.REFUSED and intent.phase is SwapPhase.POSTED:
            reply = Reply.LOST  # the look at the operation was refused, which says nothing of the swap
        intent.reply, intent.heard_at = reply.value, self._clock.now()
        intent.location = None
        if answer is not None and reply is Reply.ACCEPTED:
            intent.phase, intent.location = SwapPhase.POSTED, answer.headers.get("location")
        if answer is not None and answer.status >= 400:
            intent.said = f"{answer.status}: {answer.message}"
        acted(intent, f"the answer: {reply.value}{f' ({intent.said})' if intent.said else ''}")
        self._save(intent)
        log.info("the platform's answer: %s %s", reply.value, intent.said or "")
        if answer is None or reply is Reply.BUSY:
            return answer.retry_after if answer else None
        if answer.status in (401, 403):
            raise Denied(
                f"swap {self._site.region.app}: {intent.said}", status=answer.status, code=answer.code
            )
        if reply is Reply.GONE and intent.phase is SwapPhase.INTENT:
            raise NotFound(f"swap {self._site.region.app}: {intent.said}", status=404, code=answer.code)
        return answer.retry_after if reply in (Reply.ACCEPTED, Reply.THROTTLED) else 0.0
