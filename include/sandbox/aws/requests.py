"""One request to AWS: who asks for what, of which machines and groups."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_MACHINE = re.compile(r"^i-[0-9a-f]{8,17}$")
_NAMED = re.compile(r":(?:targetgroup|loadbalancer|listener|listener-rule)/(?:(?:app|net)/)?([^/]+)/")
_NAME_KEYS = ("LoadBalancerName", "AutoScalingGroupName", "TargetGroupName", "DocumentName")
READS = ("Describe", "Get", "List")


class NotSigned(ValueError):
    """The request carries no signature of version 4."""


@dataclass(frozen=True)
class AwsRequest:
    """A request as far as it must be understood here. ``params`` are a form's fields or a JSON object."""

    service: str
    region: str
    operation: str
    access_key: str
    version: str = ""
    json: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, headers: Mapping[str, str], query: str, body: bytes) -> AwsRequest:
        """Read a request. Raises `NotSigned`."""
        signed = _CREDENTIAL.search(headers.get("Authorization", ""))
        if signed is None:
            raise NotSigned
        access_key, _, region, service = signed.groups()
        target = headers.get("X-Amz-Target", "")
        if target:
            params = _object(body)
            return cls(service, region, target.rpartition(".")[2], access_key, json=True, params=params)
        fields = dict(parse_qsl(body.decode(errors="replace") or query, keep_blank_values=True))
        version, operation = fields.pop("Version", ""), fields.pop("Action", "")
        return cls(service, region, operation, access_key, version, params=fields)

    @property
    def action(self) -> str:
        """The IAM action, like ``elasticloadbalancing:RegisterTargets``."""
        return f"{self.service}:{self.operation}"

    @property
    def changes(self) -> bool:
        """Whether it may change something."""
        return not self.operation.startswith(READS)

    @property
    def machines(self) -> list[str]:
        """The EC2 instance ids that it names."""
        return list(dict.fromkeys(text for text in _texts(self.params) if _MACHINE.match(text)))

    @property
    def groups(self) -> list[str]:
        """The names of the groups, balancers and documents that it names, also inside ARNs."""
        named = [_NAMED.search(text) for text in _texts(self.params)]
        plain = [str(self.params[key]) for key in _NAME_KEYS if isinstance(self.params.get(key), str)]
        return list(dict.fromkeys([*(found[1] for found in named if found), *plain]))


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for held in value.values():
            yield from _texts(held)
    elif isinstance(value, list):
        for held in value:
            yield from _texts(held)
