"""Releases on AWS, rehearsed against a fast sandbox of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from botocore import loaders

from include.airlock.aws import farm_back, turns
from include.airlock.model.service import Service
from include.airlock.release.ledger import Ledger
from include.local.connections import airflow_connections, as_environment
from tests.integration.aws.moments import Moments
from tests.integration.aws.trace import Scene
from tests.integration.aws.world import blue_green, rolling, sandbox_settings
from tests.integration.rehearsal import Rehearsal
from tests.sandbox_client import SandboxClient, SandboxRun


@pytest.fixture(scope="session")
def aws_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """One sandbox for the tests of this folder in this process."""
    run = SandboxRun(tmp_path_factory.mktemp("aws"), sandbox_settings())
    yield run
    assert run.stop() == 0


@pytest.fixture
def sandbox(aws_run: SandboxRun) -> SandboxClient:
    """That sandbox, at its start."""
    aws_run.client.reset()
    return aws_run.client


def quick_connections(sandbox: SandboxClient, patched: pytest.MonkeyPatch) -> None:
    """The sandbox's endpoints as Airflow connections; a lost command shows soon, as all does here.

    botocore reads its large models of services once for all clients, not for each step anew.
    """
    for name, value in as_environment(airflow_connections(sandbox.endpoints)).items():
        patched.setenv(name, value)
    for module in (turns, farm_back):
        patched.setattr(module, "SETTLE_S", 1.5)
        patched.setattr(module, "MARGIN_S", 2.0)
    patched.setattr(loaders, "create_loader", _one_loader)


@cache
def _one_loader(paths: str | None = None) -> loaders.Loader:
    return loaders.Loader()


@pytest.fixture
def connections(sandbox: SandboxClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """See ``quick_connections``."""
    quick_connections(sandbox, monkeypatch)


@pytest.fixture
def moments() -> Moments:
    """The ledger's store of the releases that ``rehearse`` makes."""
    return Moments()


@pytest.fixture
def rehearse(connections: None, moments: Moments) -> Callable[..., Rehearsal]:
    """Make a release: ``rehearse(spec, build=…, on_failure=…)``."""

    def make(service: Service, **conf: Any) -> Rehearsal:
        return Rehearsal.of(service, **{"ledger": Ledger(moments), **conf})

    return make


@pytest.fixture
def roll(rehearse: Any) -> Callable[..., Rehearsal]:
    """Make a rolling release of the farm ``production``: ``roll(service=…, farm={…}, on_failure=…)``."""

    def make(
        service: str = "orders",
        farm: dict[str, Any] | None = None,
        more: dict[str, Any] | None = None,
        **conf: Any,
    ) -> Rehearsal:
        conf.setdefault("regions", ["eu-west-1.production"])
        made: Rehearsal = rehearse(rolling(service, farm, **(more or {})), **conf)
        return made

    return make


@pytest.fixture
def shift(rehearse: Any) -> Callable[..., Rehearsal]:
    """Make a blue/green release of search: ``shift(more={…}, on_failure=…)``."""

    def make(more: dict[str, Any] | None = None, **conf: Any) -> Rehearsal:
        made: Rehearsal = rehearse(blue_green(**(more or {})), **conf)
        return made

    return make


@pytest.fixture
def scene(sandbox: SandboxClient) -> Scene:
    """The farm production of orders: two machines behind an ALB and a classic load balancer."""
    return Scene(sandbox)


@pytest.fixture
def pair(sandbox: SandboxClient) -> Scene:
    """The two target groups of search."""
    return Scene(sandbox, "search")
