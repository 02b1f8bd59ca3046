"""Errors that come before any service looks at a request, in each protocol's form and words.

Sources: the "Common Errors" pages of the EC2, Elastic Load Balancing, Auto Scaling, STS and Systems
Manager API references.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape

from aiohttp import web

from include.sandbox.aws.requests import AwsRequest


@dataclass(frozen=True)
class Refusal:
    """An error: its code, text and status."""

    code: str
    text: str
    status: int = 400


def bad_key(asked: AwsRequest) -> Refusal:
    """The access key is not one of this account."""
    text = "The security token included in the request is invalid."
    if asked.service == "ec2":
        text = "AWS was not able to validate the provided access credentials"
        return Refusal("AuthFailure", text, 401)
    if asked.json:
        return Refusal("UnrecognizedClientException", text, 400)
    return Refusal("InvalidClientTokenId", text, 403)


def bad_signature(asked: AwsRequest) -> Refusal:
    """The signature was made with another secret."""
    text = (
        "The request signature we calculated does not match the signature you provided. Check your AWS "
        "Secret Access Key and signing method. Consult the service documentation for details."
    )
    if asked.service == "ec2":
        return Refusal("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    return Refusal("InvalidSignatureException" if asked.json else "SignatureDoesNotMatch", text, 403)


def denied(asked: AwsRequest, account: str) -> Refusal:
    """No policy allows the action."""
    user = f"arn:aws:iam::{account}:user/sandbox"
    because = f"because no identity-based policy allows the {asked.action} action"
    if asked.service == "ec2":
        text = (
            f"You are not authorized to perform this operation. User: {user} is not authorized to perform: "
        )
        return Refusal("UnauthorizedOperation", f"{text}{asked.action} {because}", 403)
    text = f"User: {user} is not authorized to perform: {asked.action} {because}"
    return Refusal("AccessDeniedException", text, 400) if asked.json else Refusal("AccessDenied", text, 403)


def throttled(asked: AwsRequest) -> Refusal:
    """Too many calls."""
    if asked.service == "ec2":
        return Refusal("RequestLimitExceeded", "Request limit exceeded.", 503)
    return Refusal("ThrottlingException" if asked.json else "Throttling", "Rate exceeded")


def failure(asked: AwsRequest, status: int = 500) -> Refusal:
    """The service failed by itself."""
    if status == 503:
        return Refusal("ServiceUnavailable", "The request has failed due to a temporary failure.", status)
    code = (
        "InternalServerError"
        if asked.json
        else "InternalError"
        if asked.service == "ec2"
        else "InternalFailure"
    )
    return Refusal(code, "The request processing has failed because of an unknown error.", status)


def unknown(asked: AwsRequest) -> Refusal:
    """No such operation here."""
    text = f"The action {asked.action} is not valid for this sandbox."
    return Refusal("UnknownOperationException" if asked.json else "InvalidAction", text)


def answer(asked: AwsRequest, refusal: Refusal) -> web.Response:
    """Return an error in the protocol of its request."""
    id_ = str(uuid.uuid4())
    headers = {"x-amzn-RequestId": id_}
    if asked.json:
        body = json.dumps({"__type": refusal.code, "message": refusal.text})
        headers["x-amzn-ErrorType"] = refusal.code
        return web.Response(
            status=refusal.status, text=body, content_type="application/x-amz-json-1.1", headers=headers
        )
    code, text = escape(refusal.code), escape(refusal.text)
    if asked.service == "ec2":
        error = f"<Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
        body = f"<Response>{error}<RequestID>{id_}</RequestID></Response>"
    else:
        side = "Receiver" if refusal.status >= 500 else "Sender"
        error = f"<Error><Type>{side}</Type><Code>{code}</Code><Message>{text}</Message></Error>"
        body = f"<ErrorResponse>{error}<RequestId>{id_}</RequestId></ErrorResponse>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'
    return web.Response(status=refusal.status, text=body, content_type="text/xml", headers=headers)
