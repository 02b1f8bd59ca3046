"""The farm that the benchmark releases: its floor, its spec, its cloud; and the figures as a table."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from include.airlock.model.loading import load_service
from include.local.bench_roll import Roll
from include.local.bench_roll_table import roll_table
from include.local.bench_roll_world import (
    HOSTS,
    PLACE,
    ROUNDS,
    Round,
    connection_of,
    sandbox_settings,
    write_dags,
)
from include.sandbox.config import make_config
from tests.unit.local.test_connections import ENDPOINTS

USUAL = Round("usual", "warm after 4 s", speed=2.0, warm_up_s=4.0)


def test_the_floor_is_the_clouds_own_time_for_one_machine_after_the_other() -> None:
    # drain 60, start 1, deploy 8, warm-up 4, registration 2, three checks 10 s apart: 95 s a machine
    assert USUAL.floor_s == pytest.approx(2 * 95 / 2)


@pytest.mark.parametrize("one", ROUNDS, ids=lambda one: one.name)
def test_the_sandbox_takes_every_time_of_the_floor(one: Round) -> None:
    # Given the settings of a round
    cloud = make_config(sandbox_settings(one)).aws
    farm = cloud.services["checkout"].regions["eu-west-1"].farms["production"]
    # Then the floor, reckoned from what the sandbox understood, is the same
    check = farm.health_check
    times = cloud.timings
    turn = farm.deregistration_delay + times.command_start + times.deploy + times.warm_up
    turn += times.registration + (check.healthy - 1) * check.interval
    assert farm.machines * turn / one.speed == pytest.approx(one.floor_s)


def test_the_second_round_outlasts_the_articles_sleep() -> None:
    assert ROUNDS[0].warm_up_s < 60 < ROUNDS[1].warm_up_s


@pytest.mark.parametrize("one", ROUNDS, ids=lambda one: one.name)
def test_the_spec_is_one_that_airlock_takes(one: Round, tmp_path: Path) -> None:
    (tmp_path / "services").mkdir()
    write_dags(tmp_path)
    service = load_service(tmp_path / "services" / f"{one.service}.yaml")
    assert service.places == (PLACE,)
    assert (tmp_path / f"release_{one.service}.py").exists()


def test_a_round_has_a_connection_of_its_own() -> None:
    made = connection_of(USUAL, ENDPOINTS)
    assert (made["connection_id"], made["conn_type"]) == ("aws_bench_usual", "aws")


def roll(**odd: object) -> Roll:
    """A release that went well, but for what is given."""
    good: dict[str, object] = {
        "round": USUAL,
        "who": "Airlock",
        "ok": True,
        "wall_s": 114.0,
        "requests": 1000,
        "failed": 0,
        "longest_gap_s": 0.2,
        "most_out": 1,
        "released": True,
    }
    return Roll(**(good | odd))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (roll(), ("114.0 s", "95.0 s", "1.20 ", "≤ 1.25: met", "0 of 1000", "done")),
        (roll(wall_s=190.0), ("2.00 ", "≤ 1.25: missed")),
        (roll(who="fixed sleeps", wall_s=190.0, failed=7), ("fixed sleeps", "2.00 ", "7 of 1000")),
        (roll(released=False), ("done, but the build is not on every machine",)),
        (roll(ok=False, released=False), ("failed ",)),
    ],
)
def test_a_row_says_what_was_measured_and_what_is_true(measured: Roll, words: tuple[str, ...]) -> None:
    console = Console(file=io.StringIO(), width=200)
    console.print(roll_table([measured]))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert [word for word in words if word not in text] == []


def test_every_balancers_clients_count() -> None:
    assert len(HOSTS) == 2
