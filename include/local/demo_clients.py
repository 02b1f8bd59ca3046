"""What the clients say of a release in which none of them may have failed."""

from __future__ import annotations

from collections.abc import Mapping

from include.local.demo_scene import Load


def failed_requests(hosts: Mapping[str, str], load: Load) -> list[str]:
    """Return what went wrong for the clients of some hosts (as people call it -> as the report does)."""
    found = []
    for name, key in hosts.items():
        host = load["hosts"].get(key)
        if host is None or not host["requests"]:
            found.append(f"no client called {name}")
            continue
        if host["failed"]:
            first = host["failures"][0] if host["failures"] else {}
            found.append(f"{host['failed']} of {host['requests']} requests to {name} failed, first: {first}")
        if host.get("abandoned"):
            found.append(f"{host['abandoned']} requests to {name} got no answer")
    return found
