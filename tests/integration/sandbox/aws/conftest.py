"""One fast sandbox for the tests of AWS, put back to its start for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.sandbox.aws.farm import SPEED, Farm
from tests.sandbox_client import SandboxClient, SandboxRun

ONLY_AWS = {"payments": None, "catalog": None, "identity": None}

SLOW_AGENT = {"aws": {"timings": {"invocation_visible": 10, "command_start": 12}}}
"""A fifth of a second in which invocations don't exist yet."""


@pytest.fixture(scope="session")
def aws_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox in which a minute lasts 1.2 s, without the other cloud's services."""
    run = SandboxRun(tmp_path_factory.mktemp("aws"), {"speed": SPEED, "services": ONLY_AWS, **SLOW_AGENT})
    yield run
    assert run.stop() == 0


@pytest.fixture
def sandbox(aws_run: SandboxRun) -> SandboxClient:
    """That sandbox, at its start."""
    aws_run.client.reset()
    return aws_run.client


@pytest.fixture
def farm(sandbox: SandboxClient) -> Farm:
    """The farm checkout/production: two machines behind an ALB and a classic load balancer."""
    return Farm(sandbox)


@pytest.fixture
def search(sandbox: SandboxClient) -> Farm:
    """The service search: two groups of two machines, of which blue is live."""
    return Farm(sandbox, "search")
