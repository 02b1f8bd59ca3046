"""The load generator against hosts that behave and hosts that don't."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from include.sandbox.load_run import Host, Load
from tests.integration.sandbox.served import served

Json = dict[str, Any]
Page = Callable[[web.Request], Awaitable[web.StreamResponse]]

GOOD = {"service": "payments", "build": "2026.11.1"}


async def good(_request: web.Request) -> web.StreamResponse:
    """Answer as the demo application does."""
    return web.json_response(GOOD)


async def unavailable(_request: web.Request) -> web.StreamResponse:
    """Answer 503."""
    return web.Response(status=503, text="starting")


async def forbidden(_request: web.Request) -> web.StreamResponse:
    """Answer 403."""
    return web.Response(status=403)


async def elsewhere(_request: web.Request) -> web.StreamResponse:
    """Answer 302: a redirect is no answer, and following it could hide an outage."""
    return web.Response(status=302, headers={"Location": "/"})


async def not_json(_request: web.Request) -> web.StreamResponse:
    """Answer 200 with a page for people."""
    return web.Response(text="<html>sign in</html>")


async def other_service(_request: web.Request) -> web.StreamResponse:
    """Answer as another service would."""
    return web.json_response({**GOOD, "service": "catalog"})


async def no_build(_request: web.Request) -> web.StreamResponse:
    """Answer without a build."""
    return web.json_response({"service": "payments"})


async def cut(request: web.Request) -> web.StreamResponse:
    """Announce more than is sent, then close."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"service"')
    assert request.transport
    request.transport.close()
    return response


async def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer."""
    assert request.transport
    request.transport.abort()
    return web.Response()


async def silent(_request: web.Request) -> web.StreamResponse:
    """Answer too late."""
    await asyncio.sleep(1.5)
    return web.json_response(GOOD)


@contextmanager
def host(page: Page, slow: Page | None = None) -> Iterator[Host]:
    """Serve a page as a production host, with a slow page beside it if given."""
    routes = [web.get("/", page)] + ([web.get("/slow", slow)] if slow else [])
    with served(routes) as address:
        yield Host("payments", "westeurope", address)


def run_for(seconds: float, load: Load, meanwhile: Callable[[], Awaitable[None]] | None = None) -> Json:
    """Run the load for so long and return its report of the only host."""

    async def running() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(seconds, stop.set)
        other = asyncio.ensure_future(meanwhile()) if meanwhile else None
        await load.run(stop)
        if other:
            await other

    asyncio.run(running())
    (account,) = load.json()["hosts"].values()
    return dict(account)


def test_a_good_host_is_called_at_the_rate_asked_for() -> None:
    """Given a good host, when 50 requests a second are sent for a second,
    then about 50 came and none failed.
    """
    with host(good) as target:
        account = run_for(1.0, Load([target], rate=50))

    assert 40 <= account["requests"] <= 52
    assert account["failed"] == 0
    assert account["failures"] == []
    assert account["longest_gap_s"] < 0.5
    assert account["builds"]["2026.11.1"]["requests"] == account["requests"]
    assert 0 < account["p50_ms"] <= account["p99_ms"] < 500


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (unavailable, "5xx"),
        (forbidden, "4xx"),
        (elsewhere, "3xx"),
        (not_json, "bad_json"),
        (other_service, "wrong_answer"),
        (no_build, "wrong_answer"),
        (cut, "cut_body"),
        (hang_up, "reset"),
        (silent, "timeout"),
    ],
)
def test_every_failure_is_counted_by_its_kind(page: Page, kind: str) -> None:
    """Given a host that fails in one way, when it is called, then every request is a failure of that kind."""
    began = time.time()
    with host(page) as target:
        account = run_for(0.5, Load([target], rate=20, timeout=0.4))

    assert account["requests"] == account["failed"] > 0
    assert {failure["kind"] for failure in account["failures"]} == {kind}
    assert all(began <= failure["at"] <= time.time() for failure in account["failures"])
    assert account["longest_gap_s"] >= 0.5
    assert account["p50_ms"] is None


def test_a_closed_port_is_a_failure_to_connect() -> None:
    """Given a port where nothing listens, when it is called, then the kind is connect."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    account = run_for(0.3, Load([Host("payments", "westeurope", f"http://127.0.0.1:{port}")], rate=20))

    assert account["failed"] == account["requests"] > 0
    assert {failure["kind"] for failure in account["failures"]} == {"connect"}


