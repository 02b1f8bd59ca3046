"""One look at a status page over real sockets: whatever the server does, it ends in time and never raises."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest

from include.airlock.model.page import Page, Trouble
from include.airlock.status.probe import MAX_BYTES, fetch
from tests.integration.status.server import Answer, certificate, drips, says, serving


def look(answer: Answer, *, timeout: float = 5.0, max_bytes: int = MAX_BYTES) -> Page:
    with serving(answer) as server:
        return fetch(server.url(), timeout=timeout, max_bytes=max_bytes)


def test_a_page_is_fetched() -> None:
    page = look(says(b'{"build": "1"}', "Content-Type: application/json"))
    assert (page.status, page.body, page.content_type) == (200, b'{"build": "1"}', "application/json")
    assert (page.trouble, page.truncated) == (None, False)
    assert 0 < page.elapsed_s < 5


def test_each_look_is_a_connection_of_its_own_that_asks_for_a_fresh_page() -> None:
    """Given a server that would keep connections, when it is looked at thrice, then it sees three."""
    with serving(says(b"x", "Connection: keep-alive", "Set-Cookie: instance=1")) as server:
        for _ in range(3):
            fetch(server.url("/status?full=1"))
    assert len(server.asked) == 3
    for request in server.asked:
        assert request.startswith("GET /status?full=1 HTTP/1.1\r\n")
        for header in ("Connection: close", "Cache-Control: no-cache, no-store", "User-Agent: airlock"):
            assert f"\r\n{header}\r\n" in request
        assert "cookie" not in request.lower()
        assert "\r\nAccept-Encoding: identity\r\n" in request


def test_a_redirect_is_not_followed() -> None:
    with serving(says(b"", status="200 OK")) as elsewhere:
        page = look(says(b"", f"Location: {elsewhere.url('/')}", status="302 Found"))
        assert (page.status, page.location) == (302, elsewhere.url("/"))
        assert elsewhere.asked == []


def test_other_answers_are_given_as_they_are() -> None:
    page = look(says(b"starting", status="503 Service Unavailable"))
    assert (page.status, page.body, page.trouble) == (503, b"starting", None)


def test_a_page_that_is_too_large_is_cut_and_said_to_be() -> None:
    page = look(says(b"x" * 5_000_000))
    assert (len(page.body), page.truncated) == (MAX_BYTES, True)
    exact = look(says(b"x" * 100), max_bytes=100)
    assert (len(exact.body), exact.truncated) == (100, False)


def test_a_page_without_end_is_cut_and_said_to_be() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    page = look(endless)
    assert (len(page.body), page.truncated) == (MAX_BYTES, True)


def test_a_page_that_ends_early_is_cut() -> None:
    page = look(says(b"half", length=8))
    assert (page.status, page.body, page.trouble) == (None, b"", Trouble.CUT)


@pytest.mark.parametrize(
    "answer",
    [
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", 0.05),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n", 0.05),
        drips(b"HTTP/1.1 200 OK\r\nX: ", 0.05),
        drips(b"", 0.05),
        lambda connection: time.sleep(3),
    ],
    ids=["body", "chunks", "headers", "status line", "silence"],
)
def test_a_slow_server_is_cut_off_in_time(answer: Answer) -> None:
    """Given a server that sends a byte now and then, then the whole look ends at its time limit."""
    started = time.monotonic()
    page = look(answer, timeout=0.4)
    assert time.monotonic() - started < 1.5
    assert (page.trouble, page.detail, page.body) == (Trouble.TIMEOUT, "0.4 s", b"")


def test_a_slow_handshake_is_cut_off_in_time(tmp_path: Path) -> None:
    ca_file, _ = certificate(tmp_path, "127.0.0.1")
    with serving(drips(b"\x16\x03\x03\x10\x00", 0.05)) as server:
        started = time.monotonic()
        page = fetch(server.url().replace("http:", "https:"), timeout=0.4, ca_file=str(ca_file))
    assert time.monotonic() - started < 1.5
    assert page.trouble is Trouble.TIMEOUT


@pytest.mark.parametrize(
    "answer",
    [
        lambda connection: None,
        lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ],
    ids=["nothing", "another protocol", "too many headers", "a header without end", "broken chunks"],
)
def test_what_is_no_http_is_cut(answer: Answer) -> None:
    page = look(answer)
    assert (page.status, page.trouble) == (None, Trouble.CUT)


def test_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert fetch(f"http://127.0.0.1:{port}/", timeout=2) == Page(
        None, trouble=Trouble.CONNECT, detail="Connection refused", elapsed_s=pytest.approx(0, abs=1)
    )
    assert fetch("http://no-such-host.invalid/", timeout=2).trouble is Trouble.CONNECT


@pytest.mark.parametrize(
    "url", ["http://a b/", "http://[::1/", "http://" + "a" * 70 + ".example/", "http:///x"]
)
def test_an_address_that_is_none(url: str) -> None:
    assert fetch(url, timeout=1).trouble in (Trouble.ADDRESS, Trouble.CONNECT)


def test_certificates_are_checked(tmp_path: Path) -> None:
    ca_file, context = certificate(tmp_path, "127.0.0.1")
    other = tmp_path / "other"
    other.mkdir()
    stranger, _ = certificate(other, "127.0.0.1")
    with serving(says(b"ok"), context) as server:
        assert fetch(server.url(), ca_file=str(ca_file)).body == b"ok"
        untrusted = fetch(server.url(), ca_file=str(stranger))
        assert (untrusted.status, untrusted.trouble) == (None, Trouble.TLS)
        assert untrusted.detail == "unable to get local issuer certificate"
        assert fetch(server.url()).trouble is Trouble.TLS
        wrong_name = fetch(server.url(host="localhost"), ca_file=str(ca_file))
        assert (wrong_name.trouble, "localhost" in wrong_name.detail) == (Trouble.TLS, True)


def test_a_certificate_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    page = fetch("https://127.0.0.1:1/", ca_file=str(tmp_path / "x.pem"))
    assert page.trouble is Trouble.CONNECT
    assert page.detail.startswith("can't read certificates from ")


def test_a_changed_certificate_file_is_read_again(tmp_path: Path) -> None:
    """Given a long-lived process, when the authority's file is renewed, then the new one counts."""
    ca_file, first = certificate(tmp_path, "127.0.0.1")
    with serving(says(b"ok"), first) as server:
        assert fetch(server.url(), ca_file=str(ca_file)).body == b"ok"
    _, second = certificate(tmp_path, "127.0.0.1")
    with serving(says(b"ok"), second) as server:
        assert fetch(server.url(), ca_file=str(ca_file)).body == b"ok"


