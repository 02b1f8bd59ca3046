"""The run's id of a change request."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from include.airlock.cli.asking import run_id_of
from include.airlock.model.change_request import BUILD, CHANGE_REQUEST

NOW = datetime(2026, 11, 3, 20, 0, tzinfo=UTC)
# [core] allowed_run_id_pattern of Airflow 3.3, as it is by default.
RUN_ID = re.compile(r"^[A-Za-z0-9_.~:+-]+$")
CHANGES = st.from_regex(rf"\A(?:{CHANGE_REQUEST.pattern})\Z").filter(lambda text: len(text) <= 64)
BUILDS = st.from_regex(rf"\A(?:{BUILD.pattern})\Z").filter(lambda text: len(text) <= 64)


@given(CHANGES, CHANGES)
def test_two_change_requests_are_two_runs(one: str, other: str) -> None:
    first, second = run_id_of(one, "1", NOW), run_id_of(other, "2", NOW)

    assert RUN_ID.match(first)
    assert (first == second) == (one == other)


def test_a_change_request_that_is_near_another_is_not_it() -> None:
    near = ("CHG-1", "CHG/1", "CHG#1", "CHG.1")
    assert len({run_id_of(each, "1", NOW) for each in near}) == 4
    assert run_id_of("CHG-1", "1", NOW) == "CHG-1"


@given(BUILDS)
def test_without_one_the_id_is_build_and_time(build: str) -> None:
    assert run_id_of(None, build, NOW) == f"{build}_20261103T200000Z"
    assert RUN_ID.match(run_id_of(None, build, NOW))
