"""Where clients reach a service behind its load balancers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from include.airlock.aws import groups
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.group import Group
from include.airlock.model.health import Healthy, Reading, judge
from include.airlock.status.probe import status_url


def page_urls(
    access: AwsAccess, asked: Sequence[Group], public_host: str | None, path: str
) -> tuple[str, ...]:
    """The status page's address through every load balancer of these groups, or through ``public_host``.

    Raises:
        Rejected: a load balancer tells no usable host name.
    """
    if public_host is not None:
        return (status_url(public_host, access.public_scheme or "https", path),)
    found: dict[str, None] = {}
    for group in asked:
        for address in groups.public_addresses(access, group):
            scheme = access.public_scheme or address.scheme
            found[status_url(f"{address.host}:{address.port}", scheme, path)] = None
    return tuple(found)


def worst_of(urls: Sequence[str], look: Callable[[str], Reading], build: str | None) -> Reading:
    """One reading at each address; the first that is not Healthy, else the last. None prove nothing."""
    reading = Reading(faults=("no load balancer leads to it",))
    for url in urls:
        reading = look(url)
        if not isinstance(judge(reading, build), Healthy):
            return reading
    return reading
