"""Machines in the sandbox's state, and the word for where each stands."""

from __future__ import annotations

from typing import Any

import pytest

from include.local.machines import Machine, machines_of

STATE: dict[str, Any] = {
    "machines": {
        "i-1": {"build": "1", "state": "running", "port": 8080},
        "i-2": {"build": "2", "state": "starting", "port": 8080},
        "i-9": {"build": "1", "state": "running", "port": 8080},
    },
    "target_groups": {"web": {"targets": {"i-1:8080": {"state": "healthy"}}}, "other": {"targets": {}}},
    "classic": {"web-classic": {"targets": {"i-1:8080": {"state": "InService"}}}},
}


def test_a_machine_that_a_group_does_not_hold_is_out() -> None:
    assert machines_of(STATE, ["i-1", "i-2"], ["web", "web-classic"]) == {
        "i-1": Machine("1", "running", {"web": "healthy", "web-classic": "InService"}),
        "i-2": Machine("2", "starting", {"web": "out", "web-classic": "out"}),
    }


@pytest.mark.parametrize(
    ("application", "standings", "stage"),
    [
        ("running", ("healthy", "InService"), "serving"),
        ("starting", ("healthy", "InService"), "starting"),
        ("running", ("draining", "out"), "draining"),
        ("running", ("draining", "InService"), "draining"),
        ("running", ("out", "out"), "out"),
        ("no application", ("out", "out"), "deploying"),
        ("starting", ("out", "out"), "warming up"),
        ("terminated", ("out", "out"), "terminated"),
        ("running", ("initial", "OutOfService"), "returning"),
        ("running", ("healthy", "out"), "returning"),
        ("running", ("unhealthy", "InService"), "unhealthy"),
    ],
)
def test_the_stage_follows_from_all_groups(application: str, standings: tuple[str, str], stage: str) -> None:
    held = dict(zip(("web", "web-classic"), standings, strict=True))
    assert Machine("1", application, held).stage == stage
