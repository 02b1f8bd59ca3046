"""What can't be: each refusal is one sentence that says what to do, with its exit code."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from tests.integration.cli.airflow_stand_in import StandIn, Story, serving

Airlock = Callable[..., tuple[int, str, str]]
ASK = ("release", "payments", "2026.11.2", "--change-request", "CHG-1")


def answering(status: int, detail: Any) -> Callable[[web.Request], web.StreamResponse | None]:
    """Trouble: each request for a run gets this answer."""

    def trouble(request: web.Request) -> web.StreamResponse | None:
        if request.method == "POST" and request.path.endswith("/dagRuns"):
            return web.json_response({"detail": detail}, status=status)
        return None

    return trouble


@pytest.mark.parametrize(
    ("status", "detail", "code", "said"),
    [
        (401, "Token Expired", 5, "does not accept the token: it is wrong or has expired"),
        (403, "Forbidden", 5, "this user may not start release_payments; ask who gives out Airflow's roles"),
        (400, "build: 'x' does not match", 2, "refused to start release_payments: build: 'x' does not match"),
        (
            422,
            [{"loc": ["body", "run_after"], "msg": "Input should be a valid datetime", "type": "t"}],
            2,
            "run_after: Input should be a valid datetime",
        ),
        (500, "boom", 5, "answered 500; its API server's log says why"),
        (418, "teapot", 5, "418 teapot"),
    ],
)
def test_each_error_of_airflow_is_a_sentence(
    airflow: StandIn, airlock: Airlock, status: int, detail: Any, code: int, said: str
) -> None:
    airflow.trouble = answering(status, detail)

    found, out, err = airlock(*ASK)

    assert (found, out) == (code, "")
    assert said in err
    assert err.startswith("airlock: ")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("release", "paymnts", "2026.11.2"), "no DAG release_paymnts; did you mean 'payments'?"),
        (("status", "paymnts"), "no DAG release_paymnts; did you mean 'payments'?"),
        (("rollback", "identity", "--reason", "it is bad"), "no DAG rollback_identity"),
        (("unlock", "paymnts", "--reason", "mended"), "no service 'paymnts'; did you mean 'payments'?"),
        (("release", "payments", "2 3"), "build: "),
        (("release", "payments", "2026.11.2", "--region", "westeurop"), "did you mean 'westeurope'?"),
        (("release", "payments", "2026.11.2", "--on-failure", "hlt"), "did you mean 'halt'?"),
        (("release", "payments", "2026.11.2", "--change-request", "a b"), "--change-request: "),
        (("release", "payments", "2026.11.2", "--reason", "x" * 501), "--reason: "),
        (("release", "payments", "2026.11.2", "--window-override", "urgent"), "has no windows"),
        (("release", "payments", "2026.11.2", "--at", "tomorrow"), "neither 'next-window' nor a moment"),
        (("release", "payments", "2026.11.2", "--at", "2099-01-01T20:00"), "has no time zone"),
        (("release", "payments", "2026.11.2", "--at", "2020-01-01T20:00Z"), "is over"),
        (("release", "payments", "2026.11.2", "--at", "next-window"), "leave --at out"),
        (("unlock", "payments", "--reason", " "), "--reason: "),
        (("rollback", "payments", "--reason", "no"), "says nothing"),
        (("status", "payments"), "was never released by this Airflow"),
        (("watch", "payments", "CHG-9"), "payments has no release CHG-9; there is none at all"),
    ],
)
def test_what_can_not_be_starts_nothing(
    airflow: StandIn, airlock: Airlock, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = airlock(*arguments)

    assert code == 2, err
    assert said in err
    assert airflow.posted() == [] or "no DAG" in said


def test_a_run_that_is_not_there_names_those_that_are(airflow: StandIn, airlock: Airlock) -> None:
    for number in range(3):
        airflow.add_run("release_payments", Story(f"CHG-{number}", {}))

    assert "the latest are CHG-2, CHG-1, CHG-0" in airlock("status", "payments", "CHG-9")[2]


def test_nobody_answers(airflow: StandIn, airlock: Airlock) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        code, _, err = airlock(*ASK, "--url", url)

    assert code == 5
    assert f"no answer from Airflow at {url}" in err
    assert "object at" not in err


def test_a_server_that_is_no_airflow(airflow: StandIn, airlock: Airlock) -> None:
    airflow.trouble = lambda _request: web.Response(text="<html>welcome</html>", content_type="text/html")

    code, _, err = airlock(*ASK)

    assert code == 5
    assert "is not Airflow 3" in err


def test_a_redirect_does_not_take_the_password_along(airflow: StandIn, airlock: Airlock) -> None:
    elsewhere = "http://127.0.0.1:9/login"
    airflow.trouble = lambda _request: web.Response(status=307, headers={"Location": elsewhere})

    code, _, err = airlock(*ASK)

    assert code == 2
    assert f"redirects to {elsewhere}; give Airflow's own address" in err
    assert len(airflow.asked) == 1


def test_a_certificate_is_verified(
    airflow: StandIn, airlock: Airlock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(trusted))
    with serving(StandIn(airflow.dags, airflow.stories), tls) as server:
        refused = airlock(*ASK, "--url", server.url)
        taken = airlock(*ASK, "--url", server.url, "--ca-file", str(trusted))

        assert refused[0] == 5
        assert "certificate verify failed" in refused[2]
        assert taken[0] == 0
        # Nobody who is not trusted got the password.
        assert [path for _, path, _ in server.asked].count("/auth/token") == 1
    assert airlock(*ASK, "--url", server.url, "--ca-file", "/nowhere.pem")[0] == 2


def test_a_wrong_password(airflow: StandIn, airlock: Airlock, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("guess", encoding="utf-8")

    code, _, err = airlock(*ASK, "--user", "ada", "--password-file", str(wrong))

    assert code == 5
    assert "does not know ada with this password" in err
    assert "guess" not in err


def test_an_auth_manager_without_tokens_for_passwords(airflow: StandIn, airlock: Airlock) -> None:
    airflow.trouble = lambda _request: web.Response(status=404)

    code, _, err = airlock(*ASK)

    assert code == 5
    assert "set AIRLOCK_TOKEN" in err


def test_a_token_that_is_none(airflow: StandIn, airlock: Airlock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRLOCK_TOKEN", "not-a-token")

    code, _, err = airlock(*ASK)

    assert code == 5
    assert "does not accept the token: it is wrong or has expired" in err
    assert "not-a-token" not in err


def test_a_token_from_a_file_is_sent_as_a_header(airflow: StandIn, airlock: Airlock, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a-token\n", encoding="utf-8")

    code, _, _ = airlock(*ASK, "--token-file", str(token))

    assert code == 0
    assert airflow.tokens == 0


@pytest.mark.parametrize(
    "url",
    ["ftp://airflow", "airflow.example.com", "https://ada:secret@airflow", "https://airflow?token=secret"],
)
def test_an_address_that_can_not_be_used(airflow: StandIn, airlock: Airlock, url: str) -> None:
    code, _, err = airlock(*ASK, "--url", url)

    assert code == 2
    assert "the address of Airflow must" in err
    assert "secret" not in err


def test_nobody_said_who_asks(airflow: StandIn, airlock: Airlock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRLOCK_USER")
    assert "AIRLOCK_TOKEN" in airlock(*ASK)[2]
    monkeypatch.delenv("AIRLOCK_URL")
    code, _, err = airlock(*ASK)
    assert (code, "AIRLOCK_URL" in err) == (2, True)


def test_a_fault_of_the_command_itself_is_a_sentence_too(airflow: StandIn, airlock: Airlock) -> None:
    """Given an answer that is not as Airflow describes it, then there is no traceback."""

    def odd(request: web.Request) -> web.StreamResponse | None:
        return web.json_response({"odd": True}) if request.path.endswith("/dagRuns") else None

    airflow.trouble = odd

    code, out, err = airlock(*ASK)

    assert (code, out) == (1, "")
    assert err.startswith("airlock: a fault of this command: KeyError: ")
    assert err.endswith("what was started goes on\n")
