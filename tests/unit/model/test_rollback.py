"""What may be asked of a rollback, and how its look is put into words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from include.airlock.errors import RequestError
from include.airlock.model.loading import load_service
from include.airlock.model.rollback import Outlook, RollbackRequest, Way, report, rollback_schema

PAYMENTS = load_service(Path(__file__).resolve().parents[3] / "dags/services/payments.yaml")


def asked(**conf: Any) -> RollbackRequest:
    return RollbackRequest.of(PAYMENTS, conf)


def test_a_reason_is_enough() -> None:
    assert asked(reason=" too slow ") == RollbackRequest("too slow", PAYMENTS.places)


def test_all_that_can_be_asked() -> None:
    found = asked(reason="bad", release="CHG-7", dry=True, regions=["uksouth", "westeurope"])
    assert found == RollbackRequest("bad", ("westeurope", "uksouth"), "CHG-7", True)


@pytest.mark.parametrize(
    ("conf", "words"),
    [
        ({}, "reason: say why"),
        ({"reason": "  "}, "reason: say why"),
        ({"reason": "no"}, "in 3 characters or more"),
        ({"reason": 7}, "reason: 7 is not text"),
        ({"reason": "x" * 501}, "more than 500"),
        ({"reason": "a\x00b"}, "control characters"),
        ({"reason": "bad", "release": "x\ny"}, "control characters"),
        ({"reason": "bad", "release": "x" * 251}, "more than 250"),
        ({"reason": "bad", "dry": "yes"}, "dry: 'yes' is neither true nor false"),
        ({"reason": "bad", "regions": "uksouth"}, "is not a list"),
        ({"reason": "bad", "regions": ["uksout"]}, "did you mean 'uksouth'"),
        ({"reason": "bad", "force": True}, "unknown key 'force'"),
    ],
)
def test_what_is_wrong_is_named(conf: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError, match="can't roll payments back") as caught:
        asked(**conf)
    assert words in str(caught.value)


def test_only_the_reason_has_no_default() -> None:
    schema = rollback_schema(PAYMENTS)
    assert [name for name, each in schema.items() if "default" not in each] == ["reason"]
    assert tuple(schema) == ("reason", "release", "dry", "regions")


def test_the_report_has_a_line_a_place() -> None:
    looks = [("uksouth", Outlook(Way.INSTANT, "one")), ("westeurope", Outlook(Way.NONE, "two"))]
    assert report(looks) == "  - uksouth: at once: one\n  - westeurope: not possible: two"
