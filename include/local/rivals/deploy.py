"""Deploys a build to one machine by SSM Run Command and waits for the command's end.

``python -m include.local.rivals.deploy`` is what the playbook calls: Ansible has no module for Run Command.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from include.local.rivals.farm import DEPLOY_DOCUMENT, Farm

_UNDER_WAY = frozenset({"Pending", "InProgress", "Delayed", "Cancelling"})


class DeployFailed(RuntimeError):
    """The command did not succeed; the text says what the machine told."""


def deploy(farm: Farm, instance: str, build: str, *, poll_s: float, timeout_s: float = 600.0) -> None:
    """Run the farm's document with the build as its parameter, and wait. Raises `DeployFailed`."""
    ssm = farm.client("ssm")
    sent = ssm.send_command(
        InstanceIds=[instance],
        DocumentName=farm.document,
        Parameters={**farm.parameters, "Build": [build]},
    )
    status = _ended(ssm, sent["Command"]["CommandId"], instance, poll_s, timeout_s)
    if status["Status"] != "Success":
        raise DeployFailed(f"{instance}: {status['Status']}: {status.get('StandardErrorContent', '')[:300]}")


def _ended(ssm: Any, command: str, instance: str, poll_s: float, timeout_s: float) -> Mapping[str, Any]:
    """Return the invocation once it has ended; just after sending there is none yet."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            found: Mapping[str, Any] = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
            if found["Status"] not in _UNDER_WAY:
                return found
        except ssm.exceptions.InvocationDoesNotExist:
            pass
        time.sleep(poll_s)  # between two looks at the command
    raise DeployFailed(f"{instance}: the command has not ended after {timeout_s:g} s")


def main(argv: Sequence[str] | None = None) -> int:
    """Deploy once; credentials come from the environment, as boto3 reads them."""
    parser = argparse.ArgumentParser(prog="python -m include.local.rivals.deploy", description=__doc__)
    parser.add_argument("--region", required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--document", default=DEPLOY_DOCUMENT)
    parser.add_argument("--parameters", type=json.loads, default={}, help="JSON: name -> list of values")
    parser.add_argument("--poll", type=float, default=1.0, help="seconds between looks")
    asked = parser.parse_args(argv)
    farm = Farm(
        asked.region,
        (asked.instance,),
        document=asked.document,
        parameters=asked.parameters,
        endpoint_url=os.environ.get("AWS_ENDPOINT_URL"),
    )
    try:
        deploy(farm, asked.instance, asked.build, poll_s=asked.poll)
    except DeployFailed as failed:
        print(f"deploy: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
