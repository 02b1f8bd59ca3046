"""Slack and a webhook receiver of the sandbox on loopback, reached through Airflow connections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web

from include.airlock.announce.notifier import Notifier, NotTold
from include.airlock.announce.slack import SlackNotifier
from include.airlock.announce.tell import Clock
from include.airlock.announce.tell import tell as tell_in_time
from include.airlock.announce.webhook import WebhookNotifier
from include.airlock.model.record import ReleaseRecord
from include.sandbox.faults import Faults
from include.sandbox.journal import Journal
from include.sandbox.slack import slack_routes
from include.sandbox.slack_store import SlackStore
from include.sandbox.webhook import HookStore, webhook_routes
from tests.integration.sandbox.served import served
from tests.unit.announce.media import Memory

BUDGET_S = 30.0
"""Enough for a machine that is busy with other tests; tests of the budget give their own."""
CHANNEL = "C0SANDBOX01"
HOOK_TOKEN = "hook-token-9f31"


@dataclass
class Media:
    """Both servers, seen from behind, and what sets their faults."""

    address: str
    slack: SlackStore
    hooks: HookStore
    journal: Journal
    faults: Faults

    def channel(self, name: str = "#releases") -> list[dict[str, Any]]:
        """All messages of a channel, replies too, as the server holds them."""
        found: list[dict[str, Any]] = self.slack.snapshot()["channels"][name]
        return found

    def marks(self) -> list[str]:
        """Which of our posts are in the channel, in order."""
        return [held["metadata"]["event_payload"]["mark"] for held in self.channel()]

    def delivered(self) -> list[dict[str, Any]]:
        """What the webhook receiver took, in order."""
        found: list[dict[str, Any]] = self.hooks.snapshot()["hooks"]
        return found

    def calls(self, operation: str) -> int:
        """How often a method was called."""
        count: int = self.journal.counts()["operations"].get(operation, 0)
        return count


@contextmanager
def media(monkeypatch: pytest.MonkeyPatch) -> Iterator[Media]:
    """Run both and set the connections ``slack_default`` and ``releases_webhook``."""
    journal, faults = Journal(), Faults()
    slack, store = slack_routes(journal, faults)
    hook, hooks = webhook_routes(journal, faults)
    with served([*slack, *hook]) as address:
        connect(monkeypatch, "slack_default", "slack", store.token, extra={"base_url": f"{address}/api/"})
        connect(monkeypatch, "releases_webhook", "http", HOOK_TOKEN, host=f"{address}/hook")
        yield Media(address, store, hooks, journal, faults)


@contextmanager
def answering(handler: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Run a server that answers every request through ``handler``, behind both connections."""
    with served([web.route("*", "/{anything:.*}", handler)]) as address:
        connect(
            monkeypatch, "slack_default", "slack", "xoxb-secret-77", extra={"base_url": f"{address}/api/"}
        )
        connect(monkeypatch, "releases_webhook", "http", HOOK_TOKEN, host=f"{address}/secret-path-55")
        yield address


def connect(monkeypatch: pytest.MonkeyPatch, name: str, kind: str, password: str, **fields: Any) -> None:
    """Define an Airflow connection for this test."""
    value = {"conn_type": kind, "password": password, **fields}
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(value))


def slack(channel: str = CHANNEL) -> Notifier:
    """A Slack notifier, as a new task makes one."""
    return SlackNotifier("slack_default", channel)


def hook() -> Notifier:
    """A webhook notifier, as a new task makes one."""
    return WebhookNotifier("releases_webhook")


def tell(
    record: ReleaseRecord,
    notifiers: list[Notifier],
    memory: Memory,
    budget_s: float = BUDGET_S,
    clock: Clock | None = None,
) -> list[NotTold]:
    """Tell as the product does, with time to spare."""
    return tell_in_time(record, notifiers, memory, budget_s, clock)
