"""How an Airflow connection of type ``azure`` says where and as whom to reach Resource Manager."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from include.airlock.errors import ConnectionMissing
from include.airlock.release.connections import connection_of

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_CLOUDS = {
    "AzurePublicCloud": ("https://management.azure.com", "https://login.microsoftonline.com"),
    "AzureUSGovernment": ("https://management.usgovcloudapi.net", "https://login.microsoftonline.us"),
    "AzureChinaCloud": ("https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
}
"""Resource Manager and authority of each cloud, as azure.mgmt.core and azure.identity know them."""


@dataclass(frozen=True)
class AzureAccess:
    """One connection, read and checked. ``secret`` is kept out of repr.

    ``ca_file`` is a PEM file for servers with a certificate of their own, for Resource Manager,
    the authority and the public hosts alike; None means the machine's own trust store.
    """

    conn_id: str
    subscription: str
    endpoint: str
    authority: str
    scopes: tuple[str, ...]
    tenant: str | None
    client_id: str | None
    secret: str | None = field(repr=False)
    managed_identity: str | None
    ca_file: str | None
    public_scheme: str

    def credential(self) -> TokenCredential:
        """The credential of azure.identity that fits what the connection holds.

        Client id, secret and tenant make a service principal; a password alone is a ready
        bearer token; neither means the machine's own identity.
        """
        if self.client_id and self.secret and self.tenant:
            from azure.identity import ClientSecretCredential

            own_authority = self.authority not in {authority for _, authority in _CLOUDS.values()}
            return ClientSecretCredential(
                self.tenant,
                self.client_id,
                self.secret,
                authority=self.authority,
                disable_instance_discovery=own_authority,
                connection_verify=self.ca_file or True,
                retry_total=2,
            )
        if self.secret and not self.client_id:
            return _ReadyToken(self.secret)
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential(
            authority=self.authority,
            managed_identity_client_id=self.managed_identity,
            exclude_interactive_browser_credential=True,
        )


class _ReadyToken:
    """A bearer token that somebody else obtained; the server tells when it has expired."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *scopes: str, **_: Any) -> Any:
        """The token, with an expiry in the far future: only the server knows the true one."""
        from azure.core.credentials import AccessToken

        return AccessToken(self._token, 2**33)


def read_connection(conn_id: str) -> AzureAccess:
    """The access that an Airflow connection gives; must run in a task or a trigger.

    Raises:
        ConnectionMissing: there is no such connection, or a field it needs is absent or wrong.
    """
    connection, extra = connection_of(conn_id, "azure")
    return access_of(conn_id, connection.login, connection.password, extra)


def access_of(conn_id: str, login: str | None, password: str | None, extra: dict[str, Any]) -> AzureAccess:
    """Check a connection's fields; pure.

    Raises:
        ConnectionMissing: names the connection, the field and what it should hold.
    """
    cloud = extra.get("cloud_environment", "AzurePublicCloud")
    if cloud not in _CLOUDS:
        raise ConnectionMissing(
            f"connection '{conn_id}': cloud_environment '{cloud}' is none of {', '.join(_CLOUDS)}"
        )
    endpoint, authority = _CLOUDS[cloud]
    endpoint = _https(
        conn_id, "resource_manager_endpoint", extra.get("resource_manager_endpoint") or endpoint
    )
    authority = _https(conn_id, "authority_host", extra.get("authority_host") or authority)
    if login and not (password and extra.get("tenantId")):
        raise ConnectionMissing(
            f"connection '{conn_id}': a client id (login) needs its secret (password) and extra.tenantId"
        )
    scopes = extra.get("credential_scopes") or [f"{endpoint}/.default"]
    scheme = extra.get("public_scheme", "https")
    if scheme not in ("https", "http"):
        raise ConnectionMissing(
            f"connection '{conn_id}': public_scheme is '{scheme}'; it must be https or http"
        )
    return AzureAccess(
        conn_id=conn_id,
        subscription=_subscription(conn_id, extra),
        endpoint=endpoint,
        authority=authority,
        scopes=(scopes,) if isinstance(scopes, str) else tuple(scopes),
        tenant=extra.get("tenantId"),
        client_id=login or None,
        secret=password or None,
        managed_identity=extra.get("managed_identity_client_id"),
        ca_file=extra.get("ca_file"),
        public_scheme=scheme,
    )


def _subscription(conn_id: str, extra: dict[str, Any]) -> str:
    subscription = extra.get("subscriptionId")
    if not isinstance(subscription, str) or not subscription.replace("-", "").isalnum():
        raise ConnectionMissing(
            f"connection '{conn_id}': extra.subscriptionId must hold the subscription's id"
        )
    return subscription


def _https(conn_id: str, name: str, url: str) -> str:
    """Bearer tokens go to https only; azure.core refuses anything else."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.netloc or "@" in parts.netloc:
        raise ConnectionMissing(
            f"connection '{conn_id}': extra.{name} must be an https address, it is '{url}'"
        )
    return url.rstrip("/")
