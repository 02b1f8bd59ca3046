"""How an Airflow connection of type ``aws`` says where and as whom to reach AWS.

The credentials, an assumed role, ``endpoint_url`` and ``service_config`` work as the Amazon
provider documents them, because its hook makes the session.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from include.airlock.errors import ConnectionMissing
from include.airlock.release.connections import connection_of

_REGION = re.compile(r"[a-z]{2,8}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")
"""As botocore's endpoints have them; the region becomes a part of a host's name."""

_CONNECT_S, _READ_S = 5, 20


class Clients:
    """The boto3 clients of one connection and region, each made once; one assumed role for all of them."""

    def __init__(self, conn_id: str, region: str, ca_file: str | None) -> None:
        self._conn_id = conn_id
        self._region = region
        self._ca_file = ca_file
        self._lock = threading.Lock()  # making a client is not safe in threads, using one is
        self._hook: Any = None
        self._session: Any = None
        self._made: dict[tuple[str, bool], Any] = {}

    def get(self, service: str, *, once: bool) -> Any:
        """The client of a service; with ``once`` it sends a request once and never again by itself.

        Raises:
            ConnectionMissing: the provider or boto3 can't use the connection's extra.
            botocore.exceptions.ClientError: the connection's role may not be assumed.
            botocore.exceptions.BotoCoreError: no credentials could be had.
        """
        with self._lock:
            if (service, once) not in self._made:
                try:
                    self._made[service, once] = self._make(service, once=once)
                except (AttributeError, NotImplementedError, TypeError, ValueError) as fault:
                    # What the provider and boto3 raise for an extra of another shape or a wrong word.
                    raise ConnectionMissing(f"connection '{self._conn_id}': {fault}") from fault
            return self._made[service, once]

    def _make(self, service: str, *, once: bool) -> Any:
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
        from botocore.config import Config

        if self._ca_file is not None and not Path(self._ca_file).is_file():
            raise ConnectionMissing(f"connection '{self._conn_id}': there is no ca_file '{self._ca_file}'")
        if self._session is None:
            self._hook = AwsBaseHook(self._conn_id, region_name=self._region, verify=self._ca_file)
            self._session = self._hook.get_session(region_name=self._region)
        attempts = {"mode": "standard", "total_max_attempts": 1 if once else 3}
        own = Config(
            retries=attempts,
            connect_timeout=_CONNECT_S,
            read_timeout=_READ_S,
            user_agent_extra="airlock",
        )
        return self._session.client(
            service,
            endpoint_url=self._hook.conn_config.get_service_endpoint_url(service),
            config=self._hook.config.merge(own),
            verify=self._hook.verify,
        )


@dataclass(frozen=True)
class AwsAccess:
    """One connection in one region, read and checked. It holds no secret itself.

    ``public_scheme`` says how the public hosts are reached where the listener's protocol must
    not decide; ``ca_file`` is a PEM file for servers with a certificate of their own, for the
    API and the public hosts alike. None means the usual.
    """

    conn_id: str
    region: str
    public_scheme: str | None
    ca_file: str | None
    clients: Clients = field(repr=False, compare=False)


def read_connection(conn_id: str, aws_region: str | None = None) -> AwsAccess:
    """The access that an Airflow connection gives; must run in a task or a trigger.

    ``aws_region`` is the spec's and goes before the connection's ``region_name``.

    Raises:
        ConnectionMissing: there is no such connection, or a field it needs is absent or wrong.
    """
    connection, extra = connection_of(conn_id, "aws")
    if connection.conn_type != "aws":
        raise ConnectionMissing(f"connection '{conn_id}' is of type '{connection.conn_type}', not aws")
    return access_of(conn_id, connection.login, connection.password, extra, aws_region)


def access_of(
    conn_id: str,
    login: str | None,
    password: str | None,
    extra: dict[str, Any],
    aws_region: str | None = None,
) -> AwsAccess:
    """Check a connection's fields; no call is made.

    Raises:
        ConnectionMissing: names the connection, the field and what it should hold.
    """
    if bool(login) != bool(password):
        # The provider would silently fall back to the machine's own identity.
        raise ConnectionMissing(
            f"connection '{conn_id}': an access key id (login) and its secret (password) belong together"
        )
    scheme = extra.get("public_scheme")
    if scheme not in (None, "https", "http"):
        raise ConnectionMissing(
            f"connection '{conn_id}': public_scheme is '{scheme}'; it must be https or http"
        )
    region = _region(conn_id, extra, aws_region)
    ca_file = extra.get("ca_file")
    return AwsAccess(conn_id, region, scheme, ca_file, Clients(conn_id, region, ca_file))


def _region(conn_id: str, extra: dict[str, Any], aws_region: str | None) -> str:
    region = aws_region or extra.get("region_name")
    if not region:
        raise ConnectionMissing(
            f"connection '{conn_id}' names no region: set extra.region_name, or aws_region in the spec"
        )
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        raise ConnectionMissing(f"connection '{conn_id}': '{region}' is no AWS region, like eu-west-1")
    return region
