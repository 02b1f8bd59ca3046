"""Listeners route by rules and weights, and a change takes effect after a moment."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import requests

from tests.integration.sandbox.aws.farm import NEW, OLD, Farm, error_of
from tests.sandbox_client import Json


@pytest.fixture
def blue(search: Farm) -> str:
    return str(search.told["target_groups"]["search-blue"])


@pytest.fixture
def green(search: Farm) -> str:
    """The idle group, whose two machines run the new build."""
    for machine, held in search.sandbox.aws_state("machines").items():
        if held["farm"] == "green":
            search.sandbox.stage_machine(machine, NEW)
    return str(search.told["target_groups"]["search-green"])


def forward(weights: dict[str, int], **more: Any) -> list[Json]:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups, **more}}]


def switch(search: Farm, weights: dict[str, int], **more: Any) -> None:
    actions = forward(weights, **more)
    search.elbv2.modify_listener(ListenerArn=search.told["listener"], DefaultActions=actions)


def healthy(search: Farm, group: str) -> bool:
    told = search.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return {each["TargetHealth"]["State"] for each in told} == {"healthy"}


def builds(search: Farm, requests_made: int = 60) -> Counter[str]:
    return Counter(requests.get(search.url(), timeout=5).json()["build"] for _ in range(requests_made))


def test_a_group_at_weight_zero_is_checked_and_gets_no_traffic(search: Farm, blue: str, green: str) -> None:
    switch(search, {blue: 1, green: 0})
    search.until(lambda: healthy(search, green))
    assert builds(search, 20) == {OLD: 20}


def test_weights_share_the_traffic_and_one_call_switches(search: Farm, blue: str, green: str) -> None:
    switch(search, {blue: 75, green: 25})
    search.until(lambda: healthy(search, green))
    seen = builds(search, 120)
    assert 10 < seen[NEW] < 55
    switch(search, {blue: 0, green: 100})
    search.until(lambda: search.sandbox.events("listener_changed")[-1]["weights"] == {blue: 0, green: 100})
    assert builds(search, 20) == {NEW: 20}


def test_a_change_takes_effect_after_a_moment(search: Farm, blue: str, green: str) -> None:
    switch(search, {blue: 1, green: 0})
    search.until(lambda: healthy(search, green))
    switch(search, {blue: 0, green: 1})
    told = search.elbv2.describe_listeners(ListenerArns=[search.told["listener"]])["Listeners"][0]
    weights = [each["Weight"] for each in told["DefaultActions"][0]["ForwardConfig"]["TargetGroups"]]
    assert weights == [0, 1]
    state = search.sandbox.aws_state("listeners")[search.told["listener"]]
    assert state["weights"] == {blue: 1, green: 0}
    search.until(lambda: builds(search, 1)[NEW])


def test_all_weights_zero_answers_503(search: Farm, blue: str, green: str) -> None:
    switch(search, {blue: 0, green: 0})
    search.until(lambda: requests.get(search.url(), timeout=5).status_code == 503)


def test_group_stickiness_keeps_a_client_while_its_group_has_weight(
    search: Farm, blue: str, green: str
) -> None:
    sticky = {"TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60}}
    switch(search, {blue: 1, green: 0}, **sticky)
    search.until(lambda: healthy(search, green))
    client = requests.Session()
    search.until(lambda: client.get(search.url(), timeout=5).cookies.get("AWSALBTG"))
    switch(search, {blue: 1, green: 99}, **sticky)
    search.until(lambda: builds(search, 1)[NEW])
    assert {client.get(search.url(), timeout=5).json()["build"] for _ in range(15)} == {OLD}
    switch(search, {blue: 0, green: 1}, **sticky)
    search.until(lambda: client.get(search.url(), timeout=5).json()["build"] == NEW)


def test_rules_are_tried_before_the_default(search: Farm, blue: str, green: str) -> None:
    listener = search.told["listener"]
    path = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/status*"]}}
    header = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Try", "Values": ["yes"]}}
    fixed = {"StatusCode": "418", "MessageBody": "short", "ContentType": "text/plain"}
    make = search.elbv2.create_rule
    made = make(ListenerArn=listener, Priority=5, Conditions=[path, header], Actions=forward({green: 1}))
    rule = made["Rules"][0]["RuleArn"]
    away = {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Path": "/there", "Port": "1"}}
    for priority, pattern, action in (
        (7, "/teapot", {"Type": "fixed-response", "FixedResponseConfig": fixed}),
        (8, "/away", away),
    ):
        conditions = [{"Field": "path-pattern", "Values": [pattern]}]
        make(ListenerArn=listener, Priority=priority, Conditions=conditions, Actions=[action])
    search.until(lambda: requests.get(search.url() + "/teapot", timeout=5).status_code == 418)
    search.until(lambda: healthy(search, green))

    def asked(tries: str) -> str:
        page = requests.get(search.url() + "/status", headers={"X-Try": tries}, timeout=5)
        return str(page.json()["build"])

    assert (asked("yes"), asked("no"), builds(search, 1)) == (NEW, OLD, {OLD: 1})
    answer = requests.get(search.url() + "/away", timeout=5, allow_redirects=False)
    host = search.url().removeprefix("http://").partition(":")[0]
    assert (answer.status_code, answer.headers["Location"]) == (301, f"http://{host}:1/there")
    search.elbv2.modify_rule(RuleArn=rule, Actions=forward({blue: 1, green: 0}))
    search.until(lambda: asked("yes") == OLD)


def test_what_the_machine_cuts_is_a_502(farm: Farm) -> None:
    for machine in farm.machines:
        farm.send(machine)
    farm.until(lambda: requests.get(farm.url(), timeout=5).status_code == 502)


def test_silence_longer_than_the_idle_timeout_is_a_504(farm: Farm) -> None:
    balancer = farm.elbv2.describe_load_balancers(Names=["checkout-production-alb"])["LoadBalancers"][0]
    # The world is 50 times as fast, but a listener is patient for a second at least.
    farm.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}],
    )
    farm.sandbox.fault("machine_silent", where={"service": "checkout"})
    answer = requests.get(farm.url(), timeout=10)
    assert answer.status_code == 504


def test_a_listener_may_be_added_and_deleted(farm: Farm) -> None:
    balancer = farm.elbv2.describe_load_balancers(Names=["checkout-production-alb"])["LoadBalancers"][0]
    made = farm.elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=8099,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": farm.group}],
    )["Listeners"][0]
    url = f"http://{balancer['DNSName']}:8099/"
    assert requests.get(url, timeout=5).json()["service"] == "checkout"
    farm.elbv2.delete_listener(ListenerArn=made["ListenerArn"])
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_bad_weights_and_groups_are_refused(search: Farm, blue: str) -> None:
    assert error_of(lambda: switch(search, {blue: 1000}))[0] == "ValidationError"
    unknown = blue.replace("blue", "red")
    assert error_of(lambda: switch(search, {blue: 1, unknown: 1}))[0] == "TargetGroupNotFound"
    assert builds(search, 1) == {OLD: 1}
