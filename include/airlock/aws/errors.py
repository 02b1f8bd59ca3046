"""What went wrong in a call to AWS, in the words of Airlock's error tree.

Codes: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/CommonErrors.html and its
siblings of each service; throttling as botocore's standard retry mode knows it
(``botocore.retries.standard.ThrottledRetryableChecker``).
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from include.airlock.aws.operations import ASSUME_ROLE, Operation
from include.airlock.errors import (
    AirlockError,
    CloudError,
    ConnectionMissing,
    Denied,
    NotFound,
    Rejected,
    Throttled,
    Unreachable,
)
from include.airlock.model.fields import CONTROL

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

    from include.airlock.aws.connection import AwsAccess

_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "PriorRequestNotComplete",
        "SlowDown",
        "EC2ThrottledException",
        # Auto Scaling is busy with an earlier change of the same group; later it will do.
        "ResourceContention",
        "ResourceContentionFault",
        "ScalingActivityInProgress",
    }
)
_FORBIDDEN = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "UnauthorizedException",
        "NotAuthorized",
        "OptInRequired",
    }
)
_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_ABSENT = frozenset({"InvalidDocument", "InvalidDocumentVersion", "InvalidCommandId"})
"""Codes of Systems Manager that mean "no such thing" without saying NotFound."""

_GATEWAY_CODES = frozenset({"InternalFailure", "InternalError", "InternalServerError", "HealthUnavailable"})

_LONGEST_TEXT = 400
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 1.0, 5.0
_ENCODED = re.compile(r"\s*Encoded authorization failure message:\s*\S+")
_IN_ADDRESS = re.compile(r"(://)[^\s/@?#\"'<>]+@")
_QUERY = re.compile(r"(://[^\s?\"'<>]+\?)[^\s\"'<>]+")


def error_of(fault: ClientError, operation: Operation, access: AwsAccess, what: str, on: str) -> CloudError:
    """The error that an answer of AWS stands for.

    ``what`` names the call for people; ``on`` the resource it touches, ``*`` for none.
    """
    answer = fault.response.get("Error", {})
    status = int(fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    code = line(str(answer.get("Code") or status or "no code"))[:80]
    said = f"{what}: {code}: {line(str(answer.get('Message') or ''))}".rstrip(": ")
    if fault.operation_name == ASSUME_ROLE.name:
        operation, on = ASSUME_ROLE, "the connection's role_arn"
    if code in _THROTTLED or status == 429:
        return throttled(said)
    if code in _CREDENTIALS:
        # Its message may repeat the signed request, with a session's token in it.
        return Denied(
            f"{what}: AWS does not accept the credentials of connection '{access.conn_id}' ({code})",
            status=status,
            code=code,
        )
    if code in _FORBIDDEN or status in (401, 403):
        return Denied(
            f"{said} (connection '{access.conn_id}' needs {operation.action} on {on}: docs/aws-iam.md)",
            status=status,
            code=code,
        )
    return _by_kind(said, code, status)


def _by_kind(said: str, code: str, status: int) -> CloudError:
    if "NotFound" in code or code in _ABSENT or status == 404:
        return NotFound(said, status=status, code=code)
    if status >= 500 or code.startswith("ServiceUnavailable") or code in _GATEWAY_CODES:
        return Unreachable(said, status=status, code=code)
    return Rejected(said, status=status, code=code)


def throttled(said: str) -> Throttled:
    """AWS names no wait; a random one keeps many releases from coming back at the same moment."""
    wait = random.uniform(_SHORTEST_WAIT_S, _LONGEST_WAIT_S)  # noqa: S311 - a wait, not a secret
    return Throttled(said, retry_after=wait)


def error_without_answer(fault: BotoCoreError, access: AwsAccess, what: str) -> AirlockError:
    """The error for what botocore says when no answer of AWS was there to read."""
    from botocore import exceptions as boto

    said = f"{what}: {line(str(fault))}"
    if isinstance(fault, (boto.NoCredentialsError, boto.PartialCredentialsError)):
        return Denied(f"{what}: connection '{access.conn_id}' gives no credentials: {line(str(fault))}")
    if isinstance(fault, (boto.UnauthorizedSSOTokenError, boto.TokenRetrievalError)):
        return Denied(said)
    if isinstance(fault, (boto.ProfileNotFound, boto.InvalidRegionError, boto.UnknownServiceError)):
        return ConnectionMissing(f"connection '{access.conn_id}': {line(str(fault))}")
    if isinstance(fault, (boto.ParamValidationError, boto.PaginationError)):
        return Rejected(said)
    # What is left is the network, a cut or unreadable answer, or the machine's own credential service.
    return Unreachable(f"{what}: no answer from AWS in {access.region}: {line(str(fault))}")


def line(text: str) -> str:
    """Foreign text on one line, cut, without control characters and without credentials in addresses."""
    shown = _ENCODED.sub("", CONTROL.sub(" ", text[:20_000]))
    shown = _QUERY.sub(r"\1…", _IN_ADDRESS.sub(r"\1…@", shown))
    return " ".join(shown.split())[:_LONGEST_TEXT]
