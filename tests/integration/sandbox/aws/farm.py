"""One farm of the sandbox's AWS, as boto3 sees it: what the tests of this folder ask and do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests
from botocore.exceptions import ClientError

from tests.sandbox_client import Json, SandboxClient

OLD, NEW = "2026.11.1", "2026.11.2"
DEPLOY = "airlock-demo-deploy"
SPEED = 50
REGION = "eu-west-1"


class Farm:
    """The farm ``checkout/production``, unless told otherwise."""

    def __init__(self, sandbox: SandboxClient, service: str = "checkout", farm: str = "production") -> None:
        self.sandbox = sandbox
        region = sandbox.endpoints["services"][service]["regions"][REGION]
        self.told: Json = region["farms"][farm] if "farms" in region else region
        self.service = service
        self.machines: list[str] = list(self.told["instances"])
        self.elbv2 = sandbox.aws("elbv2")
        self.elb = sandbox.aws("elb")
        self.ssm = sandbox.aws("ssm")
        self.ec2 = sandbox.aws("ec2")

    @property
    def group(self) -> str:
        """The ARN of its (first) target group."""
        return str(next(iter(self.told["target_groups"].values())))

    @property
    def classic(self) -> str:
        """The name of its classic load balancer."""
        return str(self.told["classic_load_balancers"][0])

    def url(self, kind: str = "alb") -> str:
        """The public address of its load balancer of a kind: alb, nlb, classic."""
        return next(str(url) for name, url in self.told["public"].items() if name.endswith(kind))

    def page(self, machine: str, path: str = "/status", **more: Any) -> requests.Response:
        """GET a page of a machine itself."""
        held = self.told["instances"][machine]
        return requests.get(f"http://{held['address']}:{held['port']}{path}", timeout=10, **more)

    def health(self, machine: str, port: int | None = None) -> Json:
        """Return a target's health."""
        target: Json = {"Id": machine} if port is None else {"Id": machine, "Port": port}
        answer = self.elbv2.describe_target_health(TargetGroupArn=self.group, Targets=[target])
        found: Json = answer["TargetHealthDescriptions"][0]["TargetHealth"]
        return found

    def healths(self) -> dict[str, str]:
        """Return the state of every registered target."""
        told = self.elbv2.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in told}

    def register(self, machine: str, **more: Any) -> None:
        """Register a target."""
        self.elbv2.register_targets(TargetGroupArn=self.group, Targets=[{"Id": machine, **more}])

    def deregister(self, machine: str, **more: Any) -> None:
        """Deregister a target."""
        self.elbv2.deregister_targets(TargetGroupArn=self.group, Targets=[{"Id": machine, **more}])

    def instance(self, machine: str) -> Json:
        """Return an instance's state behind the classic load balancer."""
        answer = self.elb.describe_instance_health(
            LoadBalancerName=self.classic, Instances=[{"InstanceId": machine}]
        )
        found: Json = answer["InstanceStates"][0]
        return found

    def attach(self, machine: str) -> None:
        """Register an instance with the classic load balancer."""
        self.elb.register_instances_with_load_balancer(
            LoadBalancerName=self.classic, Instances=[{"InstanceId": machine}]
        )

    def detach(self, machine: str) -> None:
        """Deregister an instance from the classic load balancer."""
        self.elb.deregister_instances_from_load_balancer(
            LoadBalancerName=self.classic, Instances=[{"InstanceId": machine}]
        )

    def send(self, machine: str, build: str = NEW, **more: Any) -> str:
        """Send the deploy command to a machine; return the command's id."""
        given: Json = {
            "InstanceIds": [machine],
            "DocumentName": DEPLOY,
            "Parameters": {"Build": [build], "Service": [self.service]},
        }
        return str(self.ssm.send_command(**{**given, **more})["Command"]["CommandId"])

    def invocation(self, command: str, machine: str) -> Json | None:
        """Return a command's invocation on a machine; None while it does not exist."""
        try:
            found: Json = self.ssm.get_command_invocation(CommandId=command, InstanceId=machine)
        except self.ssm.exceptions.InvocationDoesNotExist:
            return None
        return found

    def ended(self, command: str, machine: str) -> Json:
        """Wait until a command has ended on a machine."""

        def look() -> Json | None:
            found = self.invocation(command, machine)
            over = found and found["Status"] in ("Success", "Failed", "TimedOut", "Cancelled")
            return found if over else None

        found: Json = self.until(look)
        return found

    def until(self, holds: Callable[[], Any], limit: float = 10.0) -> Any:
        """Return the first true answer of ``holds``."""
        return self.sandbox.wait_until(holds, limit=limit, every=0.02)


def error_of(call: Callable[[], Any]) -> tuple[str, str]:
    """Return the code and text of the error that a call must raise."""
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    raise AssertionError("no error")


def timed(call: Callable[[], Any]) -> float:
    """Return how many seconds of the cloud (at speed 1) a call takes."""
    started = time.monotonic()
    call()
    return (time.monotonic() - started) * SPEED
