"""Ports: free ones, or those that were asked for."""

from __future__ import annotations

import socket

import pytest

from include.local.ports import chosen_port, free_port


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_the_port_that_was_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("AIRLOCK_AIRFLOW_PORT", str(port))
    assert chosen_port("AIRLOCK_AIRFLOW_PORT") == port


@pytest.mark.parametrize("asked", ["eighty", "80", "70000", "-1", "8080; ls"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("AIRLOCK_AIRFLOW_PORT", asked)
    with pytest.raises(ValueError, match="is not a port"):
        chosen_port("AIRLOCK_AIRFLOW_PORT")


def test_a_port_that_somebody_listens_on_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("AIRLOCK_AIRFLOW_PORT", str(other.getsockname()[1]))
        with pytest.raises(ValueError, match="this port is taken"):
            chosen_port("AIRLOCK_AIRFLOW_PORT")
