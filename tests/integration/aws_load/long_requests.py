"""Long requests, sent at one moment through every balancer of a farm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from tests.integration.aws_load.running_load import FARM, REGION, SERVICE
from tests.sandbox_client import SandboxClient

PER_BALANCER = 4
"""Round robin puts two of them on each of two machines."""


@dataclass
class LongRequests:
    """Requests in flight; after the block, how many were answered whole and how many were cut."""

    sent: list[Future[bool]] = field(default_factory=list)

    @property
    def cut(self) -> int:
        """Requests that ended without the whole answer."""
        return sum(not one.result() for one in self.sent)


@contextmanager
def long_requests(sandbox: SandboxClient, seconds: float) -> Iterator[LongRequests]:
    """Have long requests in flight from the start of the block; its end waits for them."""
    farm = sandbox.region(SERVICE, REGION)["farms"][FARM]
    addresses = list(farm["public"].values())
    number, found = PER_BALANCER * len(addresses), LongRequests()
    with ThreadPoolExecutor(number) as pool:
        for address in addresses * PER_BALANCER:
            found.sent.append(pool.submit(_whole, address, seconds))
        sandbox.wait_until(lambda: sum(_in_flight(sandbox, one) for one in farm["instances"]) >= number)
        yield found


def _in_flight(sandbox: SandboxClient, instance: str) -> int:
    return int(sandbox.aws_state("machines")[instance]["in_flight"])


def _whole(address: str, seconds: float) -> bool:
    """Tell whether the answer came, and came to its end."""
    try:
        answer = requests.get(f"{address}/slow", params={"seconds": str(seconds)}, timeout=60)
        return answer.status_code == requests.codes.ok and json.loads(answer.content)["service"] == SERVICE
    except (requests.RequestException, ValueError):
        return False
