"""``python -m include.local.rivals article|ansible --endpoints FILE --build BUILD``: one line of JSON."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from include.local.rivals import ansible, article
from include.local.rivals.farm import DEPLOY_DOCUMENT, Farm


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line: a farm of the sandbox, or one anywhere by its ids."""
    parser = argparse.ArgumentParser(prog="python -m include.local.rivals", description=__doc__)
    parser.add_argument("rival", choices=("article", "ansible"))
    parser.add_argument("--build", required=True)
    parser.add_argument("--region", default="eu-west-1")
    parser.add_argument("--speed", type=float, default=1.0, help="divides the article's 60 s sleeps")
    parser.add_argument("--drained", choices=("unused", "draining"), default="unused", help="Ansible's wait")
    sandbox = parser.add_argument_group("a farm of the sandbox")
    sandbox.add_argument("--endpoints", type=Path, help="its endpoints.json")
    sandbox.add_argument("--service", default="checkout")
    sandbox.add_argument("--farm", default="production")
    anywhere = parser.add_argument_group("a farm anywhere; credentials as boto3 finds them")
    anywhere.add_argument("--endpoint-url")
    anywhere.add_argument("--instance", action="append", default=[])
    anywhere.add_argument("--target-group", action="append", default=[], help="an ARN")
    anywhere.add_argument("--classic", action="append", default=[], help="a classic load balancer's name")
    anywhere.add_argument("--document", default=DEPLOY_DOCUMENT)
    return parser.parse_args(argv)


def farm_of(asked: argparse.Namespace) -> Farm:
    """Return the farm that the command line names."""
    if asked.endpoints is not None:
        return Farm.of_file(asked.endpoints, asked.service, asked.region, asked.farm)
    return Farm(
        region=asked.region,
        instances=tuple(asked.instance),
        target_groups=tuple(asked.target_group),
        classic=tuple(asked.classic),
        document=asked.document,
        endpoint_url=asked.endpoint_url,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Release once and print what it came to; 0 when the rival calls it done."""
    asked = arguments(argv)
    farm, poll = farm_of(asked), max(0.1, 1.0 / asked.speed)
    if not farm.instances:
        print(
            "rivals: no machine: name a sandbox with --endpoints, or machines with --instance",
            file=sys.stderr,
        )
        return 2
    if asked.rival == "article":
        outcome = article.release(farm, asked.build, sleep_s=article.SLEEP_S / asked.speed, poll_s=poll)
    elif ansible.program() is None:
        print("rivals: no ansible-playbook on the PATH or in AIRLOCK_ANSIBLE", file=sys.stderr)
        return 2
    else:
        outcome = ansible.release(farm, asked.build, drained=asked.drained, poll_s=poll)
    print(outcome.line())
    return 0 if outcome.ok else 1


if __name__ == "__main__":
    sys.exit(main())
