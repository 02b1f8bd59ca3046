"""The product bound to the model of the cloud, and steps run as Airflow runs them: again after a kill."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.airlock.aws import (
    commands,
    documents,
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
from include.airlock.errors import AirlockError, Overtaken, Transient
from include.airlock.model.change_request import ChangeRequest
from include.airlock.model.health import Reading
from include.airlock.model.record import RegionRecord, ReleaseRecord
from include.airlock.model.service import Service
from include.airlock.release import back, lane, ledger
from include.airlock.release.ledger import Ledger
from include.airlock.release.place import OpenPlace
from include.airlock.release.preflight import preflight
from include.airlock.release.run import ReleaseRun
from include.airlock.release.step import Later, ReleaseStep
from include.airlock.release.steps import BakeOperator, ChangeOperator, CheckOperator, VerifyOperator
from include.airlock.release.steps import RollBackOperator as WayBack
from include.airlock.status import watch
from tests.unit.aws.machine_cloud import NEW, Box, Killed, MachineCloud, Pool

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
        for module in (turns, turn_acts, turn_sight, farm_back, switch, lane, back, watch):
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
            machines: {"describe": bound.describe},
            documents: {"read_document": lambda *_: None, "faults_of": lambda *_: []},
            listeners: {},
            machine_view.MachineView: {"reading": bound.reading},
        }
        for module, functions in answers.items():
            for name, function in functions.items():
                patch.setattr(module, name, function)
        yield bound, patch


class Store(dict[str, Any]):
    """The asset state store: what is set is an act, and what is got is what JSON keeps."""

    def __init__(self, cloud: MachineCloud) -> None:
        super().__init__()
        self._cloud = cloud

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self[key]) if key in self else default

    def set(self, key: str, value: Any) -> None:
        self._cloud.step()
        self[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        self._cloud.step()
        self.pop(key, None)


class GaveUp(AssertionError):
    """A step was tried more often than any path needs."""


class Stopped(Exception):
    """A step failed for good."""


@dataclass
class Release:
    """One release of one place, step by step, with Airflow's retries."""

    cloud: MachineCloud
    service: Service
    places: OpenPlace
    on_failure: str
    gap_s: float = 30.0
    name: str = ""
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name = self.service.places[0]
        self.store = Store(self.cloud)
        self.request = ChangeRequest.of(self.service, {"build": NEW, "on_failure": self.on_failure})
        self.cloud.rival = self.rival
        regions = [RegionRecord(name=name) for name in self.service.places]
        header = ReleaseRecord(
            release="r1", dag="d", service=self.service.service, build=NEW, on_failure=self.on_failure,
            started_at="t", regions=regions,
        )  # fmt: skip
        self.run().ledger.open(header)

    def run(self) -> ReleaseRun:
        return ReleaseRun(self.service, self.request, Ledger(self.store), "r1")

    @property
    def region(self) -> RegionRecord:
        return self.run().region(self.name)

    def step(self, verb: str) -> ReleaseStep:
        kinds = {"check": CheckOperator, "verify": VerifyOperator, "bake": BakeOperator, "roll_back": WayBack}
        kind = kinds.get(verb, ChangeOperator)
        task = f"{self.name}.{verb}"
        return kind(task_id=task, service=self.service, region=self.name, places=self.places)

    def preflight(self) -> None:
        self.cloud.process = next(_PROCESSES)
        preflight(self.run(), self.places)

    def once(self, verb: str, patience: float) -> Later | None:
        """One process of a step.

        Raises:
            Stopped: a verdict. Killed, Transient: it is to be tried again.
        """
        self.seen.append(verb)
        self.cloud.process = next(_PROCESSES)
        step, run = self.step(verb), self.run()
        try:
            result = step.perform(run, patience=patience)
        except AirflowSkipException:
            return None
        except AirlockError as fault:
            step.note_failure(run, fault)
            if fault.retryable or isinstance(fault, Overtaken):
                raise
            raise Stopped(str(fault)) from fault
        return result if isinstance(result, Later) else None

    def carry(self, verb: str) -> None:
        """A step with all its retries and deferrals."""
        patience, limit = 60.0, self.cloud.acts + 20_000
        tries = 0
        while tries < _TRIES and self.cloud.acts < limit:
            try:
                later = self.once(verb, patience)
            except (Killed, Overtaken):  # the other process was killed, too: its try follows
                tries, patience = tries + 1, 60.0
                self.cloud.sleep(self.gap_s)
            except Transient:
                tries, patience = tries + 1, 60.0
                self.cloud.sleep(10.0)
            else:
                if later is None:
                    return
                patience = 10.0
                self.cloud.sleep(max(later.seconds, 15.0))
        raise GaveUp(f"{verb} does not end")

    def rival(self, acts: int) -> None:
        """Another process of the step that runs, for so many acts, while this one stands still."""
        mine = self.cloud.process
        self.cloud.leash = self.cloud.acts + acts
        try:
            self.once(self.seen[-1], 60.0)
        except (Killed, Stopped, Overtaken, Transient):
            pass
        finally:
            self.cloud.leash = None
            self.cloud.process = mine

    def forward(self, *verbs: str) -> str:
        """The lane's steps, then its way back when one failed. ``accepted``, or why it stopped."""
        try:
            for verb in verbs or ("check", "change", "verify", "bake"):
                self.carry(verb)
        except Stopped as fault:
            return str(fault)
        return "accepted"

    def back(self) -> str:
        try:
            self.carry("roll_back")
        except Stopped as fault:
            return str(fault)
        return "done"
