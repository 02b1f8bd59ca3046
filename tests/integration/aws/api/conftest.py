"""The two servers of these tests, and a connection to each."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from include.airlock.aws.connection import AwsAccess, read_connection
from tests.integration.aws.api.plain_aws import PlainAws
from tests.integration.aws.api.scripted import Script, scripted

_OWN = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _OWN:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def _plain_aws() -> Iterator[PlainAws]:
    server = PlainAws()
    yield server
    server.stop()


@pytest.fixture
def aws(_plain_aws: PlainAws) -> PlainAws:
    """Moto with its scene, fresh."""
    _plain_aws.reset()
    return _plain_aws


@pytest.fixture
def access(aws: PlainAws, monkeypatch: pytest.MonkeyPatch) -> AwsAccess:
    """Moto through an Airflow connection."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_PLAIN", aws.connection())
    return read_connection("aws_plain")


@pytest.fixture
def script() -> Iterator[Script]:
    """A server with answers written by hand."""
    with scripted() as served:
        yield served


@pytest.fixture
def by_script(script: Script, monkeypatch: pytest.MonkeyPatch) -> AwsAccess:
    """The scripted server through an Airflow connection."""
    extra = {"region_name": "eu-west-1", "endpoint_url": script.url}
    row = {"conn_type": "aws", "login": "testing-id", "password": "testing-secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_SCRIPT", json.dumps(row))
    return read_connection("aws_script")
