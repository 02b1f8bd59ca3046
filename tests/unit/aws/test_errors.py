"""What AWS answers, in the words of the error tree."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto
from botocore.exceptions import ClientError

from include.airlock.aws.connection import AwsAccess, access_of
from include.airlock.aws.errors import error_of, error_without_answer, line
from include.airlock.aws.operations import DEREGISTER_TARGETS, SEND_COMMAND, Operation
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

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/checkout/73e2d6bc24d8a067"


@pytest.fixture
def access() -> AwsAccess:
    return access_of("aws_x", None, None, {"region_name": "eu-west-1"})


def answer(code: str, status: int, message: str = "as said", operation: str = "X") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},
        operation,
    )


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("Throttling", 400, Throttled),
        ("ThrottlingException", 400, Throttled),
        ("RequestLimitExceeded", 503, Throttled),
        ("TooManyRequestsException", 429, Throttled),
        ("429", 429, Throttled),
        ("ResourceContention", 500, Throttled),
        ("AccessDenied", 403, Denied),
        ("AccessDeniedException", 400, Denied),
        ("UnauthorizedOperation", 403, Denied),
        ("ExpiredToken", 403, Denied),
        ("ExpiredTokenException", 400, Denied),
        ("InvalidClientTokenId", 403, Denied),
        ("UnrecognizedClientException", 400, Denied),
        ("AuthFailure", 401, Denied),
        ("SignatureDoesNotMatch", 403, Denied),
        ("TargetGroupNotFound", 400, NotFound),
        ("LoadBalancerNotFound", 400, NotFound),
        ("ListenerNotFound", 400, NotFound),
        ("RuleNotFound", 400, NotFound),
        ("InvalidInstanceID.NotFound", 400, NotFound),
        ("InvalidDocument", 400, NotFound),
        ("InternalFailure", 500, Unreachable),
        ("InternalServerError", 400, Unreachable),
        ("HealthUnavailable", 500, Unreachable),
        ("ServiceUnavailable", 503, Unreachable),
        ("502", 502, Unreachable),
        ("InvalidTarget", 400, Rejected),
        ("InvalidInstance", 400, Rejected),
        ("InvalidInstanceId", 400, Rejected),
        ("ValidationError", 400, Rejected),
        ("", 0, Rejected),
    ],
)
def test_an_answer(access: AwsAccess, code: str, status: int, kind: type[CloudError]) -> None:
    error = error_of(answer(code, status), DEREGISTER_TARGETS, access, "detach i-1 from checkout", GROUP)
    assert type(error) is kind
    assert str(error).startswith("detach i-1 from checkout")


def test_a_denial_names_the_action_and_the_resource(access: AwsAccess) -> None:
    """Given a user without the right, when AWS denies, then the text says what to allow."""
    said = "User: arn:aws:iam::123456789012:user/x is not authorized"
    error = error_of(answer("AccessDenied", 403, said), DEREGISTER_TARGETS, access, "detach", GROUP)
    assert f"needs elasticloadbalancing:DeregisterTargets on {GROUP}" in str(error)
    assert "aws_x" in str(error)
    assert said in str(error)


def test_a_denied_role_names_its_own_action(access: AwsAccess) -> None:
    error = error_of(
        answer("AccessDenied", 403, operation="AssumeRole"), DEREGISTER_TARGETS, access, "detach", GROUP
    )
    assert "needs sts:AssumeRole on the connection's role_arn" in str(error)


def test_an_encoded_denial_is_left_out(access: AwsAccess) -> None:
    said = "You are not authorized. Encoded authorization failure message: 4kB-of-letters"
    error = error_of(answer("UnauthorizedOperation", 403, said), DEREGISTER_TARGETS, access, "detach", "*")
    assert "You are not authorized." in str(error)
    assert "4kB" not in str(error)


def test_refused_credentials_repeat_nothing_that_was_signed(access: AwsAccess) -> None:
    said = "The Canonical String should have been 'x-amz-security-token:hunter2'"
    error = error_of(answer("SignatureDoesNotMatch", 403, said), SEND_COMMAND, access, "run", "*")
    assert "hunter2" not in str(error)
    assert "credentials of connection 'aws_x'" in str(error)


def test_a_throttled_call_waits_one_to_five_seconds(access: AwsAccess) -> None:
    waits = set()
    for _ in range(50):
        error = error_of(answer("Throttling", 400), DEREGISTER_TARGETS, access, "detach", "*")
        assert isinstance(error, Throttled)
        waits.add(error.retry_after)
    assert all(1 <= wait <= 5 for wait in waits)
    assert len(waits) > 1, "all would come back at the same moment"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (boto.EndpointConnectionError(endpoint_url="https://ssm"), Unreachable),
        (boto.ReadTimeoutError(endpoint_url="https://ssm"), Unreachable),
        (boto.ConnectTimeoutError(endpoint_url="https://ssm"), Unreachable),
        (boto.ConnectionClosedError(endpoint_url="https://ssm"), Unreachable),
        (boto.SSLError(endpoint_url="https://ssm", error="self-signed"), Unreachable),
        (boto.MetadataRetrievalError(error_msg="slow"), Unreachable),
        (boto.NoCredentialsError(), Denied),
        (boto.PartialCredentialsError(provider="x", cred_var="y"), Denied),
        (boto.ProfileNotFound(profile="p"), ConnectionMissing),
        (boto.ParamValidationError(report="wrong"), Rejected),
    ],
)
def test_no_answer(access: AwsAccess, fault: boto.BotoCoreError, kind: type[AirlockError]) -> None:
    error = error_without_answer(fault, access, "detach i-1")
    assert type(error) is kind


def test_foreign_text_is_one_short_line_without_credentials() -> None:
    shown = line("a\x1b[31m\nb http://user:pass@host/p?sig=abc " + "x" * 900)
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert "pass" not in shown
    assert "abc" not in shown
    assert len(shown) <= 400


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        (DEREGISTER_TARGETS, "elasticloadbalancing:DeregisterTargets"),
        (SEND_COMMAND, "ssm:SendCommand"),
    ],
)
def test_the_action_of_an_operation(operation: Operation, action: str) -> None:
    assert operation.action == action
