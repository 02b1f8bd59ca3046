"""docs/security.md gives limits and times: they are those of the code and of Airflow."""

from __future__ import annotations

import re

import pytest
from airflow.configuration import conf

from include.airlock.model import change_request, decision, rollback
from include.airlock.release import unlocking
from tests.unit.pages import ROOT, text

PAGE = "docs/security.md"


def row(start: str) -> str:
    (found,) = re.findall(rf"^\| {re.escape(start)}.*$", text(PAGE), re.MULTILINE)
    return str(found)


@pytest.mark.parametrize(
    ("start", "longest"),
    [
        ("`build`", [change_request.BUILD.longest]),
        ("`change_request`", [change_request.CHANGE_REQUEST.longest]),
        (
            "`reason`",
            [
                change_request.REASON.longest,
                change_request.WINDOW_OVERRIDE.longest,
                decision.REASON.longest,
                rollback.REASON.longest,
                unlocking.REASON.longest,
            ],
        ),
        ("run id", [rollback.RELEASE.longest]),
    ],
)
def test_the_limits_are_those_of_the_code(start: str, longest: list[int]) -> None:
    assert all(f" {limit} characters" in row(start) for limit in longest)


def test_a_run_id_is_what_airflow_allows() -> None:
    pattern = conf.get("scheduler", "allowed_run_id_pattern")
    (shown,) = re.findall(r"of `([^`]+)` \|", row("run id"))
    allowed = {c for c in map(chr, range(33, 127)) if re.fullmatch(pattern, c)}
    assert allowed == {c for part in shown.split() for c in expand(part)}


def expand(part: str) -> str:
    first, dash, last = part.partition("-") if len(part) == 3 else (part, "", "")
    return "".join(map(chr, range(ord(first), ord(last) + 1))) if dash else part


def test_a_token_lives_as_long_as_the_page_says() -> None:
    assert "Tokens end after a day (`[api_auth] jwt_expiration_time`" in text(PAGE)
    assert conf.getint("api_auth", "jwt_expiration_time") == 86_400


def test_every_way_in_has_its_page() -> None:
    for page in ("api.md", "command-line.md", "record.md", "approvals.md", "connections.md"):
        assert f"({page}" in text(PAGE)
        assert (ROOT / "docs" / page).exists()
