"""What must hold before a machine of a farm is touched: each fault by itself, and what has changed since."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from include.airlock.aws.commands import Ping
from include.airlock.aws.farm_inspection import differences, inspect
from include.airlock.aws.farm_view import FarmSeen
from include.airlock.aws.group import Member
from include.airlock.aws.machine_view import MachineSeen
from include.airlock.aws.machines import Machine
from include.airlock.aws.scaling import ScalingGroup
from include.airlock.aws.standing import Standing
from include.airlock.model.health import Reading
from include.airlock.model.machines import MachineRecord, Membership
from include.airlock.model.rolling import Farm
from tests.unit.aws.farms import Shape
from tests.unit.aws.machine_cloud import NEW, OLD, Pool
from tests.unit.aws.machine_wires import group_of

IN = Standing.IN_SERVICE
SERVICE = Shape(size=3).service()
FARM = SERVICE.regions[0].farms[0]
STANDBY = Shape(size=3, standby=True).service().regions[0].farms[0]
PLACE = SERVICE.places[0]
LB = "http://lb/status"
GROUP = group_of(Pool("arn:alb"))


def machine(name: str, **more: Any) -> MachineSeen:
    box = Machine(name, "running", f"{name}.m", None, None, None, "eu-west-1a", None, None)
    membership = Membership(kind="target_group", key="arn:alb", name="alb", target=name, port=80)
    reading = Reading(OLD, True, "running")
    seen = MachineSeen(box, ((membership, IN),), None, f"http://{name}.m/status", reading, Ping.ONLINE)
    return replace(seen, **more)


def seen(*changed: MachineSeen, **more: Any) -> FarmSeen:
    """Three machines in one group; ``changed`` stand for those of the same id."""
    named = {f"i-{number}": machine(f"i-{number}") for number in (1, 2, 3)}
    named.update({each.machine.id: each for each in changed})
    members = {"arn:alb": [Member(name, 80, "eu-west-1a", IN, "") for name in named]}
    farm = FarmSeen(
        machines=tuple(named.values()),
        groups=(GROUP,),
        members=members,
        scaling={},
        public=((LB, Reading(OLD, True, "running")),),
    )
    return replace(farm, **more)


def scaled(farm: FarmSeen, **more: Any) -> FarmSeen:
    """All of its machines in an Auto Scaling group that is as it should be, but for ``more``."""
    names = [each.machine.id for each in farm.machines]
    group = ScalingGroup("asg", 1, 4, 3, frozenset(), dict.fromkeys(names, "InService"))
    machines = tuple(replace(each, scaling_group="asg") for each in farm.machines)
    return replace(farm, machines=machines, scaling={"asg": replace(group, **more)})


def codes(farm: FarmSeen, spec: Farm = FARM) -> list[str]:
    faults = inspect(PLACE, SERVICE, spec, farm, NEW)
    assert all(str(fault).startswith(f"{PLACE}: ") for fault in faults)
    assert all(fault.warning == fault.code.startswith("warn_") for fault in faults)
    return [fault.code for fault in faults]


def answers(name: str, build: str | None) -> MachineSeen:
    faults = () if build else ("404",)
    return machine(name, reading=Reading(build, True, "running", faults=faults))


def test_a_sound_farm_has_no_fault() -> None:
    assert codes(seen()) == []
    assert codes(scaled(seen()), STANDBY) == []
    assert codes(seen(answers("i-1", NEW))) == []  # released in part before: only the others are touched


ILL = ((machine("i-1").memberships[0][0], Standing.UNHEALTHY),)


@pytest.mark.parametrize(
    ("farm", "code"),
    [
        (seen(document_faults=("it has no parameter Build",)), "document"),
        (seen(*(answers(f"i-{n}", NEW) for n in (1, 2, 3))), "already"),
        (seen(answers("i-1", "2026.10.9")), "mixed_builds"),
        (seen(machine("i-1", machine=replace(machine("i-1").machine, state="stopped"))), "state"),
        (seen(machine("i-1", memberships=())), "in_no_group"),
        (seen(machine("i-1", ping=Ping.LOST)), "not_managed"),
        (seen(machine("i-1", ping=Ping.INACTIVE)), "not_managed"),
        (seen(machine("i-1", ping=Ping.UNMANAGED)), "not_managed"),
        (seen(machine("i-1", page=None)), "no_address"),
        (seen(answers("i-1", None)), "page"),
        (seen(machine("i-1", memberships=ILL)), "not_healthy"),
        (seen(members={"arn:alb": [Member("i-1", 80, None, IN, "")]}), "capacity"),
        (seen(groups=(replace(GROUP, draining=False),)), "warn_draining"),
        (seen(groups=(replace(GROUP, draining=False, kind="classic"),)), "warn_draining"),
        (scaled(seen()), "warn_scaling_group"),
        (seen(public=()), "no_listener"),
        (seen(public=((LB, Reading(OLD, False, "stopped")),)), "public_page"),
        (seen(public=((LB, Reading(faults=("404",))),)), "public_page"),
    ],
)
def test_each_fault_is_found_and_named(farm: FarmSeen, code: str) -> None:
    # Given a farm with one thing wrong / Then that, and only that, is named
    assert set(codes(farm)) == {code}


@pytest.mark.parametrize(
    ("farm", "code"),
    [
        (seen(), "scaling_group"),
        (scaled(seen(), min=3), "scaling_min"),
        (
            scaled(seen(), instances={"i-1": "Standby", "i-2": "InService", "i-3": "InService"}),
            "scaling_state",
        ),
        (scaled(seen(), instances={"i-2": "InService", "i-3": "InService"}), "scaling_state"),
    ],
)
def test_each_fault_of_an_auto_scaling_group(farm: FarmSeen, code: str) -> None:
    assert codes(farm, STANDBY) == [code]


def test_machines_of_another_auto_scaling_group() -> None:
    farm = scaled(seen())
    other = replace(farm, scaling={"else": replace(farm.scaling["asg"], name="else")})
    machines = tuple(replace(each, scaling_group="else") for each in other.machines)
    assert set(codes(replace(other, machines=machines), STANDBY)) == {"scaling_group"}


def test_all_faults_are_named_not_just_the_first() -> None:
    farm = seen(machine("i-1", ping=Ping.LOST), answers("i-2", None), document_faults=("a", "b"), public=())
    assert codes(farm) == ["document", "document", "not_managed", "page", "no_listener"]


def known(farm: FarmSeen) -> list[MachineRecord]:
    return [
        MachineRecord(id=each.machine.id, memberships=[m for m, _ in each.memberships], old_build=OLD)
        for each in farm.machines
    ]


ELSEWHERE = Membership(kind="classic", key="elb", name="elb", target="i-1")


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (seen(), None),
        (seen(machine("i-9")), "i-9 is in the farm now"),
        (seen(answers("i-1", "2026.11.5")), f"i-1 answered {OLD} at the preflight and 2026.11.5 now"),
        (seen(machine("i-1", memberships=((ELSEWHERE, IN),))), "i-1 is not in the same groups"),
        (seen(machine("i-1", memberships=())), "i-1 is not in the same groups"),
    ],
)
def test_what_has_changed_since_the_preflight(now: FarmSeen, words: str | None) -> None:
    found = differences(now, known(seen()))
    assert len(found) == (words is not None)
    assert words is None or words in found[0]


def test_a_machine_that_is_gone_has_changed_and_nothing_known_has_not() -> None:
    fewer = replace(seen(), machines=seen().machines[:2])
    assert differences(fewer, known(seen())) == ["i-3 was in the farm at the preflight and is not now"]
    assert differences(seen(), []) == []
