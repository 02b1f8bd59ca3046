"""Calls to Azure Resource Manager: one answer each, no retry that could act twice.

Built on azure.core's pipeline (kept by Microsoft) for authentication, timeouts and log
redaction. Its automatic retry is on for reads only: it would re-send a swap after a 503
and so put the old build back (see ``docs/adr/0003-swap-once.md``).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from include.airlock.azure.connection import AzureAccess
from include.airlock.errors import (
    AirlockError,
    CloudError,
    Denied,
    NotFound,
    Rejected,
    Throttled,
    Unreachable,
)
from include.airlock.model.fields import CONTROL

API_VERSION = "2025-05-01"
"""The api-version of Microsoft.Web that azure-mgmt-web 11.0.1 speaks."""

_LONGEST_TEXT = 400
_LONGEST_BODY = 20_000
_LONGEST_CODE = 80
_LONGEST_WAIT_S = 300.0
_SECRETS = (
    (re.compile(r"(://)[^\s/@?#\"'<>]+@"), r"\1…@"),
    (re.compile(r"(://[^\s?\"'<>]+\?)[^\s\"'<>]+"), r"\1…"),
    (re.compile(r"(?i)\b(sig|signature|token|secret|password|key)=[^\s&\"'<>]+"), r"\1=…"),
)
"""Where an address or a query may carry a secret: user and password, any query, a signature alone."""

_GATEWAY = 500
_THROTTLED = 429


@dataclass(frozen=True)
class Answer:
    """One answer of Resource Manager: status code, headers (lower case), parsed JSON or None, text."""

    status: int
    headers: dict[str, str]
    body: Any
    text: str

    @property
    def retry_after(self) -> float | None:
        """Seconds that the platform asks to wait, or None; a gateway's nonsense must not stop a release."""
        value = self.headers.get("retry-after", "")
        return (
            min(float(value), _LONGEST_WAIT_S) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value) else None
        )

    @property
    def message(self) -> str:
        """What the platform says is wrong, from either of its two shapes of error, cut to a line.

        It may repeat what it was sent, so signatures and credentials in addresses are left out.
        """
        text = self._error.get("message") or self._error.get("Message") or self.text
        return _line(str(text)[:_LONGEST_BODY])

    @property
    def code(self) -> str:
        """The platform's error code, or an empty text."""
        return _line(str(self._error.get("code") or self._error.get("Code") or "")[:_LONGEST_CODE])

    @property
    def _error(self) -> dict[str, Any]:
        """Resource Manager puts its errors under ``error``, App Service does not (facts: errors)."""
        body = self.body if isinstance(self.body, dict) else {}
        inner = body.get("error")
        return inner if isinstance(inner, dict) else body


def _line(text: str) -> str:
    """Foreign text on one line, without control characters and without what may be a secret."""
    shown = CONTROL.sub(" ", text)
    for secret, instead in _SECRETS:
        shown = secret.sub(instead, shown)
    return " ".join(shown.split())[:_LONGEST_TEXT]


def error_of(answer: Answer, what: str) -> CloudError:
    """The error that an answer of 400 and more stands for; ``what`` names the call for people."""
    said = f"{what}: {answer.status} {answer.code}: {answer.message}".replace(" :", "")
    if answer.status in (401, 403):
        hint = "check the connection's credentials and the role assignment"
        return Denied(f"{said} ({hint})", status=answer.status, code=answer.code)
    if answer.status == 404:
        return NotFound(said, status=404, code=answer.code)
    if answer.status == _THROTTLED:
        return Throttled(said, retry_after=answer.retry_after or 15.0)
    if answer.status >= _GATEWAY:
        return Unreachable(said, status=answer.status, code=answer.code)
    return Rejected(said, status=answer.status, code=answer.code)


