"""The farm that a rival releases, and the clients that reach its cloud."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEPLOY_DOCUMENT = "airlock-demo-deploy"


@dataclass(frozen=True)
class Farm:
    """Machines behind load balancers in one region.

    ``target_groups`` are ARNs, ``classic`` names. Without ``endpoint_url`` it is AWS itself; without
    a key boto3 looks for credentials where it always does.
    """

    region: str
    instances: tuple[str, ...]
    target_groups: tuple[str, ...] = ()
    classic: tuple[str, ...] = ()
    document: str = DEPLOY_DOCUMENT
    parameters: Mapping[str, list[str]] = field(default_factory=dict)
    endpoint_url: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)

    @classmethod
    def of_endpoints(cls, endpoints: Mapping[str, Any], service: str, region: str, farm: str) -> Farm:
        """Return a farm of the sandbox's ``endpoints.json``; raises KeyError where there is none."""
        found = endpoints["services"][service]["regions"][region]["farms"][farm]
        cloud = endpoints["aws"]
        return cls(
            region=region,
            instances=tuple(found["instances"]),
            target_groups=tuple(found.get("target_groups", {}).values()),
            classic=tuple(found.get("classic_load_balancers", ())),
            parameters={"Service": [service]},
            endpoint_url=cloud["endpoint"],
            access_key_id=cloud["access_key_id"],
            secret_access_key=cloud["secret_access_key"],
        )

    @classmethod
    def of_file(cls, file: Path, service: str, region: str, farm: str) -> Farm:
        """Return a farm of an ``endpoints.json``."""
        return cls.of_endpoints(json.loads(file.read_text(encoding="utf-8")), service, region, farm)

    def client(self, service: str) -> Any:
        """Return a boto3 client, e.g. of ``elbv2``; a request that changes something is sent once."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1}),
        )
