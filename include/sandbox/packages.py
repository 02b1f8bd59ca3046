"""The packages: a small real zip per service and build, with its manifest."""

from __future__ import annotations

import io
import json
import re
import zipfile

from aiohttp import web

from include.sandbox.closed_model import BUILD_PATTERN
from include.sandbox.config import SandboxConfig

_NAME = re.compile(r"^(?P<service>[a-z][a-z0-9_]{0,39})-(?P<build>.+)\.zip$")


def package_routes(config: SandboxConfig) -> list[web.RouteDef]:
    """Return the route ``GET /packages/<service>-<build>.zip``."""

    async def get(request: web.Request) -> web.Response:
        found = _NAME.match(request.match_info["name"])
        if (
            found is None
            or found["service"] not in config.services
            or not BUILD_PATTERN.match(found["build"])
        ):
            return web.json_response({"error": "no such package"}, status=404)
        package = make_package(config, found["service"], found["build"])
        return web.Response(body=package, content_type="application/zip")

    return [web.get("/packages/{name}", get)]


def make_package(config: SandboxConfig, service: str, build: str) -> bytes:
    """Return a zip with ``manifest.json``: service, build and what the build depends on."""
    needs = [need.model_dump() for need in config.build(build).dependencies]
    manifest = {"service": service, "build": build, "dependencies": needs}
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("manifest.json", json.dumps(manifest, indent=2))
        package.writestr("app/README.txt", f"{service} {build}\n")
    return whole.getvalue()
