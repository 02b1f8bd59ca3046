"""The spec of ``rolling``: farms in order, and no machine that is released twice or unwatched."""

# ruff: noqa: E501 (the tables are read by their rows)

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.errors import SpecError
from include.airlock.model.loading import parse_service
from include.airlock.model.service import OnFailure, RollingService
from tests.unit.model.faults import faults
from tests.unit.model.specs import ROLLING, changed, service

FARM = """\
      - name: production
        target_groups: [payments-production]
"""
REGION = f"""\
  - name: eu-west-1
    connection: aws_eu_west_1
    farms:
{FARM}"""
ARN = "arn:aws:elasticloadbalancing:{region}:123456789012:targetgroup/{name}/50dc6c495c0c9188"
LISTED = "        instances: [i-0000000a, i-0000000b]\n"


def rolling(text: str = ROLLING) -> RollingService:
    made = service(text)
    assert isinstance(made, RollingService)
    return made


def farm(name: str, *lines: str) -> str:
    return f"      - name: {name}\n" + "".join(f"        {line}\n" for line in lines)


def farms(*texts: str) -> str:
    return changed(FARM, "".join(texts), ROLLING)


def test_what_is_left_out_is_filled_in() -> None:
    smallest = rolling()
    assert (smallest.max_unavailable, smallest.min_healthy, smallest.min_healthy_per_zone) == (1, None, 1)
    assert (smallest.drain_timeout, smallest.healthy_timeout) == (None, timedelta(minutes=10))
    assert (smallest.soak, smallest.poll) == (3, timedelta(seconds=5))
    assert (smallest.machine.address, smallest.machine.port, smallest.machine.scheme) == (
        "private_ip",
        None,
        "http",
    )
    assert smallest.deploy.timeout == timedelta(minutes=10)
    assert smallest.on_failure is OnFailure.ROLL_BACK_REGION
    assert smallest.regions[0].aws_region is None