class Arm:
    """Resource Manager as one connection reaches it; a context manager that closes its sockets."""

    def __init__(self, access: AzureAccess) -> None:
        from azure.core.pipeline.policies import (
            HeadersPolicy,
            HttpLoggingPolicy,
            RequestIdPolicy,
            RetryPolicy,
            UserAgentPolicy,
        )
        from azure.mgmt.core import ARMPipelineClient
        from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

        self.access = access
        logging.getLogger("azure").setLevel(logging.WARNING)
        policies = [
            RequestIdPolicy(),
            HeadersPolicy(),
            UserAgentPolicy("airlock"),
            RetryPolicy(retry_total=2, retry_backoff_factor=0.5, retry_backoff_max=4),
            ARMChallengeAuthenticationPolicy(access.credential(), *access.scopes),
            HttpLoggingPolicy(),
        ]
        self._client: Any = ARMPipelineClient(
            access.endpoint,
            policies=policies,
            connection_verify=access.ca_file or True,
            connection_timeout=10,
            read_timeout=60,
        )

    def __enter__(self) -> Arm:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, *, what: str) -> Answer:
        """Read; asked again up to twice when the network or a gateway fails.

        Raises:
            CloudError: any answer of 400 and more, or none.
        """
        return self._checked("GET", path, None, what, retries=2)

    def read_by_post(self, path: str, *, what: str, body: Any = None) -> Answer:
        """Read through one of the calls that ARM wants as POST though they change nothing."""
        return self._checked("POST", path, body, what, retries=2)

    def act(self, method: str, path: str, *, what: str, body: Any = None) -> Answer:
        """Change something: sent once, never again by itself.

        Raises:
            Unreachable: no answer came; the act may or may not have happened.
        """
        return self.send(method, path, body, what=what, retries=0)

    def follow(self, location: str, *, what: str) -> Answer:
        """Read an operation's ``Location``. It must be on the same server: the token goes with it.

        Raises:
            Rejected: the address is on another server.
        """
        if urlsplit(location)[:2] != urlsplit(self.access.endpoint)[:2]:
            raise Rejected(
                f"{what}: the operation's address is on another server than {self.access.endpoint}"
            )
        return self.send("GET", location, None, what=what, retries=0)

    def _checked(self, method: str, path: str, body: Any, what: str, *, retries: int) -> Answer:
        answer = self.send(method, path, body, what=what, retries=retries)
        if answer.status >= 400:
            raise error_of(answer, what)
        return answer

    def send(self, method: str, path: str, body: Any, *, what: str, retries: int) -> Answer:
        """One call, whatever its answer.

        Raises:
            Unreachable: no answer came.
            Denied: no token could be had.
        """
        from azure.core.rest import HttpRequest

        url = path if path.startswith("https://") else f"{self.access.endpoint}{path}"
        params = {} if path.startswith("https://") else {"api-version": API_VERSION}
        request = HttpRequest(method, url, params=params, json=body)
        run = self._client.send_request
        response = _translated(
            lambda: run(request, retry_total=retries, retry_status=retries), what, self.access
        )
        text = response.text()
        return Answer(
            status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=_json(text),
            text=text,
        )


def _translated(call: Callable[[], Any], what: str, access: AzureAccess) -> Any:
    """Run ``call`` with azure.core's exceptions turned into Airlock's."""
    from azure.core.exceptions import AzureError, ClientAuthenticationError

    try:
        return call()
    except ClientAuthenticationError as fault:
        said = _line(str(fault.message))
        raise Denied(f"{what}: no token for connection '{access.conn_id}': {said}") from fault
    except AzureError as fault:
        said = _line(str(fault.message))
        raise Unreachable(f"{what}: no answer from {access.endpoint}: {said}") from fault


def _json(text: str) -> Any:
    import json

    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def path_of(*parts: str) -> str:
    """A URL path of segments, each percent-encoded whole: a name can never become two segments."""
    from urllib.parse import quote

    if any(part in ("", ".", "..") for part in parts):
        raise AirlockError(f"not a resource name among {parts}")
    return "".join("/" + quote(part, safe="") for part in parts)
