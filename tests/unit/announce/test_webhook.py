"""The webhook's body, key and address; pure."""

from __future__ import annotations

import json

import pytest

from include.airlock.announce.notifier import NotTold
from include.airlock.announce.told import Kind, Pending
from include.airlock.announce.webhook import Target, idempotency_key, payload, target_of
from include.airlock.model.record import Outcome, Phase
from tests.unit.announce.releases import region, release

STARTED = Pending(kind=Kind.HEADLINE, mark="headline")
STEP = Pending(kind=Kind.EVENTS, mark="events:west:2", events=(("west", 2),))
ENDED = Pending(kind=Kind.ENDING, mark="ending:1", ending=Outcome.HALTED)


def test_the_start_says_who_what_why_and_where() -> None:
    """Given a release that starts, then its body holds the release and each region."""
    body = payload(release(region("west")), STARTED)

    assert body["event"] == "release.started"
    assert body["happened"] is None
    assert {
        key: body[key] for key in ("release", "service", "build", "requested_by", "reason", "outcome")
    } == {
        "release": "CHG-1001",
        "service": "payments",
        "build": "2026.11.2",
        "requested_by": "alice",
        "reason": "new rates",
        "outcome": "running",
    }
    assert [each["name"] for each in body["regions"]] == ["west"]
    assert body["text"].startswith("🚀 payments 2026.11.2 is being released")


def test_an_event_says_what_happened_where() -> None:
    """Given one event of a region, then its body names region, number and text."""
    body = payload(release(region("west", Phase.CHANGED, 2)), STEP)

    assert body["event"] == "release.event"
    happened = body["happened"]
    assert (happened["region"], happened["n"], happened["text"]) == ("west", 2, "step 2 in west.")
    assert body["id"] == "release_payments/CHG-1001/events:west:2"


def test_the_end_says_how_and_why() -> None:
    """Given a halted release, then its last body says so in a sentence; it is JSON."""
    record = release(
        region("west", Phase.FAILED, failure="no ledger"), outcome=Outcome.HALTED, sentence="no ledger"
    )
    body = json.loads(json.dumps(payload(record, ENDED)))

    assert (body["event"], body["outcome"], body["sentence"]) == ("release.ended", "halted", "no ledger")
    assert body["text"] == "🛑 payments 2026.11.2 was halted: no ledger"
    assert body["regions"][0]["failure"] == "no ledger"


@pytest.mark.parametrize("run", ["manual__2026-11-21T10:00:00+00:00", "CHG-1001"])
def test_a_key_is_readable(run: str) -> None:
    """Given a usual run id, then the key shows it."""
    assert idempotency_key(release(release=run), STEP) == f"release_payments/{run}/events:west:2"


@pytest.mark.parametrize("run", ["a\r\nX-Evil: 1", "größe", "x" * 300, "a b"])
def test_a_key_is_always_a_header(run: str) -> None:
    """Given a run id that is no header's value, then the key is a digest of it, stable and its own."""
    key = idempotency_key(release(release=run), STEP)

    assert key.isascii()
    assert key.isalnum()
    assert key == idempotency_key(release(release=run), STEP)
    assert key != idempotency_key(release(release=run), STARTED)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example/x?y=1",
        "http://127.0.0.1:8080/hook",
        "http://localhost/hook",
        "http://[::1]:1/hook",
    ],
)
def test_an_address_that_is_taken(url: str) -> None:
    """Given https, or http on this machine, then it is used as it is."""
    assert target_of("hook", url, "") == Target(url, None)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "hooks.example",
        "http://hooks.example/x",
        "http://127.0.0.1.example/x",
        "ftp://hooks.example/x",
        "https://user:pass@hooks.example/x",
        "https://hooks.example/\nx",
        "https:///x",
        "file:///etc/passwd",
        "https://[x/",
    ],
)
def test_an_address_that_is_refused(url: str | None) -> None:
    """Given anything else, then the trouble names the connection and never the address."""
    with pytest.raises(NotTold, match="connection 'hook'") as caught:
        target_of("hook", url, "s3cret")

    assert caught.value.sure
    assert "example" not in str(caught.value)


def test_a_target_shows_neither_address_nor_token() -> None:
    """Given a target, when printed, then no secret is seen."""
    assert "x" not in repr(target_of("hook", "https://xx.xx/xx", "xx")).replace("Target", "")
