"""Other media: one JSON POST an event to any address.

A receiver sees ``release.started``, one ``release.event`` for each thing that happened, and
``release.ended``. Each carries an ``Idempotency-Key`` that never changes for the same event:
after a lost answer it is sent again under the same key, and the receiver drops what it has.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar

from include.airlock.announce import wording
from include.airlock.announce.notifier import Notifier, NotTold, within
from include.airlock.announce.slack_errors import retry_after
from include.airlock.announce.told import Kind, Pending, Place, Told, events_of
from include.airlock.model.record import RegionRecord, ReleaseRecord

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

NAMES = {Kind.HEADLINE: "release.started", Kind.EVENTS: "release.event", Kind.ENDING: "release.ended"}

_ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?([/?][!-~]*)?"
)
"""A full address without a user in it; requests and this pattern read the same host."""
_KEY = re.compile(r"[A-Za-z0-9_.:/+~#-]{1,200}")


@dataclass(frozen=True)
class Target:
    """Where to post and the token to show; neither is ever printed: addresses hold secrets too."""

    url: str = field(repr=False)
    token: str | None = field(repr=False)


class WebhookNotifier(Notifier):
    """Tells one address.

    Args:
        connection: id of an Airflow connection of type ``http``: host = the full address,
            password = a bearer token, where one is needed. https, or http on this machine.
    """

    keeps: ClassVar[bool] = False
    batch: ClassVar[int] = 1

    def __init__(self, connection: str) -> None:
        self.name = f"webhook {connection}"
        self._connection = connection

    def ready(self) -> None:
        """Read the connection; ``NotTold`` where it is absent or its address can't be used."""
        _ = self._target

    def post(self, record: ReleaseRecord, told: Told, pending: Pending, seconds: float) -> Place:
        """POST one event; any 2xx is told."""
        import requests

        target = self._target
        if seconds <= 0:
            raise NotTold("no time left", sure=True)
        key = idempotency_key(record, pending)
        body, headers = payload(record, pending), {"Idempotency-Key": key, "User-Agent": "airlock"}
        try:
            answer = within(seconds, lambda: _send(target, body, headers, seconds))
        except requests.RequestException as trouble:
            # Its text holds the address, which may hold a secret.
            raise NotTold(f"no answer ({type(trouble).__name__})") from None
        _judge(answer)
        return Place()

    @cached_property
    def _target(self) -> Target:
        from airflow.sdk import BaseHook
        from airflow.sdk.exceptions import AirflowException, AirflowRuntimeError

        try:
            connection = BaseHook.get_connection(self._connection)
        except (AirflowException, AirflowRuntimeError) as trouble:
            raise NotTold(f"there is no connection '{self._connection}'", sure=True) from trouble
        return target_of(self._connection, connection.host, connection.password)


def target_of(connection: str, host: str | None, password: str | None) -> Target:
    """Check a connection's fields; pure.

    Raises:
        NotTold: the address is none, or is neither https nor on this machine.
    """
    url = host or ""
    found = _ADDRESS.fullmatch(url)
    if found is None:
        raise NotTold(f"connection '{connection}': its host must be a full https address", sure=True)
    if found["scheme"] == "http" and not _is_loopback(found["host"].strip("[]")):
        raise NotTold(f"connection '{connection}': http is for this machine only; use https", sure=True)
    return Target(url, password or None)


def idempotency_key(record: ReleaseRecord, pending: Pending) -> str:
    """One key an event, the same whenever and by whomever it is sent."""
    of = f"{record.dag}/{record.release}" + (f"/{record.service}" if record.train else "")
    key = f"{of}/{pending.mark}"
    return key if _KEY.fullmatch(key) else sha256(key.encode(errors="replace")).hexdigest()


def payload(record: ReleaseRecord, pending: Pending) -> dict[str, Any]:
    """The body of one POST: what happened, and the release as it stands."""
    region, event = next(iter(events_of(record, pending)), ("", None))
    return {
        "event": NAMES[pending.kind],
        "id": idempotency_key(record, pending),
        "text": _text(record, pending),
        "release": record.release,
        "dag": record.dag,
        "service": record.service,
        "train": record.train,
        "build": record.build,
        "change_request": record.change_request,
        "reason": record.reason,
        "requested_by": record.requested_by,
        "rollback": record.rollback.model_dump(mode="json") if record.rollback else None,
        "window_override": record.window_override,
        "on_failure": record.on_failure,
        "outcome": record.outcome.value,
        "sentence": record.sentence,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "url": record.url,
        "record": record.file,
        "question": record.question.model_dump(mode="json") if record.question else None,
        "decisions": [each.model_dump(mode="json") for each in record.decisions],
        "warnings": record.warnings,
        "regions": [_region(each) for each in record.regions],
        "happened": {"region": region or None, **event.model_dump(mode="json")} if event else None,
    }


def _region(region: RegionRecord) -> dict[str, Any]:
    shown = {"name", "phase", "old_build", "new_build", "failure", "stand", "refresh"}
    shown |= {"started_at", "ended_at"}
    return region.model_dump(mode="json", include=shown)


def _text(record: ReleaseRecord, pending: Pending) -> str:
    if pending.kind is Kind.EVENTS:
        return "\n".join(wording.event_line(region, event) for region, event in events_of(record, pending))
    return wording.ending(record) if pending.kind is Kind.ENDING else wording.summary(record)


def _send(target: Target, body: dict[str, Any], headers: dict[str, str], seconds: float) -> Response:
    import requests

    def sign(request: PreparedRequest) -> PreparedRequest:
        """Set our own token; without ``auth`` a .netrc file of the worker would replace it."""
        if target.token:
            request.headers["Authorization"] = f"Bearer {target.token}"
        return request

    with requests.post(
        target.url, json=body, headers=headers, auth=sign, timeout=seconds, allow_redirects=False, stream=True
    ) as answer:
        return answer


def _judge(answer: Response) -> None:
    """Any 2xx is told; ``sure`` is what the receiver refused, so that it can't have taken it."""
    status = answer.status_code
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = retry_after(answer.headers)
        raise NotTold(f"rate-limited by the receiver for {wait:.0f} s", sure=True, retry_after=wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise NotTold(f"the receiver answered HTTP {status}")
    if status < HTTPStatus.BAD_REQUEST:
        raise NotTold(f"the receiver answered HTTP {status}; redirects are not followed", sure=True)
    raise NotTold(f"the receiver answered HTTP {status}", sure=True, others=True)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
