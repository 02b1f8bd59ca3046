"""The change request is the run's id: which ids stand for one, and what is said when two are named."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.airlock.cli.asking import run_id_of
from include.airlock.model.change_request import ChangeRequest, change_request_of
from include.airlock.model.service import OnFailure

BUILD = "2026.11.2"
PLAIN = ChangeRequest(build=BUILD, regions=("westeurope",), on_failure=OnFailure.HALT)


@pytest.mark.parametrize(
    ("run_id", "stands_for"),
    [
        ("CHG-1001", "CHG-1001"),
        ("CHG0031234", "CHG0031234"),
        ("4711", "4711"),
        ("shop~web+12", "shop/web#12"),
        ("CHG-1001-again", "CHG-1001-again"),
        # Airflow's own, those of the command line, and words
        ("manual__2026-11-03T20:00:00+00:00_x1", None),
        ("scheduled__2026-11-03T20:00:00+00:00", None),
        ("asset_triggered__2026-11-03T20:00:00+00:00", None),
        (f"{BUILD}_20261103T200000Z", None),
        ("first-try", None),
        # nothing that could be typed as a change request either
        ("1" * 65, None),
        (".5", None),
    ],
)
def test_which_ids_stand_for_a_change_request(run_id: str, stands_for: str | None) -> None:
    assert change_request_of(run_id, BUILD) == stands_for
    assert PLAIN.under(run_id).change_request == stands_for


@pytest.mark.parametrize("asked", ["CHG-1001", "shop/web#12", None])
def test_what_the_command_line_makes_of_a_change_request_is_read_back(asked: str | None) -> None:
    run_id = run_id_of(asked, BUILD, datetime(2026, 11, 3, 20, tzinfo=UTC))
    assert PLAIN.under(run_id).change_request == asked


def test_a_change_request_that_is_named_stays() -> None:
    named = ChangeRequest(BUILD, ("westeurope",), OnFailure.HALT, change_request="CHG-1001")
    assert named.under("CHG-1002").change_request == "CHG-1001"


@pytest.mark.parametrize(
    ("run_id", "well"),
    [
        ("CHG-1001", True),
        ("CHG-1001-again", True),
        ("CHG-1001.2", True),
        ("manual__2026-11-03T20:00:00+00:00", True),
        ("CHG-1002", False),
        ("CHG-10011", False),
        ("2-CHG-1001", False),
    ],
)
def test_an_id_of_another_change_request_is_remarked_on(run_id: str, well: bool) -> None:
    named = ChangeRequest(BUILD, ("westeurope",), OnFailure.HALT, change_request="CHG-1001")
    said = named.misnamed(run_id)
    assert (said is None) == well
    assert said is None or (run_id in said and "CHG-1001" in said)
    assert PLAIN.misnamed(run_id) is None