def test_a_host_that_is_not_who_it_claims_is_a_failure() -> None:
    """Given a certificate of an unknown authority, when the host is called, then the kind is tls."""
    with tls_host(trustme.CA()) as (address, _):
        account = run_for(0.3, Load([Host("payments", "westeurope", address)], rate=10))

    assert account["failed"] == account["requests"] > 0
    assert {failure["kind"] for failure in account["failures"]} == {"tls"}


def test_an_outage_shows_at_its_true_length_and_the_builds_on_both_sides() -> None:
    """Given a host that is down for 0.6 s amid the run, when it returns with another build,
    then all is told.
    """
    state = {"down": False, "build": "2026.11.1"}

    async def page(_request: web.Request) -> web.StreamResponse:
        if state["down"]:
            return web.Response(status=503)
        return web.json_response({"service": "payments", "build": state["build"]})

    async def outage() -> None:
        await asyncio.sleep(0.5)
        state["down"] = True
        await asyncio.sleep(0.6)
        state.update(down=False, build="2026.11.2")

    with host(page) as target:
        account = run_for(1.6, Load([target], rate=50), outage)

    assert 0.55 <= account["longest_gap_s"] < 1.0
    assert account["failed"] == pytest.approx(30, abs=8)
    old, new = account["builds"]["2026.11.1"], account["builds"]["2026.11.2"]
    assert old["last"] - old["first"] > 0.3
    assert old["last"] < account["failures"][0]["at"] < account["failures"][-1]["at"] < new["first"]


def test_a_kept_connection_that_is_closed_under_a_request_is_told() -> None:
    """Given a host that drops a kept connection at its second use, when aiohttp repeats the request,
    then we know.
    """
    used: set[object] = set()

    async def page(request: web.Request) -> web.StreamResponse:
        if request.transport in used and request.transport:
            request.transport.abort()
        used.add(request.transport)
        return web.json_response(GOOD)

    with host(page) as target:
        account = run_for(1.0, Load([target], rate=20))

    told = [failure for failure in account["failures"] if "kept connection" in failure["detail"]]
    assert told
    assert {failure["kind"] for failure in account["failures"]} == {"reset"}


def test_both_kept_and_fresh_connections_are_used() -> None:
    """Given a host that counts connections, when it is called, then some are kept and some are new."""
    transports: list[object] = []

    async def page(request: web.Request) -> web.StreamResponse:
        transports.append(request.transport)
        return web.json_response(GOOD)

    with host(page) as target:
        account = run_for(1.0, Load([target], rate=20))

    assert account["failed"] == 0
    connections = len({id(transport) for transport in transports})
    assert account["requests"] / 10 < connections < account["requests"] / 2


def test_a_long_request_is_kept_in_flight_and_its_cut_is_seen() -> None:
    """Given a slow page that is cut half-way, when the load runs, then that failure is told as well."""

    async def slow(request: web.Request) -> web.StreamResponse:
        if request.query["seconds"] == "0":
            return web.json_response(GOOD)
        await asyncio.sleep(0.2)
        return await cut(request)

    with host(good, slow) as target:
        account = run_for(1.0, Load([target], rate=20, slow_seconds=0.5))

    assert account["slow_requests"] == account["failed"] > 0
    assert {failure["kind"] for failure in account["failures"]} == {"cut_body"}


def test_a_page_that_is_not_offered_is_no_failure() -> None:
    """Given an application without a slow page, when the load runs, then nothing failed for it."""
    with host(good) as target:
        account = run_for(0.5, Load([target], rate=20, slow_seconds=0.5))

    assert (account["failed"], account["slow_requests"]) == (0, 0)


