"""What a question shows: everything that an approver needs, and nothing that was typed as Markdown."""

from __future__ import annotations

import pytest

from include.airlock.model.decision import meanings
from include.airlock.model.record import Phase, Question, RegionRecord, ReleaseRecord
from include.airlock.release.asking_words import approval, approval_body, escaped, failure, failure_body

NASTY = "<img src=x onerror=alert(1)> [here](https://evil) `rm` **bold** | ~~no~~ \u202etxt\n# head"


def record() -> ReleaseRecord:
    return ReleaseRecord(
        release="CHG-1",
        dag="release_payments",
        service="payments",
        build="2026.11.2",
        change_request="CHG-1",
        reason=NASTY,
        requested_by="eve",
        on_failure="roll_back_region",
        started_at="t",
        warnings=["northeurope: staging is slow"],
        regions=[
            RegionRecord(name="westeurope", old_build="2026.11.1", new_build="2026.11.2"),
            RegionRecord(name="uksouth", phase=Phase.NOT_ASKED),
        ],
    )


def question(about: str, text: str) -> Question:
    return Question(
        about=about,
        step="approve",
        text=text,
        options=[],
        asked_at="t",
        until="2026-11-24T20:30:00+00:00",
        otherwise="Reject",
        who=["ann", "b*n"],
    )


def shown(body: str) -> str:
    """The body as Markdown shows it: a backslash keeps the next character as it is."""
    return body.replace("\\", "")


def test_an_approver_sees_what_goes_where_why_and_for_whom() -> None:
    asked = question("release", approval(record(), None))
    assert asked.text == "May payments 2026.11.2 be released?"
    body = shown(approval_body(record(), None, asked))
    for fact in (
        "westeurope: 2026.11.1 → 2026.11.2",
        "Change request: CHG-1",
        "Asked for by: eve",
        "On failure: roll back region",
        "⚠️ northeurope: staging is slow",
        "**Approve**: the regions are changed",
        "**Reject**: the release ends before that; nothing is touched; needs a reason.",
        "ann, b*n may answer until 2026-11-24 20:30 UTC; then it is **Reject**.",
    ):
        assert fact in body
    assert "uksouth" not in body


def test_what_was_typed_is_shown_and_not_meant() -> None:
    body = approval_body(record(), "westeurope", question("westeurope", "May it?"))
    line = next(line for line in body.splitlines() if line.startswith("- Reason"))
    assert "\\<img src=x onerror=alert\\(1\\)\\>" in line
    assert "\\[here\\]\\(https://evil\\)" in line and "\\`rm\\`" in line and "\\*\\*bold\\*\\*" in line
    assert "\u202e" not in body


@pytest.mark.parametrize("text", [NASTY, "x" * 10_000, "", None])
def test_it_is_one_line_of_limited_length(text: str | None) -> None:
    assert "\n" not in escaped(text, 100)
    assert len(shown(escaped(text, 100))) <= 100


def test_a_failure_says_what_each_choice_would_do() -> None:
    asked = question("westeurope", failure("westeurope", "verify: not connected: 'database'"))
    assert asked.text == "westeurope failed at verify: not connected: 'database'. What shall become of it?"
    told = meanings("westeurope", "2026.11.1", "2026.11.2")
    body = shown(failure_body(record(), asked, told))
    assert all(f"- **{option}**: {text}." in body for option, text in told.items())
