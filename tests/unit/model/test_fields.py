"""The kinds of text: paths that stay on their host, names, builds, hosts and free text."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from include.airlock.model.fields import Build, Host, Name, Text, check_path


@pytest.mark.parametrize(
    "path", ["/", "/status", "/health/ready?full=1", "/a.b/~c;v=1", "/%7Estatus", "/a..b"]
)
def test_a_path_below_the_host_is_accepted(path: str) -> None:
    assert check_path(path) == path


ELSEWHERE = "points elsewhere; give only the path, the host is the region's own"


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("https://evil.example/status", ELSEWHERE),
        ("//evil.example/status", ELSEWHERE),
        ("/x?u=https://evil.example", ELSEWHERE),
        ("status", "must start with '/'"),
        ("", "must start with '/'"),
        ("/a//b", "has '//' in it"),
        ("/\\evil.example", "has a '\\' in it"),
        ("/@evil.example", "has an '@' in it, which could name another host"),
        ("/%40evil.example", "has an '@' in it, which could name another host"),
        ("/status#top", "has a '#' in it; a fragment never reaches the server"),
        ("/a/../admin", "has a '.' or '..' step in it"),
        ("/..", "has a '.' or '..' step in it"),
        ("/./a", "has a '.' or '..' step in it"),
        ("/%2e%2E/admin", "has a '.' or '..' step in it"),
        ("/a%2fb", "has an escaped slash or control character in it"),
        ("/a%0d%0aHost:b", "has an escaped slash or control character in it"),
        ("/a\r\nHost: b", "has control characters in it"),
        ("/a\u202eb", "has control characters in it"),
        ("/a b", "has characters that a URL path can't have"),
        ("/a%zz", "has characters that a URL path can't have"),
        ("/ä", "has characters that a URL path can't have"),
        ("/{build}", "has characters that a URL path can't have"),
        ("/" + "a" * 300, "has more than 300 characters"),
    ],
)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str, fault: str) -> None:
    with pytest.raises(PydanticCustomError) as refusal:
        check_path(path)
    assert refusal.value.message().endswith(fault)


@given(st.text(alphabet="/\\.@:%#?24eEfF0ad \t\n-", max_size=20))
def test_an_accepted_path_always_stays_on_its_host(path: str) -> None:
    """Given any path that passes, then joined to a host it reads as just that path there."""
    try:
        check_path(path)
    except PydanticCustomError:
        return
    joined = urljoin("https://region.example/", path)
    assert urlsplit(joined).netloc == "region.example"
    assert urlsplit("https://region.example" + path).netloc == "region.example"
    assert joined.rstrip("?") == "https://region.example" + path.rstrip("?")


@pytest.mark.parametrize("build", ["2026.11.2", "1", "v1.2.3-rc.1+sha.5114f85", "a" * 64])
def test_builds(build: str) -> None:
    assert TypeAdapter(Build).validate_python(build) == build


@pytest.mark.parametrize(
    "build", ["", "../x", "-rf", "a b", "a/b", "a;b", "1\n", "a" * 65, "2026.11.2\x00", "ä"]
)
def test_text_that_is_no_build(build: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Build).validate_python(build)


@pytest.mark.parametrize(
    "host", ["a.example", "127.0.0.1:8443", "localhost", "[::1]:443", "x-y.azurewebsites.net"]
)
def test_hosts(host: str) -> None:
    assert TypeAdapter(Host).validate_python(host) == host


@pytest.mark.parametrize(
    "host", ["", "https://a", "a/b", "a@b", "a:b", "-a", "a..b", "a b", "a\n", "a:123456", "a#b", "a?b"]
)
def test_text_that_is_no_host(host: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Host).validate_python(host)


@pytest.mark.parametrize("name", ["Payments", "1st", "pay-ments", "a" * 41, "", "pay.ments", "pay\n"])
def test_text_that_is_no_name(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(name)


def test_free_text_is_trimmed_and_holds_no_control_characters() -> None:
    assert Text(10).check("  fine ") == "fine"
    assert Text(10, several_lines=True).check("a\n\tb") == "a\n\tb"
    for value, fault in [
        ("a\nb", "'a\\nb' has control characters or line ends in it"),
        ("a\x1b[31m", "'a\\x1b[31m' has control characters or line ends in it"),
        ("   ", "is empty"),
        ("a" * 11, "has more than 10 characters"),
    ]:
        with pytest.raises(PydanticCustomError) as refusal:
            Text(10).check(value)
        assert refusal.value.message() == fault
