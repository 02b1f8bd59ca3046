"""The product bound to the model of the cloud, and steps run as Airflow runs them: again after a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from include.airlock.aws import (
    commands,
    documents,
    farm,
    farm_back,
    farm_view,
    groups,
    listeners,
    machine_view,
    machines,
    router_view,
    scaling,
    switch,
    turn_acts,
    turn_sight,
    turns,
)
from include.airlock.aws.connection import AwsAccess
from include.airlock.aws.group import Group, PublicAddress
from include.airlock.model.health import Reading
from include.airlock.release import back, lane, ledger
from include.airlock.status import watch
from tests.unit.aws.machine_cloud import Box, MachineCloud, Pool

ACCESS = AwsAccess("aws", "eu-west-1", None, None, None)  # type: ignore[arg-type]
_TRIES = 12
_PROCESSES = count(1)


def group_of(pool: Pool) -> Group:
    return Group(
        kind=pool.kind,  # type: ignore[arg-type]
        key=pool.key,
        name=pool.key.removeprefix("arn:"),
        port=80,
        draining=pool.delay_s > 0,
        delay_s=pool.delay_s,
        cross_zone=pool.cross_zone,
        slow_start_s=pool.slow_start_s,
        interval_s=5.0,
        healthy_threshold=2,
        unhealthy_threshold=2,
        load_balancers=(),
        target_type="instance",
        vpc=None,
    )


def machine_of(box: Box) -> machines.Machine:
    return machines.Machine(box.id, "running", f"{box.id}.m", None, None, None, box.zone, None, None)


def page_of(box: Box) -> Reading:
    if box.down:
        return Reading(faults=("no connection",))
    return Reading(box.build, not box.sick, "stopped" if box.sick else "running")


@dataclass
class Bound:
    """The thin functions of the product, answered by the model."""

    cloud: MachineCloud
    public: dict[str, Callable[[], Reading]] = field(default_factory=dict)
    turn_of: int = 0

    def find(self, _: Any, names: Any, classic: Any) -> list[Group]:
        self.cloud.read()
        asked = [name if name in self.cloud.pools else f"arn:{name}" for name in (*names, *classic)]
        return [group_of(self.cloud.pools[key]) for key in asked]

    def all_groups(self, _: Any, holding: Any = None) -> list[Group]:
        self.cloud.read()
        return [group_of(pool) for pool in self.cloud.pools.values()]

    def describe(self, _: Any, ids: Any) -> dict[str, machines.Machine]:
        self.cloud.read()
        return {name: machine_of(self.cloud.boxes[name]) for name in dict.fromkeys(ids)}

    def pings(self, _: Any, ids: Any) -> dict[str, commands.Ping]:
        return dict.fromkeys(ids, commands.Ping.ONLINE)

    def reading(self, url: str) -> Reading:
        self.cloud.step()
        host = url.split("/")[2].partition(":")[0]
        if host in self.public:
            return self.public[host]()
        if host.endswith(".m"):
            return page_of(self.cloud.boxes[host.removesuffix(".m")])
        return self._through(host.removesuffix(".lb"))

    def _through(self, name: str) -> Reading:
        """One machine after the other; all of them when none is healthy, as a load balancer does."""
        pool = self.cloud.pools.get(name) or self.cloud.pools[f"arn:{name}"]
        held = [key for key, place in pool.places.items() if place.left is None]
        well = [key for key in held if self.cloud.standing(pool, key) == "in_service"]
        self.turn_of += 1
        chosen = well or held
        return page_of(self.cloud.boxes[chosen[self.turn_of % len(chosen)][0]]) if chosen else Reading()


@contextmanager
def wired(cloud: MachineCloud) -> Iterator[tuple[Bound, pytest.MonkeyPatch]]:
    """The product talks to ``cloud`` and lives by its clock."""
    bound = Bound(cloud)
    with pytest.MonkeyPatch.context() as patch:
        clock = SimpleNamespace(time=cloud.now, sleep=cloud.sleep)
        for module in (turns, turn_acts, turn_sight, farm, farm_back, switch, lane, back, watch):
            if hasattr(module, "time"):
                patch.setattr(module, "time", clock)

        def now() -> str:
            return datetime.fromtimestamp(cloud.clock, UTC).isoformat()

        for module in (lane, back, ledger):
            patch.setattr(module, "now", now)
        for module in (farm_view, router_view):
            patch.setattr(module, "read_connection", lambda *_: ACCESS)
        answers: dict[Any, dict[str, Any]] = {
            groups: {
                "find": bound.find,
                "all_groups": bound.all_groups,
                "members": cloud.members,
                "detach": cloud.detach,
                "attach": cloud.attach,
                "public_addresses": lambda _, group: [PublicAddress("http", f"{group.name}.lb", 80)],
            },
            commands: {
                "send": cloud.send,
                "state": cloud.state,
                "find_sent": cloud.find_sent,
                "cancel": cloud.cancel,
                "pings": bound.pings,
            },
            scaling: {
                "describe": cloud.describe_scaling,
                "groups_of": lambda _, ids: {name: "asg" for name in ids if name in cloud.lifecycles},
                "enter_standby": cloud.enter_standby,
                "exit_standby": cloud.exit_standby,
                "suspend": cloud.suspend,
                "resume": cloud.resume,
            },
            machines: {"describe": bound.describe, "known": bound.describe},
            documents: {"read_document": lambda *_: None, "faults_of": lambda *_: []},
            listeners: {},
            machine_view.MachineView: {"reading": bound.reading},
        }
        for module, functions in answers.items():
            for name, function in functions.items():
                patch.setattr(module, name, function)
        yield bound, patch
