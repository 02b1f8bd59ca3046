"""The status trigger: its wire format, and when it fires."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from airflow.sdk.module_loading import import_string

from include.airlock.status.triggers import StatusTrigger

PAGE = {
    "path": "/status", "format": "json", "build": "build", "health": "state", "dependencies": None,
    "consecutive": 2, "interval": "PT0.1S", "timeout": "PT1S", "deadline": "PT1S", "unhealthy_after": 2,
}  # fmt: skip


class _App(BaseHTTPRequestHandler):
    build = "2.0"

    def do_GET(self) -> None:
        body = f'{{"build": "{self.build}", "state": "running"}}'.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def app() -> Iterator[str]:
    """A service that answers build 2.0."""
    yield from _served(_App)


def _served(app: type[_App]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), app)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/status"
    server.shutdown()
    server.server_close()


class _Old(_App):
    build = "1.0"


@pytest.fixture
def old_app() -> Iterator[str]:
    """A service that answers build 1.0."""
    yield from _served(_Old)


def trigger(url: str, build: str, soak: float, more: list[str] | None = None) -> StatusTrigger:
    return StatusTrigger(
        url=url, ca_file=None, build=build, since=time.time(), soak=soak, page=PAGE, more=more
    )


async def fired(what: StatusTrigger) -> Any:
    event = await anext(aiter(what.run()))
    return event.payload


def test_the_wire_format_round_trips() -> None:
    # Given a trigger / When it is stored and built again from what was stored
    path, kwargs = trigger("https://app.example.com/status", "2.0", 60).serialize()
    again = import_string(path)(**kwargs)
    # Then it is the same, and the names are those that earlier releases stored
    assert again.serialize() == (path, kwargs)
    assert path == "include.airlock.status.triggers.StatusTrigger"
    assert set(kwargs) == {"url", "ca_file", "build", "since", "soak", "page", "more"}
    # And one that was stored before there were several addresses still works
    del kwargs["more"]
    assert import_string(path)(**kwargs).serialize()[1] == {**kwargs, "more": []}


def test_it_fires_when_the_bake_is_over(app: str) -> None:
    # Given a healthy service / When it is watched for half a second / Then it fires after that time
    began = time.monotonic()
    assert "healthy" in asyncio.run(fired(trigger(app, "2.0", 0.5)))["decided"]
    assert time.monotonic() - began >= 0.5


def test_it_fires_early_when_the_service_turns_bad(app: str) -> None:
    # Given a service on another build / When it is watched for a minute / Then it fires at once, and says why
    began = time.monotonic()
    assert "build 2.0 answers, not 3.0" in asyncio.run(fired(trigger(app, "3.0", 60.0)))["decided"]
    assert time.monotonic() - began < 10.0


@pytest.mark.parametrize("order", [1, -1])
def test_one_bad_address_among_several_is_enough(app: str, old_app: str, order: int) -> None:
    # Given a page behind two load balancers of which one is bad / When it is watched for a minute
    first, second = [app, old_app][::order]
    began = time.monotonic()
    decided = asyncio.run(fired(trigger(first, "2.0", 60.0, [second])))["decided"]
    # Then it fires at once: the good one's answers do not break the row of bad ones
    assert "build 1.0 answers, not 2.0" in decided
    assert time.monotonic() - began < 10.0
