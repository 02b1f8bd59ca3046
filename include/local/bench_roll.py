"""One farm released by Airlock and by its rivals, in the same cloud, under the same clients' eyes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from include.local import sessions
from include.local.bench_roll_world import (
    BUILD,
    CLOUD_SERVICE,
    FARM,
    HOSTS,
    LONG_REQUEST_S,
    PLACE,
    POLL_S,
    REGION,
    ROUNDS,
    Round,
    connection_of,
    sandbox_settings,
)
from include.local.control import SandboxControl
from include.local.home import Home
from include.local.load_unit import LoadUnit
from include.local.machines import places_of
from include.local.rivals import ansible, article
from include.local.rivals.farm import Farm
from include.local.sandbox_unit import SandboxUnit
from include.local.stack import LocalStack
from include.local.turns import Turns

OURS = "Airlock"
RUN_LIMIT_S = 900.0
# Seconds at speed 1 for a farm to settle after its release; what fails until then belongs to the release.
SETTLE_S = 150.0
Ended = bool
"""Whether it called the release done; that is its own word, not what clients saw."""


@dataclass(frozen=True)
class Roll:
    """One release of a farm: who did it, its own word, seconds of wall time, what clients and journal say."""

    round: Round
    who: str
    ok: Ended
    wall_s: float
    requests: int
    failed: int
    longest_gap_s: float
    most_out: int
    released: bool

    @property
    def ratio(self) -> float:
        """Wall time by the floor."""
        return self.wall_s / self.round.floor_s


def measure(stack: LocalStack, say: Callable[[str], None]) -> list[Roll]:
    """Release in every round by everyone who is installed, one after the other, on a farm made anew."""
    rolls = []
    for one in ROUNDS:
        stack.api.await_dag(f"release_{one.service}")
        with _cloud(stack, one) as (home, endpoints):
            stack.api.request("POST", "connections", json=_as_text(connection_of(one, endpoints)))
            for who, release in _releasers(stack, one, endpoints):
                say(f"{who} releases two machines ({one.title}; floor {one.floor_s:.0f} s)")
                rolls.append(_roll(stack, one, home, endpoints, who, release))
    return rolls


def _releasers(
    stack: LocalStack, one: Round, endpoints: Mapping[str, Any]
) -> list[tuple[str, Callable[[], Ended]]]:
    farm = Farm.of_endpoints(endpoints, CLOUD_SERVICE, REGION, FARM)
    sleep = article.SLEEP_S / one.speed
    releasers: list[tuple[str, Callable[[], Ended]]] = [
        (OURS, lambda: _airlock(stack, one)),
        ("fixed sleeps", lambda: article.release(farm, BUILD, sleep_s=sleep, poll_s=POLL_S).ok),
    ]
    if ansible.program() is None:
        return releasers
    releasers.append(("Ansible", lambda: ansible.release(farm, BUILD, poll_s=POLL_S).ok))
    if one.with_hasty:
        # A playbook that waits for `draining` only: Ansible then takes the target for registered.
        releasers.append(
            ("Ansible, hasty", lambda: ansible.release(farm, BUILD, drained="draining", poll_s=POLL_S).ok)
        )
    return releasers


def _airlock(stack: LocalStack, one: Round) -> Ended:
    """Release by the product, from the request to the end of the run."""
    dag = f"release_{one.service}"
    run_id = stack.api.trigger_run(dag, {"build": BUILD})
    return stack.api.await_run(dag, run_id, timeout_s=RUN_LIMIT_S) == "success"


def _roll(
    stack: LocalStack,
    one: Round,
    home: Home,
    endpoints: Mapping[str, Any],
    who: str,
    release: Callable[[], Ended],
) -> Roll:
    control = SandboxControl(endpoints)
    control.reset()
    load = LoadUnit(stack, CLOUD_SERVICE, "bench", sandbox=home.sandbox, slow_s=LONG_REQUEST_S / one.speed)
    load.start()
    before, began = control.farms(CLOUD_SERVICE), time.monotonic()
    ok = release()
    wall = time.monotonic() - began
    _await_settled(control, SETTLE_S / one.speed)
    hosts = [load.stop()["hosts"][key] for key in HOSTS.values()]
    turns = Turns.read(control.journal(), places_of(before[PLACE]))
    return Roll(
        one,
        who,
        ok,
        wall,
        requests=sum(host["requests"] for host in hosts),
        failed=sum(host["failed"] for host in hosts),
        longest_gap_s=max(host["longest_gap_s"] for host in hosts),
        most_out=turns.most_out,
        released=all(held.build == BUILD for held in control.farms(CLOUD_SERVICE)[PLACE].values()),
    )


def _await_settled(control: SandboxControl, limit_s: float) -> None:
    """Wait until every machine serves, or the time is up: a rival may leave one behind."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if all(held.stage == "serving" for held in control.farms(CLOUD_SERVICE)[PLACE].values()):
            return
        time.sleep(0.25)  # between two looks at the machines


@contextmanager
def _cloud(stack: LocalStack, one: Round) -> Iterator[tuple[Home, dict[str, Any]]]:
    """Run a round's sandbox beside the stack; give its home and its endpoints."""
    home = Home(stack.home.path / one.name)
    home.create()
    unit = SandboxUnit(home, sandbox_settings(one), name=f"sandbox-{one.name}")
    stack.adopt(unit.program, unit.start())
    try:
        yield home, unit.await_ready()
    finally:
        if unit.program.session is not None:
            sessions.end([unit.program.session])
            unit.program.reap()
        stack.programs.pop(unit.program.name, None)


def _as_text(connection: Mapping[str, Any]) -> dict[str, Any]:
    """Airflow's REST API takes a connection's extra as the text of its JSON."""
    return {**connection, "extra": json.dumps(connection["extra"])}
