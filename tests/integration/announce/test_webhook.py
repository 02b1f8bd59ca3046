"""The webhook over HTTP: each event once, kept for later when nobody is there."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from include.airlock.model.record import Outcome, Phase
from tests.integration.announce.media import HOOK_TOKEN, Media, answering, connect, hook, slack, tell
from tests.unit.announce.media import Memory
from tests.unit.announce.releases import region, release, story

START = release(region("west"))
OVER = release(region("west", Phase.FAILED, 2), outcome=Outcome.HALTED, sentence="west is not healthy")


def test_a_release_is_heard_event_by_event(media: Media) -> None:
    """Given a release, when told as it goes, then the receiver got start, each event and the end, once."""
    memory = Memory()
    for record in story():
        assert tell(record, [hook()], memory) == []

    got = media.delivered()
    names = [each["body"]["event"] for each in got]
    assert names == ["release.started", *["release.event"] * 20, "release.ended"]
    assert len({each["idempotency_key"] for each in got}) == len(got)
    assert all(each["idempotency_key"] == each["body"]["id"] for each in got)
    assert {each["authorization"] for each in got} == {"Bearer ***"}
    assert got[-1]["body"]["outcome"] == "released"


@pytest.mark.parametrize("how", ["503", "closed"])
def test_a_receiver_that_is_down_is_told_later(media: Media, how: str) -> None:
    """Given a receiver that is down for a while, when it is back, then it hears all, once, in order."""
    media.faults.add({"fault": "webhook_down", "how": how})
    memory = Memory()
    (trouble,) = tell(START, [hook()], memory)
    (worse,) = tell(OVER, [hook()], memory)
    media.faults.clear()

    assert tell(OVER, [hook()], memory) == []
    marks = [each["idempotency_key"].rsplit("/", 1)[1] for each in media.delivered()]
    assert marks[0] == "headline"
    assert marks[-1] == "ending:1"
    assert len(marks) == len(set(marks))
    assert (trouble.medium, len(worse.owed)) == ("webhook releases_webhook", 3)


def test_the_receiver_being_down_costs_slack_nothing(media: Media) -> None:
    """Given a receiver that is down, when both are told, then Slack has everything."""
    media.faults.add({"fault": "webhook_down"})

    troubles = tell(OVER, [hook(), slack()], Memory())

    assert [trouble.medium for trouble in troubles] == ["webhook releases_webhook"]
    assert media.marks() == ["headline", "events:west:2", "ending:1"]


def test_a_lost_answer_is_sent_again_under_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a receiver that takes an event and hangs up, then the same key comes again, and no other."""
    keys: list[str] = []

    async def hang_up(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        if len(keys) == 1 and request.transport is not None:
            request.transport.abort()
        return web.json_response({})

    memory = Memory()
    with answering(hang_up, monkeypatch):
        assert len(tell(START, [hook()], memory)) == 1
        assert tell(START, [hook()], memory) == []

    assert keys == ["release_payments/CHG-1001/headline"] * 2


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_will_do(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """Given a receiver that answers any 2xx, then the event is told."""

    async def fine(request: web.Request) -> web.Response:
        return web.Response(status=status)

    with answering(fine, monkeypatch):
        assert tell(START, [hook()], Memory()) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (302, "HTTP 302; redirects are not followed"),
        (400, "HTTP 400"),
        (401, "HTTP 401"),
        (429, "rate-limited by the receiver for 120 s"),
        (500, "HTTP 500"),
    ],
)
def test_what_is_no_success_is_kept(monkeypatch: pytest.MonkeyPatch, status: int, words: str) -> None:
    """Given any other answer, then it is said, nothing is followed, and the event is kept."""
    paths: list[str] = []

    async def refuse(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=status, headers={"Location": "/elsewhere", "Retry-After": "120"})

    with answering(refuse, monkeypatch):
        troubles = tell(START, [hook()], Memory())

    assert words in str(troubles[0])
    assert set(paths) == {"/secret-path-55"}
    assert troubles[0].owed == ("that the release has started",)


def test_one_refused_event_does_not_hide_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a receiver that refuses events but takes ends, then it hears the end."""
    heard: list[str] = []

    async def picky(request: web.Request) -> web.Response:
        event = (await request.json())["event"]
        heard.append(event)
        return web.Response(status=422 if event == "release.event" else 200)

    with answering(picky, monkeypatch):
        (trouble,) = tell(OVER, [hook()], Memory())

    assert heard == ["release.started", "release.event", "release.ended"]
    assert trouble.owed[0] == "2 events"


def test_neither_address_nor_token_is_logged(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    """Given an address with a secret in it and nobody there, then the log shows neither it nor the token."""
    connect(monkeypatch, "releases_webhook", "http", HOOK_TOKEN, host="http://127.0.0.1:1/secret-path-55")
    with caplog.at_level(logging.DEBUG, logger="include"):
        (trouble,) = tell(START, [hook()], Memory())

    assert "no answer (ConnectionError)" in str(trouble)
    assert "secret-path-55" not in caplog.text
    assert HOOK_TOKEN not in caplog.text


def test_a_netrc_file_does_not_replace_the_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Given a worker with a .netrc for that host, then our token is sent all the same."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[str | None] = []

    async def look(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.Response()

    with answering(look, monkeypatch):
        tell(START, [hook()], Memory())

    assert seen == [f"Bearer {HOOK_TOKEN}"]


def test_a_receiver_that_never_answers_costs_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a receiver that takes for ever, when told, then the budget is all it costs."""

    async def stall(request: web.Request) -> web.Response:
        await asyncio.sleep(3)
        return web.Response()

    with answering(stall, monkeypatch):
        notifier = hook()
        notifier.ready()
        started = time.monotonic()
        assert len(tell(START, [notifier], Memory(), budget_s=0.5)) == 1
        assert time.monotonic() - started < 2


@pytest.mark.parametrize("host", ["http://hooks.example/x", "hooks.example", ""])
def test_an_address_in_the_clear_is_refused(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Given an address that is neither https nor on this machine, then nothing is sent."""
    connect(monkeypatch, "releases_webhook", "http", HOOK_TOKEN, host=host)
    (trouble,) = tell(START, [hook()], Memory())

    assert "connection 'releases_webhook'" in str(trouble)
    assert "hooks.example" not in str(trouble)


def test_a_missing_connection_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given no connection, then that is said, and nothing is raised."""
    monkeypatch.delenv("AIRFLOW_CONN_RELEASES_WEBHOOK", raising=False)
    (trouble,) = tell(START, [hook()], Memory())

    assert str(trouble) == "there is no connection 'releases_webhook'"
