"""Every operation of AWS that a release may ask for, with the IAM action that allows it.

The one table behind the calls, the errors that name a missing right, and the policy in
``docs/aws-iam.md``. An IAM action is the service's prefix and the operation's name:
https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_PREFIXES = {
    "autoscaling": "autoscaling",
    "ec2": "ec2",
    "elb": "elasticloadbalancing",
    "elbv2": "elasticloadbalancing",
    "ssm": "ssm",
    "sts": "sts",
}


class Need(StrEnum):
    """What a right is needed for; the statements of the policy are named after it."""

    LOOK = "Look"
    DEPLOY = "Deploy"
    COMMANDS = "Commands"
    ROLLING = "Rolling"
    SCALING_LOOK = "ScalingLook"
    SCALING = "Scaling"
    BLUE_GREEN = "BlueGreen"
    ROLE = "Role"


@dataclass(frozen=True)
class Operation:
    """One operation: boto3's service, the operation as AWS names it, why a release needs it.

    ``once`` marks what must not be sent again by itself: a second send would act twice, or be
    refused because the first one worked. All others may be repeated: they read, or they ask
    for a state (registered, deregistered, these weights) and not for a change.
    """

    service: str
    name: str
    need: Need
    once: bool = False

    @property
    def action(self) -> str:
        """The IAM action, like ``elasticloadbalancing:DeregisterTargets``."""
        return f"{_PREFIXES[self.service]}:{self.name}"


DESCRIBE_INSTANCES = Operation("ec2", "DescribeInstances", Need.LOOK)

DESCRIBE_TARGET_GROUPS = Operation("elbv2", "DescribeTargetGroups", Need.LOOK)
DESCRIBE_TARGET_GROUP_ATTRIBUTES = Operation("elbv2", "DescribeTargetGroupAttributes", Need.LOOK)
DESCRIBE_TARGET_HEALTH = Operation("elbv2", "DescribeTargetHealth", Need.LOOK)
DESCRIBE_LOAD_BALANCERS = Operation("elbv2", "DescribeLoadBalancers", Need.LOOK)
DESCRIBE_LOAD_BALANCER_ATTRIBUTES = Operation("elbv2", "DescribeLoadBalancerAttributes", Need.LOOK)
DESCRIBE_LISTENERS = Operation("elbv2", "DescribeListeners", Need.LOOK)
DESCRIBE_RULES = Operation("elbv2", "DescribeRules", Need.LOOK)
DESCRIBE_CLASSIC = Operation("elb", "DescribeLoadBalancers", Need.LOOK)
DESCRIBE_CLASSIC_ATTRIBUTES = Operation("elb", "DescribeLoadBalancerAttributes", Need.LOOK)
DESCRIBE_INSTANCE_HEALTH = Operation("elb", "DescribeInstanceHealth", Need.LOOK)

REGISTER_TARGETS = Operation("elbv2", "RegisterTargets", Need.ROLLING)
DEREGISTER_TARGETS = Operation("elbv2", "DeregisterTargets", Need.ROLLING)
REGISTER_INSTANCES = Operation("elb", "RegisterInstancesWithLoadBalancer", Need.ROLLING)
DEREGISTER_INSTANCES = Operation("elb", "DeregisterInstancesFromLoadBalancer", Need.ROLLING)

MODIFY_LISTENER = Operation("elbv2", "ModifyListener", Need.BLUE_GREEN)
MODIFY_RULE = Operation("elbv2", "ModifyRule", Need.BLUE_GREEN)

SEND_COMMAND = Operation("ssm", "SendCommand", Need.DEPLOY, once=True)
GET_DOCUMENT = Operation("ssm", "GetDocument", Need.DEPLOY)
DESCRIBE_INSTANCE_INFORMATION = Operation("ssm", "DescribeInstanceInformation", Need.COMMANDS)
GET_COMMAND_INVOCATION = Operation("ssm", "GetCommandInvocation", Need.COMMANDS)
LIST_COMMANDS = Operation("ssm", "ListCommands", Need.COMMANDS)
CANCEL_COMMAND = Operation("ssm", "CancelCommand", Need.COMMANDS)

DESCRIBE_SCALING_INSTANCES = Operation("autoscaling", "DescribeAutoScalingInstances", Need.SCALING_LOOK)
DESCRIBE_SCALING_GROUPS = Operation("autoscaling", "DescribeAutoScalingGroups", Need.SCALING_LOOK)
ENTER_STANDBY = Operation("autoscaling", "EnterStandby", Need.SCALING, once=True)
EXIT_STANDBY = Operation("autoscaling", "ExitStandby", Need.SCALING, once=True)
SUSPEND_PROCESSES = Operation("autoscaling", "SuspendProcesses", Need.SCALING)
RESUME_PROCESSES = Operation("autoscaling", "ResumeProcesses", Need.SCALING)

ASSUME_ROLE = Operation("sts", "AssumeRole", Need.ROLE)

OPERATIONS = tuple(value for value in list(globals().values()) if isinstance(value, Operation))
"""All of them, in the order of the table."""