def test_a_lane_is_found_by_its_place() -> None:
    made = rolling(
        farms(farm("staging", "classic_load_balancers: [a]"), farm("production", "target_groups: [b]"))
    )
    assert made.places == ("eu-west-1.staging", "eu-west-1.production")
    region, found = made.lane("eu-west-1.production")
    assert (region.name, found.name) == ("eu-west-1", "production")
    with pytest.raises(KeyError):
        made.lane("production")


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        ((farm("a"),), "8: regions[0].farms[0]: farm 'a' has no machines; it needs 'target_groups', 'classic_load_balancers' or 'instances'"),
        ((farm("a", "autoscaling_group: asg"),), "8: regions[0].farms[0]: farm 'a' has no machines; it needs 'target_groups', 'classic_load_balancers' or 'instances'"),
        ((farm("a", "target_group: [x]", "classic_load_balancers: [y]"),), "9: regions[0].farms[0]: unknown key 'target_group'; did you mean 'target_groups'?"),
        ((farm("A", "target_groups: [x]"),), "8: regions[0].farms[0].name: 'A' is not valid: a lower-case letter, then lower-case letters, digits, '_' and '-', 40 characters at most"),
        ((farm("a", "target_groups: [x, y, x]"),), "9: regions[0].farms[0].target_groups[2]: 'x' stands here twice"),
        ((farm("a", f"target_groups: [x, '{ARN.format(region='eu-west-1', name='x')}']"),), "9: regions[0].farms[0].target_groups[1]: 'x' stands here twice"),
        ((farm("a", "classic_load_balancers: [x, x]"),), "9: regions[0].farms[0].classic_load_balancers[1]: 'x' stands here twice"),
        ((farm("a", "instances: [i-0000000a, i-0000000a]"),), "9: regions[0].farms[0].instances[1]: 'i-0000000a' stands here twice"),
        ((farm("a", "instances: [i-1]"),), "9: regions[0].farms[0].instances[0]: 'i-1' is not valid: an instance id is 'i-' and 8 or 17 hexadecimal digits"),
        ((farm("a", "target_groups: [x]"), farm("a", "target_groups: [y]")), "10: regions[0].farms[1].name: there are two farms named 'a'"),
        ((farm("a", "target_groups: [x]"), farm("b", "target_groups: [x]")), "11: regions[0].farms[1].target_groups[0]: is in farm 'eu-west-1.a' as well, so its machines would be released twice; list the instances of both farms"),
        ((farm("a", "target_groups: [x]"), farm("b", "target_groups: [x]", "instances: [i-0000000a, i-0000000b]")), "11: regions[0].farms[1].target_groups[0]: is in farm 'eu-west-1.a' as well, so its machines would be released twice; list the instances of both farms"),
        ((farm("a", "classic_load_balancers: [x]"), farm("b", "classic_load_balancers: [y, x]")), "11: regions[0].farms[1].classic_load_balancers[1]: is in farm 'eu-west-1.a' as well, so its machines would be released twice; list the instances of both farms"),
        ((farm("a", "instances: [i-0000000a, i-0000000b]"), farm("b", "instances: [i-0000000c, i-0000000b]")), "11: regions[0].farms[1].instances[1]: is in farm 'eu-west-1.a' as well"),
        ((farm("a", "instances: [i-0000000a]"),), "9: regions[0].farms[0].instances: are 1, and max_unavailable is 1: all could be out at once; list more, or write 'min_healthy' to say how many must stay"),
        ((farm("a", 'autoscaling_group: "a\\nb"', "target_groups: [x]"),), "9: regions[0].farms[0].autoscaling_group: 'a\\nb' has control characters or line ends in it"),
    ],
)  # fmt: skip
def test_a_fault_of_a_farm_is_said_with_its_line(texts: tuple[str, ...], fault: str) -> None:
    assert faults(farms(*texts)) == [fault]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (REGION, REGION.replace(FARM, "").replace("farms:", "farms: []"), "7: regions[0].farms: is empty"),
        ("    farms:\n" + FARM, "", "5: regions[0].farms: is missing"),
        (REGION, REGION + REGION.replace("production", "other"), "10: regions[1].name: there are two regions named 'eu-west-1'"),
        (REGION, REGION + REGION.replace("name: eu", "name: again"), "14: regions[1].farms[0].target_groups[0]: is in farm 'eu-west-1.production' as well, so its machines would be released twice; list the instances of both farms"),
        ("    farms:", "    aws_region: Ireland\n    farms:", "7: regions[0].aws_region: 'Ireland' is not valid: a region's code is like eu-west-1"),
        ("    farms:", "    app: x\n    farms:", "7: regions[0]: 'app' is only for the strategy 'slot_swap'"),
        ("    farms:", "    listener: x\n    farms:", "7: regions[0]: 'listener' is only for the strategy 'blue_green'"),
        ("name: eu-west-1", "name: tell", "5: regions[0].name: 'tell' is the name of a step of the release; call the region something else"),
        ("owner: team-payments", "owner: x\nmax_unavailable: 0", "3: max_unavailable: 0 must be at least 1"),
        ("owner: team-payments", "owner: x\nmax_unavailble: 2", "3: unknown key 'max_unavailble'; did you mean 'max_unavailable'?"),
        ("owner: team-payments", "owner: x\nmin_healthy: -1", "3: min_healthy: -1 must be at least 0"),
        ("owner: team-payments", "owner: x\ndrain_timeout: 0s", "3: drain_timeout: '0s' must be at least 1s and at most 2h"),
        ("owner: team-payments", "owner: x\nhealthy_timeout: 10s", "3: healthy_timeout: 10s is too short for 3 looks 5s apart"),
        ("owner: team-payments", "owner: x\nmachine: {port: 0}", "3: machine.port: 0 must be at least 1"),
        ("owner: team-payments", "owner: x\nmachine: {address: privat_ip}", "3: machine.address: 'privat_ip' is not valid; did you mean 'private_ip'?"),
        ("owner: team-payments", "owner: x\nsteps: [100]", "3: 'steps' is only for the strategy 'blue_green'"),
        ("deploy:\n  document: acme-deploy\n  build_parameter: Build\n", "", "1: deploy: is missing"),
    ],
)  # fmt: skip
def test_a_fault_is_said_with_its_line(old: str, new: str, fault: str) -> None:
    assert faults(changed(old, new, ROLLING)) == [fault]


