"""One wire to Airflow: tokens, time-outs, and its refusals in plain sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from include.airlock.cli.access import Access
from include.airlock.cli.client import load_by_the_piece
from include.airlock.cli.ending import CannotGoOn, Exit, bad_input
from include.airlock.cli.text import plain

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

Call: TypeAlias = "Callable[..., BaseHTTPResponse]"
"""One of the client's calls: takes the client and how to send it."""

TIMEOUT_S = (5.0, 30.0)
"""Seconds to connect, and to answer."""
_INVALID_TOKEN = "Invalid JWT token"


class Unreachable(CannotGoOn):
    """No answer, or a gateway's; asking again may help."""

    def __init__(self, text: str) -> None:
        super().__init__(text, Exit.NO_AIRFLOW)


class Refused(Exception):
    """Airflow refused; ``detail`` are its own words."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail

    def to(self, what: str) -> CannotGoOn:
        """The refusal to do ``what`` in words, with what to do about it."""
        if self.status == HTTPStatus.UNAUTHORIZED or _INVALID_TOKEN in self.detail:
            return CannotGoOn(
                "Airflow does not accept the token: it is wrong or has expired", Exit.NO_AIRFLOW
            )
        if self.status == HTTPStatus.FORBIDDEN:
            return CannotGoOn(f"this user may not {what}; ask who gives out Airflow's roles", Exit.NO_AIRFLOW)
        if self.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
            return bad_input(f"Airflow refused to {what}: {self.detail}")
        return CannotGoOn(f"Airflow can't {what}: {self.status} {self.detail}", Exit.NO_AIRFLOW)


@dataclass
class Wire:
    """One Airflow, one user; a token that was fetched with a password is fetched again when it expires."""

    access: Access
    _client: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        # Before anything of the client is imported.
        load_by_the_piece()

    def ask(self, call: Call) -> Any:
        """Send one call and return its JSON.

        Raises:
            Unreachable: there is no answer, or a gateway's.
            CannotGoOn: the answer is not Airflow's, or it does not know this user.
            Refused: Airflow refused it.
        """
        fetched = self._client is None
        answer = self._send(call)
        if _refuses_token(answer) and not fetched and self.access.password is not None:
            # A token lives for a day, a watch may be longer; an Airflow that was restarted may know none.
            self._client = None
            answer = self._send(call)
        return self._json(answer)

    def _send(self, call: Call) -> BaseHTTPResponse:
        from urllib3.exceptions import HTTPError, LocationValueError

        try:
            if self._client is None:
                self._client = self._connect()
            answer = call(self._client, _request_timeout=TIMEOUT_S)
            answer.data  # noqa: B018 - reads it all, here, where a lost connection is caught
        except (HTTPError, LocationValueError) as error:
            raise Unreachable(f"no answer from Airflow at {self.access.url}: {_reason(error)}") from None
        return answer

    def _connect(self) -> Any:
        """A client with a token.

        Raises:
            CannotGoOn: no token is given for this user and password.
        """
        from airflow_client.client.api_client import ApiClient
        from airflow_client.client.configuration import Configuration
        from urllib3.util import Retry

        # A redirect is not followed: it would take a password along. Requests that change something are
        # repeated only while no connection was made.
        retries = Retry(connect=2, read=2, redirect=False, status=0, other=0, backoff_factor=0.2)
        settings = Configuration(host=self.access.url, ssl_ca_cert=self.access.ca_file, retries=retries)
        client: Any = ApiClient(settings)
        token = self.access.token
        if token is None:
            token = self._fetch_token(client)
        client.set_default_header("Authorization", f"Bearer {token}")
        return client

    def _fetch_token(self, client: Any) -> str:
        """A token for the user, of Airflow's simple auth manager or of FAB: both have this path."""
        body = {"username": self.access.user, "password": self.access.password}
        answer = client.rest_client.request(
            "POST",
            f"{self.access.url}/auth/token",
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            body=body,
            _request_timeout=TIMEOUT_S,
        )
        answer.read()
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
            raise CannotGoOn(
                f"{self.access.url} gives no tokens for passwords at /auth/token; is it Airflow 3? "
                "Otherwise get a token from its auth manager and set AIRLOCK_TOKEN",
                Exit.NO_AIRFLOW,
            )
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST):
            raise CannotGoOn(
                f"Airflow does not know {plain(self.access.user)} with this password; see AIRLOCK_USER and "
                "AIRLOCK_PASSWORD_FILE",
                Exit.NO_AIRFLOW,
            )
        found = self._json(answer.response)
        if not isinstance(found, Mapping) or not isinstance(found.get("access_token"), str):
            raise CannotGoOn(f"what answers at {self.access.url} is not Airflow 3", Exit.NO_AIRFLOW)
        return str(found["access_token"])

    def _json(self, answer: BaseHTTPResponse) -> Any:
        status = answer.status
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unreachable(
                f"Airflow at {self.access.url} answered {status}; its API server's log says why"
            )
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            where = plain(answer.headers.get("Location", "elsewhere"), 200)
            raise bad_input(f"{self.access.url} redirects to {where}; give Airflow's own address")
        try:
            found = json.loads(answer.data)
        except ValueError:
            found = None
        if status >= HTTPStatus.BAD_REQUEST:
            detail = found.get("detail") if isinstance(found, Mapping) else None
            raise Refused(status, _in_words(detail))
        if not isinstance(found, Mapping):
            raise CannotGoOn(f"what answers at {self.access.url} is not Airflow 3", Exit.NO_AIRFLOW)
        return found


def _refuses_token(answer: BaseHTTPResponse) -> bool:
    """Whether the token was refused: Airflow answers 401 for one that has expired, 403 for any other."""
    forbidden = answer.status == HTTPStatus.FORBIDDEN and _INVALID_TOKEN.encode() in answer.data
    return forbidden or answer.status == HTTPStatus.UNAUTHORIZED


def _in_words(detail: object) -> str:
    """Airflow's ``detail``: a sentence, or the list of FastAPI's validation with a place for each fault."""
    if isinstance(detail, list):
        faults = [each for each in detail if isinstance(each, Mapping)]
        return plain("; ".join(f"{_place(each)}: {each.get('msg')}" for each in faults))
    return plain(detail if detail is not None else "it did not say why")


def _place(fault: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in fault.get("loc") or () if part != "body")


def _reason(error: Exception) -> str:
    """The innermost reason of a lost connection, without the addresses of objects."""
    inner: Any = error
    while isinstance(getattr(inner, "reason", None), Exception):
        inner = inner.reason
    text = plain(inner, 300)
    return text.rpartition(": ")[2] if "object at 0x" in text else text
