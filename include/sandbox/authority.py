"""The authority: tokens for the client, and the documents that clients read before they ask.

Shapes as azure-identity, msal and the Azure CLI read them; error texts as Microsoft Entra writes them.
"""

from __future__ import annotations

import hmac
import uuid
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from include.sandbox.config import SandboxConfig
from include.sandbox.journal import Journal
from include.sandbox.tokens import Tokens

# Services that clients want to know of and that this model does not have.
_ELSEWHERE = [
    "activeDirectoryDataLake",
    "batch",
    "gallery",
    "graph",
    "graphAudience",
    "media",
    "microsoftGraphResourceId",
    "portal",
    "sqlManagement",
    "vmImageAliasDoc",
]


class Authority:
    """Serves one tenant with one client."""

    def __init__(self, config: SandboxConfig, tokens: Tokens, journal: Journal) -> None:
        self._config = config
        self._tokens = tokens
        self._journal = journal
        self._base = ""
        self._arm = ""

    def open(self, base: str, arm: str) -> None:
        """Learn the addresses, once they are known."""
        self._base, self._arm = base, arm

    def app(self) -> web.Application:
        """Return the web application of the authority's port."""
        app = web.Application()
        app.router.add_get("/common/discovery/instance", self._discovery)
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._openid)
        app.router.add_get("/{tenant}/.well-known/openid-configuration", self._openid)
        app.router.add_get("/{tenant}/discovery/v2.0/keys", self._keys)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_post("/{tenant}/oauth2/token", self._token)
        return app

    def metadata_routes(self) -> list[web.RouteDef]:
        """Return what the resource manager serves without credentials: where to sign in."""
        return [web.get("/metadata/endpoints", self._endpoints)]

    async def _discovery(self, _request: web.Request) -> web.Response:
        host = self._base.partition("//")[2]
        aliases = [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]
        where = f"{self._base}/{self._config.tenant}/v2.0/.well-known/openid-configuration"
        return web.json_response(
            {"tenant_discovery_endpoint": where, "api-version": "1.1", "metadata": aliases}
        )

    def _known(self, tenant: str) -> bool:
        return tenant.casefold() in (self._config.tenant, "common", "organizations")

    async def _openid(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        if not self._known(tenant):
            return _unknown_tenant(tenant)
        base = f"{self._base}/{self._config.tenant}"
        return web.json_response(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "response_types_supported": ["code", "id_token", "token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["HS256"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "tenant_region_scope": "EU",
                "cloud_instance_name": self._base.partition("//")[2],
            }
        )

    async def _keys(self, _request: web.Request) -> web.Response:
        return web.json_response({"keys": []})

    async def _token(self, request: web.Request) -> web.Response:
        self._journal.count("token")
        form = await request.post()
        tenant = request.match_info["tenant"]
        if not self._known(tenant):
            return _unknown_tenant(tenant)
        client = str(form.get("client_id", ""))
        if form.get("grant_type") != "client_credentials":
            return _refused(
                400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."
            )
        if client.casefold() != self._config.client_id:
            text = f"Application with identifier '{client[:40]}' was not found in the directory 'Sandbox'."
            return _refused(400, "unauthorized_client", 700016, text)
        secret = str(form.get("client_secret", ""))
        if not hmac.compare_digest(secret.encode(), self._config.client_secret.encode()):
            text = (
                f"Invalid client secret provided. A secret added to app '{client}' is expected, not its id."
            )
            return _refused(401, "invalid_client", 7000215, text)
        scope = str(form.get("scope") or form.get("resource") or self._arm)
        return web.json_response(
            self._granted(scope.removesuffix("/.default")), headers={"Cache-Control": "no-store"}
        )

    def _granted(self, audience: str) -> dict[str, Any]:
        lifetime = self._tokens.lifetime
        # Whole seconds, as the protocol has them; the token itself ends at the exact moment.
        whole = max(1, int(lifetime))
        token = self._tokens.issue(f"{self._base}/{self._config.tenant}/", audience)
        return {"token_type": "Bearer", "expires_in": whole, "ext_expires_in": whole, "access_token": token}

    async def _endpoints(self, request: web.Request) -> web.Response:
        self._journal.count("metadata")
        version = request.query.get("api-version", "")
        audiences = [self._arm, f"{self._arm}/"]
        if version < "2019-05-01":
            old = {f"{word}Endpoint": self._arm for word in ("gallery", "graph", "portal")}
            return web.json_response(
                {**old, "authentication": {"loginEndpoint": self._base, "audiences": audiences}}
            )
        cloud = self._described(audiences)
        return web.json_response(cloud if version >= "2022-09-01" else [cloud])

    def _described(self, audiences: list[str]) -> dict[str, Any]:
        """Return the cloud as ``/metadata/endpoints`` tells it; what is not here points at the manager."""
        elsewhere = [*_ELSEWHERE, "resourceManager"]
        suffixes = {"acrLoginServer": "azurecr", "keyVaultDns": "vault", "sqlServerHostname": "database"}
        return {
            "name": "Sandbox",
            **dict.fromkeys(elsewhere, self._arm),
            "authentication": {
                "loginEndpoint": self._base,
                "audiences": audiences,
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "suffixes": {name: f"{word}.localhost" for name, word in {**suffixes, "storage": "core"}.items()},
        }


def _refused(status: int, error: str, code: int, text: str) -> web.Response:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    trace = str(uuid.uuid4())
    ids = f"Trace ID: {trace} Correlation ID: {trace} Timestamp: {now}"
    return web.json_response(
        {
            "error": error,
            "error_description": f"AADSTS{code}: {text} {ids}",
            "error_codes": [code],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": trace,
        },
        status=status,
    )


def _unknown_tenant(tenant: str) -> web.Response:
    text = f"Tenant '{tenant[:60]}' not found. Check to make sure you have the correct tenant ID."
    return _refused(400, "invalid_request", 90002, text)