def test_requests_in_flight_at_the_end_are_awaited() -> None:
    """Given slow requests in flight, when the load is stopped, then they are answered and counted."""

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(float(request.query["seconds"]))
        return web.json_response(GOOD)

    with host(good, slow) as target:
        account = run_for(0.3, Load([target], rate=20, slow_seconds=1.0))

    assert account["slow_requests"] == 1
    assert (account["failed"], account["abandoned"]) == (0, 0)
    assert account["longest_gap_s"] < 0.5, "the wait at the end is no gap: nothing was asked then"


def test_failures_beyond_the_first_thousand_are_still_counted() -> None:
    """Given more failures than are kept one by one, when the report is read,
    then the count is the true one.
    """
    with host(hang_up) as target:
        load = Load([target])
        (account,) = load.accounts.values()
        for _ in range(1200):
            account.fail("5xx", "503")

    assert account.json()["failed"] == 1200
    assert len(account.json()["failures"]) == 1000


@contextmanager
def tls_host(ca: trustme.CA) -> Iterator[tuple[str, trustme.CA]]:
    """Serve the good page over https with a certificate of ``ca``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    with served([web.get("/", good)], tls=context) as address:
        yield address, ca


def endpoints(path: Path, url: str, ca_file: Path | None = None) -> Path:
    """Write an endpoints file with one service in one region."""
    region = {"production": url, "staging": url}
    shown: Json = {"services": {"payments": {"regions": {"westeurope": region}}}}
    path.write_text(json.dumps(shown | ({"ca_file": str(ca_file)} if ca_file else {})))
    return path


def command(*arguments: object) -> list[str]:
    """Return the command line of the load."""
    return [sys.executable, "-m", "include.sandbox.load", *(str(argument) for argument in arguments)]


def test_the_command_runs_until_sigterm_and_leaves_a_whole_report(tmp_path: Path) -> None:
    """Given the command over https, when SIGTERM comes,
    then it exits 0 and the report is final and without failure.
    """
    ca, out = trustme.CA(), tmp_path / "load.json"
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with tls_host(ca) as (address, _):
        file = endpoints(tmp_path / "endpoints.json", address, tmp_path / "ca.pem")
        child = subprocess.Popen(
            command("--endpoints", file, "--out", out, "--rate", 20, "--watch"),
            stdout=subprocess.PIPE,
            text=True,
        )
        first_line = child.stdout.readline() if child.stdout else ""
        running = json.loads(out.read_text())
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=20)
    ended = json.loads(out.read_text())

    assert child.returncode == 0
    assert "payments/westeurope 2026.11.1" in first_line
    assert running["ended"] is None
    assert ended["started"] < ended["ended"]
    assert ended["requests"] >= running["requests"] > 0
    assert ended["failed"] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem", "endpoints.json", "load.json"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--service", "paiments"], "did you mean 'payments'?"),
        (["--rate", "0"], "must be more than 0"),
        (["--rate", "fast"], "no number"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_sent(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    """Given a wrong argument, when the command is run, then it ends at once with 2 and says what is wrong."""
    file = endpoints(tmp_path / "endpoints.json", "http://127.0.0.1:9")
    ran = subprocess.run(
        command("--endpoints", file, "--out", tmp_path / "o.json", *arguments),
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip

    assert ran.returncode == 2
    assert told in ran.stderr
    assert not (tmp_path / "o.json").exists()


@pytest.mark.parametrize(
    ("content", "told"), [(None, "is the sandbox running?"), ("{}", "no endpoints file")]
)
def test_an_unusable_endpoints_file_is_refused(tmp_path: Path, content: str | None, told: str) -> None:
    """Given no endpoints file or another file, when the command is run, then it says so and ends with 2."""
    file = tmp_path / "endpoints.json"
    if content is not None:
        file.write_text(content)
    ran = subprocess.run(
        command("--endpoints", file, "--out", tmp_path / "o.json"),
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip

    assert ran.returncode == 2
    assert told in ran.stderr
