"""The load generator sees every load balancer, and judges how a farm is released."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.sandbox.aws.farm import NEW, OLD, Farm
from tests.sandbox_client import PROJECT, Json

ALB = "checkout/eu-west-1/production/checkout-production-alb"
CLASSIC = "checkout/eu-west-1/production/checkout-production-classic"


def loaded(farm: Farm, folder: Path, act: Callable[[], object]) -> Json:
    """Do something while the load runs; return the load's report."""
    endpoints, out = folder / "endpoints.json", folder / "load.json"
    endpoints.write_text(json.dumps(farm.sandbox.endpoints), encoding="utf-8")
    command = [sys.executable, "-m", "include.sandbox.load", "--endpoints", str(endpoints), "--out", str(out)]
    load = subprocess.Popen(
        [*command, "--service", "checkout", "--rate", "25", "--slow", "0.8"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.DEVNULL,
    )
    try:
        farm.until(lambda: out.exists() and json.loads(out.read_text())["hosts"][ALB]["builds"], 20)
        act()
    finally:
        load.send_signal(signal.SIGTERM)
        assert load.wait(20) == 0
    report: Json = json.loads(out.read_text(encoding="utf-8"))
    return report


def roll(farm: Farm, machine: str) -> None:
    """Release one machine, waiting for states."""
    farm.deregister(machine)
    farm.detach(machine)
    farm.until(lambda: farm.health(machine)["State"] == "unused")
    classic = farm.sandbox.aws_state
    farm.until(lambda: f"{machine}:8080" not in classic("classic")[farm.classic]["targets"])
    assert farm.ended(farm.send(machine), machine)["Status"] == "Success"
    farm.register(machine)
    farm.attach(machine)
    farm.until(lambda: farm.health(machine)["State"] == "healthy")
    farm.until(lambda: farm.instance(machine)["State"] == "InService")


def test_a_roll_that_waits_for_states_fails_no_request(farm: Farm, tmp_path: Path) -> None:
    report = loaded(farm, tmp_path, lambda: [roll(farm, machine) for machine in farm.machines])
    assert set(report["hosts"]) == {ALB, CLASSIC, "checkout/eu-west-1/staging/checkout-staging-classic"}
    for name in (ALB, CLASSIC):
        host = report["hosts"][name]
        assert (host["failed"], host["failures"]) == (0, [])
        assert set(host["builds"]) == {OLD, NEW}
        assert host["slow_requests"] > 1
    assert farm.sandbox.events("killed_connection") == []


@pytest.mark.parametrize("name", [ALB, CLASSIC])
def test_a_deploy_without_detaching_fails_requests(farm: Farm, tmp_path: Path, name: str) -> None:
    def kill() -> None:
        for machine in farm.machines:
            farm.ended(farm.send(machine), machine)

    report = loaded(farm, tmp_path, kill)
    assert report["hosts"][name]["failed"] > 0
