"""How things of AWS are named in a spec: by name where names are unique, or by ARN.

An ARN is ``arn:<partition>:<service>:<region>:<account>:<resource>`` ("Identify AWS resources with
Amazon Resource Names", AWS Identity and Access Management User Guide). The resources' own parts are
those of "Actions, resources, and condition keys", Service Authorization Reference. Patterns of the
Systems Manager are those of its service model, as botocore ships it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated

from include.airlock.model.fields import Text, Word
from include.airlock.model.wording import fault

_ACCOUNT = r"[0-9]{12}"
_REGION = r"[a-z]{2,6}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}"
_ELB_ARN = rf"arn:aws(?:-cn|-us-gov)?:elasticloadbalancing:{_REGION}:{_ACCOUNT}"
_ID = r"[0-9A-Za-z]{1,64}"
# Target groups and load balancers of both generations: "up to 32 alphanumeric characters and hyphens,
# but must not begin or end with a hyphen" (CreateTargetGroup, CreateLoadBalancer, API references of
# Elastic Load Balancing, versions 2015-12-01 and 2012-06-01).
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
_PORT = r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
# Listeners of Application and of Network Load Balancers; both forward to target groups.
_BALANCER = rf"(?:app|net)/{_NAME}/{_ID}"

TargetGroup = Annotated[
    str,
    Word(
        rf"{_NAME}|{_ELB_ARN}:targetgroup/{_NAME}/{_ID}",
        "a target group is its name, of up to 32 letters, digits and inner '-', or its ARN",
        longest=256,
        example="checkout-production",
    ),
]
ClassicLoadBalancer = Annotated[
    str,
    Word(
        _NAME,
        "a classic load balancer's name has up to 32 letters, digits and inner '-'",
        longest=32,
        example="checkout-production-classic",
    ),
]
Listener = Annotated[
    str,
    Word(
        # A load balancer's name "must not begin with internal-" (CreateLoadBalancer, 2015-12-01).
        rf"(?!internal-){_NAME}:{_PORT}|{_ELB_ARN}:listener/{_BALANCER}/{_ID}",
        "a listener is '<load balancer name>:<port>' or its ARN",
        longest=256,
        example="search-alb:80",
    ),
]
ListenerRule = Annotated[
    str,
    Word(
        rf"{_ELB_ARN}:listener-rule/{_BALANCER}/{_ID}/{_ID}",
        "a rule is its ARN, arn:aws:elasticloadbalancing:…:listener-rule/…; rules have no names",
        longest=256,
    ),
]
InstanceId = Annotated[
    str,
    Word(
        # "EC2 resource IDs" (Amazon EC2 User Guide): 8 hexadecimal digits, since 2016 17 of them.
        r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})",
        "an instance id is 'i-' and 8 or 17 hexadecimal digits",
        longest=19,
        example="i-0123456789abcdef0",
    ),
]
# XmlStringMaxLen255 of the Auto Scaling API, which leaves it at "no control characters".
ScalingGroupName = Annotated[str, Text(255)]
AwsRegion = Annotated[
    str,
    Word(
        # "AWS Regions" (AWS General Reference): eu-west-1, us-gov-east-1, eusc-de-east-1.
        _REGION,
        "a region's code is like eu-west-1",
        longest=32,
        example="eu-west-1",
    ),
]
Document = Annotated[
    str,
    Word(
        # DocumentName and DocumentARN of the Systems Manager API; the longest of both is 128.
        rf"[A-Za-z0-9_.-]{{3,128}}|arn:aws(?:-cn|-us-gov)?:ssm:{_REGION}:(?:{_ACCOUNT})?:document/"
        r"[A-Za-z0-9_.-]{3,128}",
        "a document is its name, of 3 to 128 letters, digits, '_', '.' and '-', or its ARN",
        longest=200,
        example="airlock-demo-deploy",
    ),
]
DocumentVersion = Annotated[
    str,
    # DocumentVersion of the Systems Manager API.
    Word(r"\$LATEST|\$DEFAULT|[1-9][0-9]*", "a version is '$LATEST', '$DEFAULT' or a number", longest=10),
]


def group_name(group: str) -> str:
    """Give a target group's name, from its name or its ARN."""
    return group.split("/")[1] if group.startswith("arn:") else group


def region_of(arn: str) -> str | None:
    """Give the AWS region that an ARN names; None for a plain name."""
    return arn.split(":")[3] if arn.startswith("arn:") else None


def refuse_elsewhere(aws_region: str | None, names: Iterable[str], *at: str | int) -> None:
    """Refuse an ARN of another AWS region than the one that is said; ``at`` is where the list stands."""
    for index, name in enumerate(names):
        there = region_of(name)
        if aws_region is not None and there not in (None, aws_region):
            raise fault(f"is in {there}, and aws_region is {aws_region}", *at, index)


def each_once(same: Callable[[str], str] = str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Make a check of a list that names nothing twice; ``same`` gives what two names must not share."""

    def check(names: tuple[str, ...]) -> tuple[str, ...]:
        seen: set[str] = set()
        for index, name in enumerate(names):
            if same(name) in seen:
                raise fault(f"'{same(name)}' stands here twice", index)
            seen.add(same(name))
        return names

    return check
