"""Where a refresh takes its build from: addresses without secrets, images with the build as their tag."""

# ruff: noqa: E501 (the tables are read by their rows)

from __future__ import annotations

import pytest
from pydantic import ValidationError

from include.airlock.model.refresh import Container, Package, Refresh, is_loopback


def test_a_package_is_found_below_its_connections_host() -> None:
    package = Package(connection="packages", path="payments-{build}.zip")
    assert package.address("2026.11.2", "http://127.0.0.1:1/packages/") == (
        "http://127.0.0.1:1/packages/payments-2026.11.2.zip"
    )


def test_a_package_has_its_own_address() -> None:
    package = Package(url="https://packages.example.com/{build}/payments-{build}.zip")
    assert package.address("1.2") == "https://packages.example.com/1.2/payments-1.2.zip"


def test_a_build_that_is_none_never_gets_into_an_address_or_image() -> None:
    package, container = Package(url="https://h.example/{build}.zip"), Container(image="h.example/a:{build}")
    for build in ("../../etc", "a?b", "a b", ""):
        with pytest.raises(ValueError, match="is not a build number"):
            package.address(build)
        with pytest.raises(ValueError, match="can't be an image's tag"):
            container.reference(build)
    with pytest.raises(ValueError, match="can't be an image's tag"):
        container.reference("1.2+sha")


def test_a_path_needs_its_base() -> None:
    with pytest.raises(ValueError, match="needs the base address of its connection"):
        Package(connection="packages", path="{build}.zip").address("1.2")


def test_an_image_gets_the_build_as_its_tag() -> None:
    assert Container(image="h.example:5000/a/b:{build}").reference("1.2") == "h.example:5000/a/b:1.2"


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"url": "http://packages.example.com/{build}"}, "must start with https:// (http:// only for this machine itself)"),
        ({"url": "ftp://packages.example.com/{build}"}, "must start with https:// (http:// only for this machine itself)"),
        ({"url": "https://u:p@h.example/{build}"}, "has credentials or an '@' in it; secrets belong in an Airflow connection"),
        ({"url": "https://h.example/{build}?sig=x"}, "has a query or fragment in it; put a signed query in the connection's password"),
        ({"url": "https://h.example/latest.zip"}, "must hold '{build}', where the build number goes, and no other braces"),
        ({"url": "https://h.example/{build}{other}"}, "must hold '{build}', where the build number goes, and no other braces"),
        ({"url": "https:///{build}"}, "is not an address like https://packages.example.com/payments-{build}.zip"),
        ({"url": "https://h.example/../{build}"}, "'/../0' has a '.' or '..' step in it"),
        ({"path": "../{build}", "connection": "c"}, "'/../0' has a '.' or '..' step in it"),
        ({"path": "{build}?sig=x", "connection": "c"}, "has a query in it; put a signed query in the connection's password"),
        ({"path": "//h.example/{build}", "connection": "c"}, "'///h.example/0' points elsewhere; give only the path, the host is the region's own"),
        ({"path": "{build}"}, "'path' needs a 'connection' whose host it stands below"),
        ({"path": "{build}", "url": "https://h.example/{build}", "connection": "c"}, "needs exactly one of 'url' and 'path'"),
    ],
)  # fmt: skip
def test_an_address_that_can_not_be_trusted_is_refused(values: dict[str, str], fault: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        Package.model_validate(values)
    assert [each["msg"] for each in refusal.value.errors()] == [fault]


def test_plain_http_is_for_this_machine_only() -> None:
    assert Package(url="http://127.0.0.1:8080/{build}.zip").url
    assert [is_loopback(host) for host in ("localhost", "127.9.9.9", "[::1]", "10.0.0.1", "example")] == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "image", ["catalog", "catalog:latest", "Catalog:{build}", "a:{build}:x", "https://a/b:{build}"]
)
def test_an_image_without_the_build_as_its_tag_is_refused(image: str) -> None:
    with pytest.raises(ValidationError, match=r"an image is like registry\.example\.com/catalog:\{build\}"):
        Container(image=image)


def test_exactly_one_way() -> None:
    for values in (
        {},
        {"package": {"url": "https://h.example/{build}"}, "container": {"image": "a:{build}"}},
    ):
        with pytest.raises(ValidationError, match="needs exactly one of 'package' and 'container'"):
            Refresh.model_validate(values)
