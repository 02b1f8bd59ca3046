"""The spec of ``blue_green``: one switch, two groups, steps that rise to the whole."""

# ruff: noqa: E501 (the tables are read by their rows)

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.errors import SpecError
from include.airlock.model.loading import parse_service
from include.airlock.model.service import BlueGreenService
from tests.unit.model.faults import faults
from tests.unit.model.specs import BLUE_GREEN, changed, service

ELB = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
RULE = f"{ELB}:listener-rule/app/payments-alb/50dc6c495c0c9188/0467ef3c8400ae65/9683b2d02a6cabee"
GREEN = f"{ELB}:targetgroup/payments-green/50dc6c495c0c9188"
LISTENER = "    listener: payments-alb:443\n"
GROUPS = "    target_groups: [payments-blue, payments-green]\n"
REGION = f"  - name: eu-west-1\n    connection: aws_eu_west_1\n{LISTENER}{GROUPS}"
SECOND = REGION.replace("name: eu", "name: again")


def blue_green(text: str = BLUE_GREEN) -> BlueGreenService:
    made = service(text)
    assert isinstance(made, BlueGreenService)
    return made


def test_what_is_left_out_is_filled_in() -> None:
    smallest = blue_green()
    assert (smallest.steps, smallest.step_bake) == ((100,), timedelta(seconds=30))
    assert (smallest.soak, smallest.poll, smallest.healthy_timeout) == (
        3,
        timedelta(seconds=5),
        timedelta(minutes=10),
    )
    assert smallest.places == ("eu-west-1",)


def test_a_region_is_found_by_its_name_and_says_what_is_switched() -> None:
    assert blue_green().region("eu-west-1").switch == "payments-alb:443"
    by_rule = blue_green(changed(LISTENER, f"    rule: {RULE}\n", BLUE_GREEN))
    assert (by_rule.regions[0].switch, by_rule.regions[0].listener) == (RULE, None)
    with pytest.raises(KeyError):
        blue_green().region("mars")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (LISTENER, "", "5: regions[0]: needs exactly one of 'listener' and 'rule'"),
        (LISTENER, LISTENER + f"    rule: {RULE}\n", "5: regions[0]: needs exactly one of 'listener' and 'rule'"),
        (LISTENER, "    listener: payments-alb\n", "7: regions[0].listener: 'payments-alb' is not valid: a listener is '<load balancer name>:<port>' or its ARN"),
        (LISTENER, "    rule: checkout\n", "7: regions[0].rule: 'checkout' is not valid: a rule is its ARN, arn:aws:elasticloadbalancing:…:listener-rule/…; rules have no names"),
        (LISTENER, "    listner: payments-alb:443\n", "7: regions[0]: unknown key 'listner'; did you mean 'listener'?"),
        (GROUPS, "", "5: regions[0].target_groups: is missing"),
        (GROUPS, "    target_groups: [a]\n", "8: regions[0].target_groups: has fewer than 2 items"),
        (GROUPS, "    target_groups: [a, b, c]\n", "8: regions[0].target_groups: has more than 2 items"),
        (GROUPS, "    target_groups: [a, _]\n", "8: regions[0].target_groups[1]: '_' is not valid: a target group is its name, of up to 32 letters, digits and inner '-', or its ARN"),
        (GROUPS, "    target_groups: [a, a]\n", "8: regions[0].target_groups[1]: 'a' stands here twice"),
        (GROUPS, f"    target_groups: [payments-green, '{GREEN}']\n", "8: regions[0].target_groups[1]: 'payments-green' stands here twice"),
        (GROUPS, GROUPS + "    aws_region: us-east-1\n", None),
        (GROUPS, f"    aws_region: us-east-1\n    target_groups: [payments-blue, '{GREEN}']\n", "9: regions[0].target_groups[1]: is in eu-west-1, and aws_region is us-east-1"),
        (LISTENER, f"    aws_region: us-east-1\n    rule: {RULE}\n", "8: regions[0].rule: is in eu-west-1, and aws_region is us-east-1"),
        (REGION, REGION + REGION, "9: regions[1].name: there are two regions named 'eu-west-1'"),
        (REGION, REGION + SECOND, "11: regions[1].listener: is switched in region 'eu-west-1' as well"),
        (REGION, REGION + SECOND.replace(":443", ":80"), "12: regions[1].target_groups[0]: is in region 'eu-west-1' as well"),
        (REGION, REGION + SECOND.replace("aws_eu", "other"), None),
        ("owner: team-payments", "owner: x\nsteps: []", "3: steps: is empty"),
        ("owner: team-payments", "owner: x\nsteps: [10, 50]", "3: steps[1]: ends with 50; the last step must be 100"),
        ("owner: team-payments", "owner: x\nsteps: [50, 10, 100]", "3: steps[1]: 10 comes after 50; the steps must rise"),
        ("owner: team-payments", "owner: x\nsteps: [10, 10, 100]", "3: steps[1]: 10 comes after 10; the steps must rise"),
        ("owner: team-payments", "owner: x\nsteps: [0, 100]", "3: steps[0]: 0 must be at least 1"),
        ("owner: team-payments", "owner: x\nsteps: [10, 101]", "3: steps[1]: 101 must be at most 100"),
        ("owner: team-payments", "owner: x\nsteps: [10.5, 100]", "3: steps[0]: 10.5 is not a whole number"),
        ("owner: team-payments", "owner: x\nsteps: 100", "3: steps: 100 is not a list"),
        ("owner: team-payments", "owner: x\nmin_healthy: 1", "3: 'min_healthy' is only for the strategy 'rolling'"),
        ("owner: team-payments", "owner: x\non_failure: roll_back_machine", "3: on_failure: 'roll_back_machine' is for the strategy 'rolling' alone; valid: 'halt', 'roll_back_region', 'roll_back_release' or 'ask'"),
    ],
)  # fmt: skip
def test_a_fault_is_said_with_its_line(old: str, new: str, fault: str | None) -> None:
    text = changed(old, new, BLUE_GREEN)
    if fault is None:
        assert blue_green(text)
    else:
        assert faults(text) == [fault]


@given(st.lists(st.integers(-5, 105) | st.sampled_from([10, 50, 100]), max_size=6))
def test_steps_are_taken_when_they_rise_to_the_whole(steps: list[int]) -> None:
    rises = steps == sorted(set(steps)) and steps[:1] > [0] and steps[-1:] == [100]
    try:
        made = parse_service(f"{BLUE_GREEN}steps: {steps}\n", name="payments.yaml")
    except SpecError as error:
        assert not rises, str(error)
    else:
        assert rises
        assert isinstance(made, BlueGreenService) and list(made.steps) == steps
