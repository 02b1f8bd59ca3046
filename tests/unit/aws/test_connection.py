"""What an Airflow connection of type aws must hold, and what is said when it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.airlock.aws.connection import access_of, read_connection
from include.airlock.errors import ConnectionMissing

HERE = {"region_name": "eu-west-1"}


def test_the_spec_goes_before_the_connection() -> None:
    assert access_of("aws_x", "id", "secret", HERE).region == "eu-west-1"
    assert access_of("aws_x", "id", "secret", HERE, "us-gov-west-1").region == "us-gov-west-1"
    assert access_of("aws_x", "id", "secret", {}, "ap-southeast-2").region == "ap-southeast-2"


def test_no_credentials_means_the_machines_own() -> None:
    assert access_of("aws_x", None, None, HERE).public_scheme is None


def test_a_secret_is_not_shown() -> None:
    assert "hunter2" not in repr(access_of("aws_x", "id", "hunter2", HERE))


@pytest.mark.parametrize(
    ("login", "password", "extra", "words"),
    [
        ("id", "s", {}, "set extra.region_name, or aws_region in the spec"),
        ("id", "s", {"region_name": "eu-west-1.evil.example/"}, "is no AWS region"),
        ("id", "s", {"region_name": 7}, "is no AWS region"),
        ("id", None, HERE, "belong together"),
        (None, "s", HERE, "belong together"),
        ("id", "s", {**HERE, "public_scheme": "ftp"}, "must be https or http"),
    ],
)
def test_a_wrong_field_is_named(
    login: str | None, password: str | None, extra: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConnectionMissing, match="connection 'aws_x'") as fault:
        access_of("aws_x", login, password, extra)
    assert words in str(fault.value)


def test_a_missing_connection_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider would go on with the machine's own identity instead."""
    monkeypatch.delenv("AIRFLOW_CONN_AWS_NOWHERE", raising=False)
    with pytest.raises(ConnectionMissing, match="there is no connection 'aws_nowhere'; create it"):
        read_connection("aws_nowhere")


def test_a_connection_of_another_type_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"conn_type": "azure", "login": "id", "password": "secret", "extra": HERE}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_X", json.dumps(held))
    with pytest.raises(ConnectionMissing, match="of type 'azure', not aws"):
        read_connection("aws_x")
