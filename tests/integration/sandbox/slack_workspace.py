"""A Slack workspace of the sandbox on loopback, with the means to look behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from include.sandbox.faults import Faults
from include.sandbox.journal import Journal
from include.sandbox.slack import slack_routes
from include.sandbox.slack_rules import RateLimits
from include.sandbox.slack_store import SlackStore
from tests.integration.sandbox.served import served

RELEASES = "C0SANDBOX01"
GENERAL = "C0SANDBOX03"
ARCHIVED = "C0SANDBOX04"


@dataclass
class Workspace:
    """One Slack server: its address, its store, its journal and its faults."""

    url: str
    store: SlackStore
    journal: Journal
    faults: Faults

    def raw(self, method: str, *, token: str | None = None, **arguments: Any) -> requests.Response:
        """Call a method with a JSON body and return the HTTP answer."""
        headers = {"Authorization": f"Bearer {token or self.store.token}"}
        headers["Content-Type"] = "application/json; charset=utf-8"
        return requests.post(f"{self.url}{method}", json=arguments, headers=headers, timeout=10)

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a method and return its answer, whatever it says."""
        answer: dict[str, Any] = self.raw(method, **arguments).json()
        return answer

    def post(self, text: str = "hello", **arguments: Any) -> str:
        """Post into #releases and return the message's ``ts``."""
        answer = self.call("chat.postMessage", channel=RELEASES, text=text, **arguments)
        assert answer["ok"], answer
        return str(answer["ts"])

    def in_releases(self) -> list[dict[str, Any]]:
        """Return what the store holds for #releases, not what the API says of it."""
        found: list[dict[str, Any]] = self.store.snapshot()["channels"]["#releases"]
        return found


@contextmanager
def workspace(limits: RateLimits | None = None) -> Iterator[Workspace]:
    """Run a workspace for the length of a test."""
    journal, faults = Journal(), Faults()
    routes, store = slack_routes(journal, faults, limits=limits)
    with served(routes) as address:
        yield Workspace(f"{address}/api/", store, journal, faults)