def test_an_arn_of_another_region_is_refused() -> None:
    arn = ARN.format(region="eu-central-1", name="x")
    text = farms(farm("a", f"target_groups: [y, '{arn}']"))
    assert rolling(text)
    assert faults(changed("    farms:", "    aws_region: eu-west-1\n    farms:", text)) == [
        "10: regions[0].farms[0].target_groups[1]: is in eu-central-1, and aws_region is eu-west-1"
    ]


def test_farms_may_share_a_group_when_each_lists_its_machines() -> None:
    """Given one canary machine and then the rest of its group, then the spec is good."""
    canary = farm("canary", "target_groups: [x]", "instances: [i-0000000a]")
    rest = farm("rest", "target_groups: [x]", "instances: [i-0000000b, i-0000000c]")
    assert len(rolling(farms(canary, rest) + "min_healthy: 2\n").places) == 2


def test_the_same_group_name_behind_another_connection_is_another_group() -> None:
    again = REGION.replace("name: eu", "name: again").replace("aws_eu", "other")
    assert len(rolling(changed(REGION, REGION + again, ROLLING)).places) == 2


@pytest.mark.parametrize(
    ("more", "good"),
    [
        ("", True),
        ("max_unavailable: 2\n", False),
        ("max_unavailable: 3\n", False),
        ("max_unavailable: 2\nmin_healthy: 1\n", True),
        ("max_unavailable: 2\nmin_healthy: 0\n", True),
        ("max_unavailable: 2\nmin_healthy: null\n", False),
    ],
)
def test_an_outage_is_only_allowed_in_writing(more: str, good: bool) -> None:
    """Given two listed machines, then both may be out at once only where the spec says how many must stay."""
    text = changed(FARM, FARM + LISTED, ROLLING) + more
    if good:
        assert rolling(text)
    else:
        assert "all could be out at once" in "".join(faults(text))


_GROUPS = st.lists(st.sampled_from(["x", "y", "z"]), max_size=2, unique=True)
_MACHINES = st.lists(st.sampled_from([f"i-0000000{digit}" for digit in "abcdef"]), max_size=4, unique=True)
_FARMS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), _GROUPS, _GROUPS, _MACHINES), min_size=1, max_size=3
)


@given(_FARMS, st.integers(1, 3))
def test_no_machine_is_ever_released_twice(
    given_farms: list[tuple[str, list[str], list[str], list[str]]], most: int
) -> None:
    """Given any farms that are accepted, then each machine and each unlisted group is in one, and somebody serves."""
    text = farms(
        *(
            farm(
                name, f"target_groups: {groups}", f"classic_load_balancers: {classic}", f"instances: {listed}"
            )
            for name, groups, classic, listed in given_farms
        )
    )
    try:
        made = parse_service(text + f"max_unavailable: {most}\n", name="payments.yaml")
    except SpecError:
        return
    assert isinstance(made, RollingService)
    found = made.regions[0].farms
    machines = [machine for each in found for machine in each.instances]
    assert len(machines) == len(set(machines))
    assert len(made.places) == len(set(made.places))
    for each in found:
        assert each.instances or each.target_groups or each.classic_load_balancers
        alone = not any(
            {*each.target_groups, *each.classic_load_balancers}
            & {*other.target_groups, *other.classic_load_balancers}
            for other in found
            if other is not each
        )
        assert not (alone and each.instances) or len(each.instances) > made.max_unavailable
        for other in found:
            shared = {*each.target_groups} & {*other.target_groups}
            shared |= {*each.classic_load_balancers} & {*other.classic_load_balancers}
            assert other is each or not shared or (each.instances and other.instances)


@given(st.integers(0, 300), st.integers(1, 100), st.none() | st.integers(0, 1000))
def test_the_floor_is_never_nobody_unless_the_spec_says_so(size: int, most: int, least: int | None) -> None:
    """Given any farm, then a written floor is kept as it is, and a derived one keeps all but ``most``, and one."""
    written = "null" if least is None else least
    floor = rolling(f"{ROLLING}max_unavailable: {most}\nmin_healthy: {written}\n").floor(size)
    assert floor == least if least is not None else floor == max(1, size - most)
