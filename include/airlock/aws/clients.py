"""Calls to AWS: one way in, so that every error comes out in Airlock's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.errors import error_of, error_without_answer, line
from include.airlock.aws.operations import Operation
from include.airlock.errors import Unreachable

T = TypeVar("T")


def call(
    access: AwsAccess,
    operation: Operation,
    *,
    what: str,
    on: str = "*",
    needs: str | None = None,
    **asked: Any,
) -> dict[str, Any]:
    """Ask for one answer; ``what`` and ``on`` are for the error: the call and the resource.

    Reads, and changes that ask for a state, are repeated up to twice when AWS throttles or does
    not answer; what is marked ``once`` is not. ``needs`` is a key without which it is no answer.

    Raises:
        CloudError: AWS refused, throttled or did not answer.
    """

    def ask() -> dict[str, Any]:
        answer: dict[str, Any] = getattr(_client(access, operation), _method(operation))(**asked)
        return answer if needs is None else _with(needs, answer, what)

    return _translated(ask, access, operation, what=what, on=on)


def pages(
    access: AwsAccess, operation: Operation, key: str, *, what: str, on: str = "*", **asked: Any
) -> list[dict[str, Any]]:
    """All rows under ``key`` of all pages of an answer.

    Raises:
        CloudError: AWS refused, throttled or did not answer, on any page.
    """

    def read() -> list[dict[str, Any]]:
        paginator = _client(access, operation).get_paginator(_method(operation))
        return [row for page in paginator.paginate(**asked) for row in _with(key, page, what)[key]]

    return _translated(read, access, operation, what=what, on=on)


def _with(key: str, answer: dict[str, Any], what: str) -> dict[str, Any]:
    """An empty list is an answer; none at all is a gateway's page, and must not read as "nobody is there"."""
    if key not in answer:
        raise Unreachable(f"{what}: the answer holds no {key}; something between may have written it")
    return answer


def _translated(run: Callable[[], T], access: AwsAccess, operation: Operation, *, what: str, on: str) -> T:
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        return run()
    except ClientError as fault:
        raise error_of(fault, operation, access, what, on) from fault
    except BotoCoreError as fault:
        raise error_without_answer(fault, access, what) from fault
    except (ResponseParserError, KeyError) as fault:
        # botocore's parser meets a page that AWS did not write: broken XML, or without its outer element.
        raise Unreachable(f"{what}: the answer can't be read: {line(str(fault))}") from fault


def chunks(values: Iterable[str], size: int) -> list[Sequence[str]]:
    """The values, each once and in order, in parts no larger than an operation's limit."""
    rest = list(dict.fromkeys(values))
    return [rest[first : first + size] for first in range(0, len(rest), size)]


def _client(access: AwsAccess, operation: Operation) -> Any:
    return access.clients.get(operation.service, once=operation.once)


def _method(operation: Operation) -> str:
    from botocore import xform_name

    return str(xform_name(operation.name))
