"""How things of AWS may be named: what is taken, what is refused, and what a name says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from include.airlock.model import aws_names

ELB = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
GROUP = f"{ELB}:targetgroup/checkout-production/50dc6c495c0c9188"
LISTENER = f"{ELB}:listener/app/search-alb/50dc6c495c0c9188/0467ef3c8400ae65"
RULE = f"{ELB}:listener-rule/app/search-alb/50dc6c495c0c9188/0467ef3c8400ae65/9683b2d02a6cabee"

GOOD = {
    "TargetGroup": [
        "a",
        "checkout-production",
        "A1-" * 10 + "ab",
        GROUP,
        GROUP.replace("arn:aws:", "arn:aws-cn:").replace("eu-west-1", "cn-north-1"),
        GROUP.replace("arn:aws:", "arn:aws-us-gov:").replace("eu-west-1", "us-gov-west-1"),
    ],
    "ClassicLoadBalancer": ["a", "checkout-production-classic", "x" * 32],
    "Listener": ["search-alb:80", "a:65535", LISTENER, LISTENER.replace("/app/", "/net/")],
    "ListenerRule": [RULE],
    "InstanceId": ["i-0123abcd", "i-0123456789abcdef0"],
    "ScalingGroupName": ["checkout", "grün & Söhne / 7", "x" * 255],
    "AwsRegion": ["eu-west-1", "us-gov-east-1", "ap-southeast-2", "cn-northwest-1", "eusc-de-east-1"],
    "Document": [
        "abc",
        "airlock-demo-deploy",
        "AWS-RunShellScript",
        "x" * 128,
        "arn:aws:ssm:eu-west-1:123456789012:document/acme.deploy_2",
        "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript",
    ],
    "DocumentVersion": ["$LATEST", "$DEFAULT", "1", "27"],
}
BAD = {
    "TargetGroup": [
        "",
        "-a",
        "a-",
        "a_b",
        "a.b",
        "a b",
        "a\n",
        "x" * 33,
        "ä",
        "*",
        LISTENER,
        RULE,
        GROUP.replace("targetgroup/", "targetgroup/../"),
        GROUP.replace("12345", "x2345"),
        GROUP.replace("arn:aws:", "arn:aws-moon:"),
        GROUP + "/x",
        GROUP.rpartition("/")[0],
        GROUP + "\n",
    ],
    "ClassicLoadBalancer": ["", "-a", "a-", "a_b", "x" * 33, GROUP],
    "Listener": [
        "",
        "search-alb",
        "search-alb:",
        "search-alb:0",
        "search-alb:65536",
        "search-alb:080",
        "search alb:80",
        "internal-search:80",
        "https://search-alb:80",
        RULE,
        GROUP,
    ],
    "ListenerRule": ["", "search", LISTENER, GROUP, RULE + "/x"],
    "InstanceId": [
        "",
        "i-",
        "i-0123ABCD",
        "i-0123abc",
        "i-0123456789abcdef",
        "mi-0123456789abcdef0",
        "0123abcd",
    ],
    "ScalingGroupName": ["", " ", "a\nb", "a\x00b", "a\u202eb", "x" * 256],
    "AwsRegion": ["", "eu", "EU-WEST-1", "eu-west", "eu-west-1a", "eu_west_1", "eu-west-1\n", "westeurope"],
    "Document": ["", "ab", "a/b", "a b", "x" * 129, "arn:aws:s3:::bucket/key", "{build}-deploy", "a;b"],
    "DocumentVersion": ["", "0", "01", "-1", "1.2", "LATEST", "$latest", "12345678901"],
}


def kind(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(getattr(aws_names, name))


@pytest.mark.parametrize(("name", "value"), [(name, each) for name, good in GOOD.items() for each in good])
def test_a_name_is_taken_as_it_is(name: str, value: str) -> None:
    assert kind(name).validate_python(value) == value


@pytest.mark.parametrize(("name", "value"), [(name, each) for name, bad in BAD.items() for each in bad])
def test_anything_else_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        kind(name).validate_python(value)


@pytest.mark.parametrize("name", GOOD)
def test_editors_take_the_same(name: str) -> None:
    """Given the pattern that editors get, then it takes and refuses the same, but for lengths and blanks."""
    schema = kind(name).json_schema()
    if "pattern" not in schema:
        return
    for value in GOOD[name]:
        assert re.search(schema["pattern"], value), value
    for value in BAD[name]:
        if len(value) <= schema["maxLength"] and "\n" not in value:
            assert not re.search(schema["pattern"], value), value


_PIECES = st.sampled_from(
    [
        "a",
        "-",
        "/",
        ":",
        ".",
        "..",
        " ",
        "\n",
        "{",
        "$(",
        "`",
        "'",
        "arn:aws:",
        "80",
        "i-",
        "%2f",
        "é",
        ELB,
        GROUP,
    ]
)


@given(st.lists(_PIECES, max_size=6).map("".join))
def test_no_name_can_break_out_of_where_it_is_put(text: str) -> None:
    """Given anything, then what is taken has nothing that a shell, a URL or an XML reads as its own."""
    for name in ("TargetGroup", "ClassicLoadBalancer", "Listener", "ListenerRule", "InstanceId", "Document"):
        try:
            taken = kind(name).validate_python(text)
        except ValidationError:
            continue
        assert re.fullmatch(r"[A-Za-z0-9_.:/-]+", taken)


def test_what_a_name_says() -> None:
    assert aws_names.group_name(GROUP) == "checkout-production" == aws_names.group_name("checkout-production")
    assert (aws_names.region_of(LISTENER), aws_names.region_of("search-alb:80")) == ("eu-west-1", None)
