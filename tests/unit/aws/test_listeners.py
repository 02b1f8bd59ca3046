"""The actions that are sent when weights change: everything else as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.airlock.aws.listeners import reweighted
from include.airlock.errors import Rejected

BLUE, GREEN, CANARY = "arn:blue", "arn:green", "arn:canary"


def forward(*weights: tuple[str, int], **settings: Any) -> dict[str, Any]:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups, **settings}}


def test_a_lone_group_gets_a_neighbour() -> None:
    """Given one group without a weight, when another is added at 0, then both are in one list."""
    lone = {"Type": "forward", "TargetGroupArn": BLUE, "Order": 1}
    (sent,) = reweighted((lone,), {GREEN: 0})
    assert sent == {**forward((BLUE, 1), (GREEN, 0)), "Order": 1}


def test_stickiness_and_groups_not_named_stay() -> None:
    sticky = {"TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 3600}}
    read = forward((BLUE, 100), (CANARY, 3), **sticky)
    (sent,) = reweighted((read,), {BLUE: 0, GREEN: 100})
    assert sent == forward((BLUE, 0), (CANARY, 3), (GREEN, 100), **sticky)


def test_actions_before_the_forward_stay_in_place() -> None:
    """AWS shows no OIDC secret: sent back as read, the listener would lose it."""
    login = {
        "Type": "authenticate-oidc",
        "Order": 1,
        "AuthenticateOidcConfig": {"Issuer": "https://id", "ClientId": "airlock"},
    }
    sent = reweighted((login, {**forward((BLUE, 1)), "Order": 2}), {BLUE: 1, GREEN: 1})
    assert [action["Type"] for action in sent] == ["authenticate-oidc", "forward"]
    assert [action["Order"] for action in sent] == [1, 2]
    assert sent[0]["AuthenticateOidcConfig"] == {
        "Issuer": "https://id",
        "ClientId": "airlock",
        "UseExistingClientSecret": True,
    }


@pytest.mark.parametrize("weights", [{BLUE: 0}, {BLUE: 0, GREEN: 0}, {BLUE: -1}, {GREEN: 1000}])
def test_weights_that_would_answer_nobody_or_are_no_weights(weights: dict[str, int]) -> None:
    with pytest.raises(Rejected):
        reweighted((forward((BLUE, 100)),), weights)


@given(
    st.dictionaries(st.sampled_from([BLUE, GREEN, CANARY]), st.integers(0, 999), min_size=1),
    st.dictionaries(st.sampled_from([BLUE, GREEN]), st.integers(0, 999)),
)
def test_what_is_sent_is_what_was_there_with_what_is_named(
    had: dict[str, int], named: dict[str, int]
) -> None:
    wanted = had | named
    action = forward(*had.items())
    if not any(wanted.values()):
        with pytest.raises(Rejected):
            reweighted((action,), named)
        return
    (sent,) = reweighted((action,), named)
    assert sent == forward(*wanted.items())
    assert action == forward(*had.items()), "what was read must not change"
