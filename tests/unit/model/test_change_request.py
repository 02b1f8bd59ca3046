"""What may be asked for, and what is said when it can't be."""

# ruff: noqa: E501 (the tables are read by their rows)

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.errors import RequestError
from include.airlock.model.change_request import KEYS, ChangeRequest
from include.airlock.model.loading import parse_service
from include.airlock.model.service import OnFailure
from tests.unit.model.specs import EXAMPLES, example, service

SERVICES = {name: parse_service(example(name), name=f"{name}.yaml") for name in EXAMPLES}
PAYMENTS = SERVICES["payments"]
CHECKOUT = SERVICES["checkout"]
ORDER = PAYMENTS.places


def fault(conf: dict[str, Any], name: str = "payments") -> str:
    with pytest.raises(RequestError) as refusal:
        ChangeRequest.of(SERVICES[name], conf)
    start = f"can't release {name}: "
    assert str(refusal.value).startswith(start)
    return str(refusal.value).removeprefix(start)


def test_the_build_alone_asks_for_all_regions_by_the_specs_policy() -> None:
    request = ChangeRequest.of(PAYMENTS, {"build": "2026.11.2"})
    assert request == ChangeRequest("2026.11.2", ORDER, OnFailure.ROLL_BACK_REGION)


def test_everything_can_be_asked_for() -> None:
    conf = {
        "build": " 2026.11.2 ",
        "change_request": "CHG-1001",
        "regions": ["uksouth"],
        "on_failure": "halt",
        "refresh_build": "2026.11.3",
        "reason": "Fixes\nrounding.",
    }
    assert ChangeRequest.of(PAYMENTS, conf, requested_by="ann") == ChangeRequest(
        build="2026.11.2",
        regions=("uksouth",),
        on_failure=OnFailure.HALT,
        change_request="CHG-1001",
        refresh_build="2026.11.3",
        reason="Fixes\nrounding.",
        requested_by="ann",
    )


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_blank_counts_as_not_given(blank: str | None) -> None:
    conf = dict.fromkeys(KEYS, blank) | {"build": "2026.11.2"}
    assert ChangeRequest.of(PAYMENTS, conf) == ChangeRequest.of(PAYMENTS, {"build": "2026.11.2"})


@given(st.lists(st.sampled_from(ORDER), max_size=6))
def test_any_choice_of_regions_keeps_the_order_of_the_spec(chosen: list[str]) -> None:
    regions = ChangeRequest.of(PAYMENTS, {"build": "2026.11.2", "regions": chosen}).regions
    assert list(regions) == [name for name in ORDER if name in chosen or not chosen]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"build": None}, "build: is missing"),
        ({"build": 2026}, "build: 2026 is not text"),
        ({"build": "v7"}, r"build: 'v7' does not match this service's pattern 20[0-9]{2}\.[0-9]{1,2}\.[0-9]+(-[a-z0-9]+)?"),
        ({"build": "2026.11.2x"}, r"build: '2026.11.2x' does not match this service's pattern 20[0-9]{2}\.[0-9]{1,2}\.[0-9]+(-[a-z0-9]+)?"),
        ({"build": "../2026.11.2"}, "build: '../2026.11.2' is not valid: a letter or digit, then letters, digits, '.', '_', '+' and '-'"),
        ({"build": "2026.11." + "1" * 60}, f"build: '2026.11.{'1' * 50}… has more than 64 characters"),
        ({"build": "2026.11.2\x00"}, r"build: '2026.11.2\x00' is not valid: a letter or digit, then letters, digits, '.', '_', '+' and '-'"),
        ({"regions": ["uksoth"]}, "regions: 'uksoth' is not a region; did you mean 'uksouth'?"),
        ({"regions": ["mars"]}, "regions: 'mars' is not a region; valid: 'westeurope', 'northeurope' or 'uksouth'"),
        ({"regions": "uksouth"}, "regions: 'uksouth' is not a list, like [\"westeurope\"]"),
        ({"regions": [["uksouth"]]}, "regions: \"['uksouth']\" is not a region; did you mean 'uksouth'?"),
        ({"regions": {"uksouth": 1}}, "regions: \"{'uksouth': 1}\" is not a list, like [\"westeurope\"]"),
        ({"on_failure": "hault"}, "on_failure: 'hault' is not valid; did you mean 'halt'?"),
        ({"on_failure": []}, "on_failure: '[]' is not valid; valid: 'halt', 'roll_back_region', 'roll_back_release' or 'ask'"),
        ({"change_request": "a b"}, "change_request: 'a b' is not valid: a letter or digit, then letters, digits, '.', '_', '/', '#', ':' and '-'"),
        ({"change_request": "C" * 65}, f"change_request: '{'C' * 58}… has more than 64 characters"),
        ({"reason": "a\x1b[0m"}, r"reason: 'a\x1b[0m' has control characters or line ends in it"),
        ({"reason": "r" * 501}, "reason: has more than 500 characters"),
        ({"reason": 5}, "reason: 5 is not text"),
        ({"refresh_build": "x"}, r"refresh_build: 'x' does not match this service's pattern 20[0-9]{2}\.[0-9]{1,2}\.[0-9]+(-[a-z0-9]+)?"),
        ({"region": ["uksouth"]}, "unknown key 'region'; did you mean 'regions'?"),
    ],
)  # fmt: skip
def test_one_fault_is_said(changes: dict[str, Any], said: str) -> None:
    assert fault({"build": "2026.11.2", **changes}) == said


