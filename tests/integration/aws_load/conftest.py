"""A sandbox of its own for the load: fast, but slow enough that a wait is a wait."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from include.local.rivals.farm import Farm
from tests.integration.aws_load.running_load import FARM, REGION, SERVICE
from tests.sandbox_client import SandboxClient, SandboxRun

SPEED = 30
"""The article's 60 s sleep takes 2 s, a deregistration delay of 60 s as well."""


# Health checks as patient as AWS allows: a busy machine must not look like a sick one.
CHECKS = {"interval": 10, "timeout": 9}
CONFIG = {
    "speed": SPEED,
    "limits": {"on": False},
    "aws": {"services": {SERVICE: {"regions": {REGION: {"farms": {FARM: {"health_check": CHECKS}}}}}}},
}


@pytest.fixture(name="own_sandbox", scope="package")
def _own_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    run = SandboxRun(tmp_path_factory.mktemp("sandbox"), CONFIG)
    yield run
    assert run.stop() == 0


@pytest.fixture(name="sandbox")
def _sandbox(own_sandbox: SandboxRun) -> SandboxClient:
    own_sandbox.client.reset()
    return own_sandbox.client


@pytest.fixture(name="farm")
def _farm(sandbox: SandboxClient) -> Farm:
    """The production farm of checkout: two machines behind a target group and a classic load balancer."""
    return Farm.of_endpoints(sandbox.endpoints, SERVICE, REGION, FARM)
