"""The receiver of webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from include.sandbox.faults import Faults
from include.sandbox.journal import Journal
from include.sandbox.webhook import HookStore, webhook_routes
from tests.integration.sandbox.served import served


@dataclass
class Receiver:
    """One receiver: its address, what it keeps, its journal and its faults."""

    url: str
    store: HookStore
    journal: Journal
    faults: Faults


@pytest.fixture(name="hook")
def _hook() -> Iterator[Receiver]:
    journal, faults = Journal(), Faults()
    routes, store = webhook_routes(journal, faults)
    with served(routes) as address:
        yield Receiver(f"{address}/hook", store, journal, faults)


def test_deliveries_are_kept_in_order_without_their_credentials(hook: Receiver) -> None:
    """Given two deliveries, when the store is read, then both are there and no token is."""
    headers = {"Idempotency-Key": "r1/start", "Authorization": "Bearer s3cret"}
    requests.post(hook.url, json={"event": "started"}, headers=headers, timeout=10)
    requests.post(f"{hook.url}/audit", json={"event": "ended"}, timeout=10)

    first, second = hook.store.snapshot()["hooks"]

    assert (first["body"], first["name"], second["name"]) == ({"event": "started"}, "", "audit")
    assert (first["idempotency_key"], first["authorization"]) == ("r1/start", "Bearer ***")
    assert (second["idempotency_key"], second["authorization"]) == (None, None)
    assert "s3cret" not in str(hook.store.snapshot()) + str(hook.journal.entries())


def test_a_repeated_delivery_is_marked(hook: Receiver) -> None:
    """Given the same Idempotency-Key twice, when the store is read, then the second is marked as a repeat."""
    for _ in range(2):
        requests.post(hook.url, json={}, headers={"Idempotency-Key": "k"}, timeout=10)

    assert [held["repeat"] for held in hook.store.snapshot()["hooks"]] == [False, True]


def test_a_body_that_is_no_json_is_refused(hook: Receiver) -> None:
    """Given a body that is no JSON, when it is delivered, then 400 comes and nothing is kept."""
    response = requests.post(hook.url, data="hello", timeout=10)

    assert response.status_code == 400
    assert hook.store.snapshot() == {"hooks": []}


def test_a_receiver_that_is_down_keeps_nothing(hook: Receiver) -> None:
    """Given an outage of two calls, when three come, then 503, a closed connection, and the third is kept."""
    hook.faults.add({"fault": "webhook_down", "times": 1})
    hook.faults.add({"fault": "webhook_down", "how": "closed", "times": 1})

    down = requests.post(hook.url, json={"n": 1}, timeout=10)
    with pytest.raises(requests.ConnectionError):
        requests.post(hook.url, json={"n": 2}, timeout=10)
    up = requests.post(hook.url, json={"n": 3}, timeout=10)

    assert (down.status_code, up.status_code) == (503, 200)
    assert [held["body"] for held in hook.store.snapshot()["hooks"]] == [{"n": 3}]
    assert [entry["status"] for entry in hook.journal.entries(service="webhook")] == [503, None, 200]


def test_reset_forgets(hook: Receiver) -> None:
    """Given a delivery, when the store is reset, then it is gone."""
    requests.post(hook.url, json={}, timeout=10)
    hook.store.reset()

    assert hook.store.snapshot() == {"hooks": []}
