"""The demo application's status, and its three faces: JSON, HTML and text. One truth for all."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

PATHS = ("/status", "/status.html", "/status.txt")


@dataclass(frozen=True)
class Status:
    """What an instance says of itself; ``build`` is None only where a fault wants it missing."""

    service: str
    region: str
    build: str | None
    state: str
    dependencies: tuple[tuple[str, bool], ...]
    machine: str | None = None

    def without(self, dependency: str | None) -> Status:
        """Return this status with one dependency (the first if None) told as not connected."""
        lost = dependency or (self.dependencies[0][0] if self.dependencies else "database")
        told = dict(self.dependencies) | {lost: False}
        return replace(self, dependencies=tuple(told.items()))


def as_json(status: Status) -> dict[str, Any]:
    """Return the JSON of ``/status``."""
    page: dict[str, Any] = {"service": status.service, "region": status.region}
    if status.build is not None:
        page["build"] = status.build
    dependencies = [{"name": name, "connected": connected} for name, connected in status.dependencies]
    if status.machine is not None:
        page["machine"] = status.machine
    return {**page, "state": status.state, "dependencies": dependencies}


def as_html(status: Status) -> str:
    """Return the page of ``/status.html``."""
    rows = "\n".join(
        f'<tr class="dependency"><td class="name">{html.escape(name)}</td>'
        f'<td class="connection">{_connection(connected)}</td></tr>'
        for name, connected in status.dependencies
    )
    build = (
        "" if status.build is None else f'<p>Build: <span id="build">{html.escape(status.build)}</span></p>\n'
    )
    if status.machine is not None:
        build += f'<p>Machine: <span id="machine">{html.escape(status.machine)}</span></p>\n'
    title = html.escape(f"{status.service} in {status.region}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title></head>\n<body>\n"
        f"<h1>{title}</h1>\n{build}"
        f'<p>State: <span id="state">{html.escape(status.state)}</span></p>\n'
        f'<table id="dependencies">\n{rows}\n</table>\n</body></html>\n'
    )


def as_text(status: Status) -> str:
    """Return the lines of ``/status.txt``."""
    lines = [f"service: {status.service}", f"region: {status.region}"]
    if status.build is not None:
        lines.append(f"build: {status.build}")
    if status.machine is not None:
        lines.append(f"machine: {status.machine}")
    lines.append(f"state: {status.state}")
    lines += [f"dependency {name}: {_connection(connected)}" for name, connected in status.dependencies]
    return "\n".join(lines) + "\n"


def _connection(connected: bool) -> str:
    return "connected" if connected else "disconnected"


def respond(path: str, status: Status, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return the answer to a request for one of `PATHS`: always 200."""
    if path.endswith(".html"):
        return web.Response(text=as_html(status), content_type="text/html", headers=headers)
    if path.endswith(".txt"):
        return web.Response(text=as_text(status), content_type="text/plain", headers=headers)
    return web.Response(text=json.dumps(as_json(status)), content_type="application/json", headers=headers)
