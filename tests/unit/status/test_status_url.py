"""Joining a status page's address from what the platform tells."""

from __future__ import annotations

import pytest

from include.airlock.errors import Rejected
from include.airlock.status.probe import status_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("payments.azurewebsites.net", "https://payments.azurewebsites.net/status?full=1"),
        ("127.0.0.1:8443", "https://127.0.0.1:8443/status?full=1"),
        ("[::1]:1", "https://[::1]:1/status?full=1"),
    ],
)
def test_a_host_and_a_path_make_an_address(host: str, url: str) -> None:
    assert status_url(host, "https", "/status?full=1") == url


@pytest.mark.parametrize(
    "host",
    [
        "",
        "https://a",
        "a/b",
        "user@evil.example",
        "a:b",
        "a b",
        "a\r\nb",
        "a#",
        "a?",
        "a\\b",
        "ä.example",
        "a" * 300,
    ],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(Rejected, match="as a host name; it is none"):
        status_url(host, "https", "/status")


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_that_can_not_be_is_refused(port: str) -> None:
    with pytest.raises(Rejected, match="as a host name; it has no such port"):
        status_url(f"a.example:{port}", "https", "/status")


def test_other_schemes_and_paths_that_lead_elsewhere_are_refused() -> None:
    with pytest.raises(
        Rejected, match="'file' is not a way to reach a status page; it must be https or http"
    ):
        status_url("a.example", "file", "/status")
    with pytest.raises(Rejected, match=r"the status page's path '@evil\.example' has an '@' in it"):
        status_url("a.example", "https", "@evil.example")
