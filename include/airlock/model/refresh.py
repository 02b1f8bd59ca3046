"""How a stale staging slot gets the latest build after a release: from a package or as a container."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from include.airlock.model.durations import Between
from include.airlock.model.fields import BUILD_PATTERN, HOST_PATTERN, Closed, ConnectionId, Word, check_path
from include.airlock.model.wording import fault

PLACEHOLDER = "{build}"
# Docker: a tag has letters, digits, '_', '.' and '-', 128 at most, and no '+'.
TAG_PATTERN = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"


def is_loopback(host: str) -> bool:
    """Say whether a host name or address, without port, is this machine."""
    from ipaddress import ip_address

    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_url(url: str) -> str:
    """Check an address that a spec may hold: https (http on this machine only), and no secret in it.

    Raises:
        PydanticCustomError: with a sentence that does not repeat the address, since it may hold a secret.
    """
    parts = urlsplit(url)
    if "@" in url:
        raise fault("has credentials or an '@' in it; secrets belong in an Airflow connection")
    if "?" in url or "#" in url:
        raise fault("has a query or fragment in it; put a signed query in the connection's password")
    if not re.fullmatch(HOST_PATTERN, parts.netloc):
        raise fault("is not an address like https://packages.example.com/payments-{build}.zip")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise fault("must start with https:// (http:// only for this machine itself)")
    check_path(parts.path.replace(PLACEHOLDER, "0"))
    return url


def _names_build(value: str) -> str:
    if PLACEHOLDER not in value or re.search(r"[{}]", value.replace(PLACEHOLDER, "")):
        raise fault(f"must hold '{PLACEHOLDER}', where the build number goes, and no other braces")
    if not value.isascii() or len(value) > 500:
        raise fault("must be plain ASCII of at most 500 characters")
    return value


def _path_below(path: str) -> str:
    check_path("/" + path.replace(PLACEHOLDER, "0"))
    if "?" in path:
        raise fault("has a query in it; put a signed query in the connection's password")
    return path


class Package(Closed):
    """A package that the platform fetches itself (OneDeploy).

    Either ``url``, or ``path`` below the host of ``connection``. The connection's password, if it
    has one, is the signed query of the address, e.g. a shared access signature.
    """

    url: Annotated[str, AfterValidator(_names_build), AfterValidator(check_url)] | None = Field(
        None,
        description="Full address with `{build}`; https, without credentials or query.",
        examples=["https://packages.example.com/payments-{build}.zip"],
    )
    path: Annotated[str, AfterValidator(_names_build), AfterValidator(_path_below)] | None = Field(
        None,
        description="Path with `{build}` below the host of `connection`.",
        examples=["payments-{build}.zip"],
    )
    connection: ConnectionId | None = Field(
        None,
        description="Airflow connection of type `http`: host is the base address, password the query.",
    )
    type: Literal["zip", "war", "jar", "ear"] = Field("zip", description="Kind of package.")

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if (self.url is None) == (self.path is None):
            raise fault("needs exactly one of 'url' and 'path'")
        if self.path is not None and self.connection is None:
            raise fault("'path' needs a 'connection' whose host it stands below")
        return self

    def address(self, build: str, base: str | None = None) -> str:
        """Give the package's address for a build, without any query.

        ``base`` is the host of the connection, needed for a ``path``.

        Raises:
            ValueError: the build has characters that don't belong in an address, or the base is missing.
        """
        if not re.fullmatch(BUILD_PATTERN, build):
            raise ValueError(f"{build!r} is not a build number")
        if self.url is not None:
            return self.url.replace(PLACEHOLDER, build)
        if not base or self.path is None:
            raise ValueError("a package's path needs the base address of its connection")
        return base.rstrip("/") + "/" + self.path.replace(PLACEHOLDER, build)


class Container(Closed):
    """A container image; a slot gets the build by its tag."""

    image: Annotated[
        str,
        Word(
            rf"(?:{HOST_PATTERN}/)?[a-z0-9._-]+(?:/[a-z0-9._-]+)*:\{{build\}}",
            "an image is like registry.example.com/catalog:{build}",
            longest=255,
            example="registry.example.com/catalog:{build}",
        ),
    ] = Field(description="Image with `{build}` as its tag.")

    def reference(self, build: str) -> str:
        """Give the image with the build as its tag.

        Raises:
            ValueError: the build can't be a tag.
        """
        if not re.fullmatch(TAG_PATTERN, build):
            raise ValueError(f"{build!r} can't be an image's tag")
        return self.image.replace(PLACEHOLDER, build)


class Refresh(Closed):
    """How staging slots get the latest build after a release; exactly one of package and container."""

    package: Package | None = Field(None, description="A package fetched by the platform.")
    container: Container | None = Field(None, description="A container image.")
    deadline: Annotated[timedelta, Between("1s", "6h")] = Field(
        timedelta(minutes=15), description="Longest time until the new build answers in staging."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.package is None) == (self.container is None):
            raise fault("needs exactly one of 'package' and 'container'")
        return self