def test_proxies_are_used_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a proxy in the environment, then other hosts are asked through it, and loopback is not."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(says(b"from the proxy")) as proxy, serving(says(b"direct")) as server:
        monkeypatch.setenv("http_proxy", proxy.url(""))
        assert fetch(server.url()).body == b"direct"
        assert proxy.asked == []
        assert fetch("http://payments.example/status").body == b"from the proxy"
        assert proxy.asked[0].startswith("GET http://payments.example/status HTTP/1.1\r\n")


def test_no_netrc_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password hunter2\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(says(b"ok")) as server:
        fetch(server.url())
    assert "authorization" not in server.asked[0].lower()


def test_nothing_is_left_behind() -> None:
    """Given looks that end well and badly, then no thread of theirs remains, long before the time limit."""
    before = set(threading.enumerate())
    look(says(b"ok"), timeout=60)
    look(says(b"half", length=8), timeout=60)
    look(drips(b"", 0.05), timeout=0.2)
    deadline = time.monotonic() + 5
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert left == set()


def test_fifty_looks_hold_no_more_than_one_connection(tmp_path: Path) -> None:
    with serving(says(b"ok")) as server:
        first = _open_files()
        for _ in range(50):
            assert fetch(server.url()).body == b"ok"
        assert _open_files() <= first + 5


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0