def test_all_faults_are_said_at_once() -> None:
    said = fault({"regions": ["mars"], "on_failure": "x", "change_request": 1, "reason": "\x00", "bild": "1"})
    assert [
        part.partition(": ")[0] for part in re.split(r"; (?=build|regions|on_f|chang|reas|unkn)", said)
    ] == [
        "build",
        "regions",
        "on_failure",
        "change_request",
        "reason",
        "unknown key 'bild'; did you mean 'build'?",
    ]


def test_a_build_that_can_not_be_refreshed_is_refused_before_anything_starts() -> None:
    """Given a refresh by image, when the build can't be a tag, then it is said at once and not at the end."""
    assert fault({"build": "1.2+sha"}, "catalog") == "refresh_build: '1.2+sha' can't be an image's tag"
    assert fault({"build": "1.2", "refresh_build": "1.3+sha"}, "catalog") == (
        "refresh_build: '1.3+sha' can't be an image's tag"
    )
    assert (
        ChangeRequest.of(SERVICES["catalog"], {"build": "1.2+sha", "refresh_build": "1.3"}).refresh_build
        == "1.3"
    )


def test_a_refresh_build_without_a_refresh_is_refused() -> None:
    with pytest.raises(RequestError, match="refresh_build: the spec of this service has no refresh"):
        ChangeRequest.of(service(), {"build": "1", "refresh_build": "2"})


def test_a_name_that_can_not_be_shown_is_dropped() -> None:
    assert ChangeRequest.of(PAYMENTS, {"build": "2026.11.2"}, requested_by="a\nb").requested_by is None


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(ORDER),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), JUNK, max_size=8))
def test_anything_is_a_change_request_or_one_line_of_faults(conf: dict[str, Any]) -> None:
    try:
        request = ChangeRequest.of(PAYMENTS, conf)
    except RequestError as error:
        assert str(error).isprintable()
    else:
        assert set(request.regions) <= set(ORDER)
        assert request.regions


@given(st.lists(st.sampled_from(CHECKOUT.places), max_size=4))
def test_farms_are_chosen_by_the_names_of_their_lanes(chosen: list[str]) -> None:
    asked = ChangeRequest.of(CHECKOUT, {"build": "1", "regions": chosen}).regions
    assert list(asked) == [name for name in CHECKOUT.places if name in chosen or not chosen]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"regions": ["eu-west-1"]}, "regions: 'eu-west-1' is not a farm; did you mean 'eu-west-1.staging'?"),
        ({"regions": ["production"]}, "regions: 'production' is not a farm; did you mean 'eu-west-1.production'?"),
        ({"on_failure": "rollback_machine"}, "on_failure: 'rollback_machine' is not valid; did you mean 'roll_back_machine'?"),
        ({"refresh_build": "2"}, "refresh_build: the spec of this service has no refresh"),
    ],
)  # fmt: skip
def test_one_fault_of_a_rolling_release_is_said(changes: dict[str, Any], said: str) -> None:
    assert fault({"build": "1", **changes}, "checkout") == said


@pytest.mark.parametrize("name", ["payments", "search"])
def test_a_machine_alone_is_rolled_back_by_rolling_only(name: str) -> None:
    """Given a strategy without machines in turn, when that policy is asked for, then the words it has are said."""
    assert fault({"build": "2026.11.2", "on_failure": "roll_back_machine"}, name) == (
        "on_failure: 'roll_back_machine' is for the strategy 'rolling' alone; "
        "valid: 'halt', 'roll_back_region', 'roll_back_release' or 'ask'"
    )
