"""Watching a status page from the triggerer: for waits of minutes, at no worker's cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from include.airlock.model.health import Verdict


class StatusTrigger(BaseTrigger):
    """Reads a status page until its bake time is over or it is clearly bad; only reads.

    The keyword arguments are a wire format between releases of Airlock: add, never rename.

    Args:
        url: the page's address.
        ca_file: PEM file to trust, or None for the machine's own trust store.
        build: the build that must answer; None takes any.
        since: epoch seconds when the bake began.
        soak: seconds of bake.
        page: the spec's ``status_page`` as JSON.
        more: further addresses of the same page; each look asks all, up to the first that is not well.
    """

    def __init__(
        self,
        *,
        url: str,
        ca_file: str | None,
        build: str | None,
        since: float,
        soak: float,
        page: dict[str, Any],
        more: list[str] | None = None,
    ) -> None:
        super().__init__()
        self.url = url
        self.ca_file = ca_file
        self.build = build
        self.since = since
        self.soak = soak
        self.page = page
        self.more = more or []

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The wire format: import path and keyword arguments."""
        names = ("url", "ca_file", "build", "since", "soak", "page", "more")
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            name: getattr(self, name) for name in names
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One event, when the step should look for itself: ``{"decided": why}``."""
        from pydantic import TypeAdapter

        from include.airlock.model.status_page import AnyStatusPage
        from include.airlock.model.streak import Streak, Wait, decide

        page: Any = TypeAdapter(AnyStatusPage).validate_python(self.page)
        policy = page.policy().baking(self.soak)
        streak = Streak(started=self.since, switched=True)
        while isinstance(decision := decide(streak, policy, time.time()), Wait):
            await asyncio.sleep(decision.seconds)
            streak = streak.after(await self._look(page), time.time())
        yield TriggerEvent({"decided": decision.why})

    async def _look(self, page: Any) -> Verdict:
        from include.airlock.model.health import Healthy, assess
        from include.airlock.status.probe import fetch

        for url in (self.url, *self.more):
            timeout = page.timeout.total_seconds()
            answer = await asyncio.to_thread(fetch, url, timeout=timeout, ca_file=self.ca_file)
            verdict = assess(answer, page, self.build)
            if not isinstance(verdict, Healthy):
                break
        return verdict
