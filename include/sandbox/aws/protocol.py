"""AWS's wire protocols: moto parses and renders, and calls the parts of this world that behave.

moto's modules are imported when the first request comes through here, or by `warm_up`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aiohttp import web

from include.sandbox.aws.requests import AwsRequest
from include.sandbox.aws.world import AwsWorld

_CLASSIC = "2012-06-01"
Answer = tuple[int, Mapping[str, str], bytes]


class NotOffered(Exception):
    """The service or operation is not offered here."""


@cache
def _doors() -> dict[str, Callable[[AwsWorld], Any]]:
    from moto.ec2.responses import EC2Response

    from include.sandbox.aws.autoscaling_calls import AutoScalingCalls
    from include.sandbox.aws.elb_calls import ElbCalls
    from include.sandbox.aws.elbv2_calls import Elbv2Calls
    from include.sandbox.aws.ssm_calls import SsmCalls
    from include.sandbox.aws.sts_calls import StsCalls

    return {
        "autoscaling": AutoScalingCalls,
        "ec2": lambda _world: EC2Response(),
        "elb": ElbCalls,
        "elbv2": Elbv2Calls,
        "ssm": SsmCalls,
        "sts": StsCalls,
    }


def warm_up() -> None:
    """Import moto and read the service models, which takes about two seconds; in a thread of its own."""
    from moto.core.utils import get_service_model

    for service in _doors():
        get_service_model(service)


def dispatch(world: AwsWorld, asked: AwsRequest, request: web.Request, body: bytes) -> Answer:
    """Carry a request out. Raises `NotOffered`."""
    from moto.core.request import Request

    name = asked.service
    if name == "elasticloadbalancing":
        name = "elb" if asked.version == _CLASSIC else "elbv2"
    make = _doors().get(name)
    if make is None:
        raise NotOffered
    headers = {key: value for key, value in request.headers.items() if key.lower() != "user-agent"}
    headers["x-moto-account-id"] = world.books.account
    try:
        status, told, text = make(world)._dispatch(
            Request.from_primitives(request.method, str(request.url), headers, body)
        )
    except NotImplementedError:  # moto says so of operations that it does not have
        raise NotOffered from None
    kept = {
        key: str(value)
        for key, value in told.items()
        if key.lower() not in ("status", "content-length", "date")
    }
    return status, kept, text if isinstance(text, bytes) else str(text).encode()


def is_temporary_key(key: str) -> bool:
    """Tell whether a key was given by STS here, for an assumed role."""
    from moto.sts.models import sts_backends

    return any(
        role.access_key_id == key
        for account in sts_backends.values()
        for backend in account.values()
        for role in backend.assumed_roles
    )


def right_signature(request: web.Request, body: bytes, key: str, secret: str, asked: AwsRequest) -> bool:
    """Tell whether a request's signature (version 4) was made with the secret."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    given = request.headers.get("Authorization", "")
    signed = _field(given, "SignedHeaders").split(";")
    headers = {name: request.headers.get(name, "") for name in signed}
    copy = AWSRequest(request.method, str(request.url), headers=headers, data=body)
    copy.context["timestamp"] = request.headers.get("X-Amz-Date", "")
    auth = SigV4Auth(Credentials(key, secret), asked.service, asked.region)
    canonical = auth.canonical_request(copy)
    return bool(auth.signature(auth.string_to_sign(copy, canonical), copy) == _field(given, "Signature"))


def _field(authorization: str, name: str) -> str:
    return authorization.partition(f"{name}=")[2].partition(",")[0].strip()
