"""What a question shows: its subject, and its body in Markdown. Pure; all that was typed is escaped."""

from __future__ import annotations

import re

from include.airlock.model.decision import approval_meanings
from include.airlock.model.record import Phase, Question, ReleaseRecord
from include.airlock.model.visible import plain

_MARKED = re.compile(r"([\\`*_{}\[\]()<>#+!|~&-])")
"""Characters with a meaning in Markdown or in HTML within it (CommonMark 0.31, "Backslash escapes")."""

_SUBJECT = 900
"""Characters of a question's sentence."""


def escaped(text: str | None, limit: int = 500) -> str:
    """``text`` as Markdown shows it literally, on one line, cut."""
    return _MARKED.sub(r"\\\1", plain(text, limit))


def approval(record: ReleaseRecord, about: str | None) -> str:
    """The question for an approval, in one sentence; ``about``: a place, or None for the release."""
    what = f"{record.service} {record.build}"
    return plain(f"May {what} go to {about}?" if about else f"May {what} be released?", _SUBJECT)


def approval_body(record: ReleaseRecord, about: str | None, question: Question) -> str:
    """What an approver should know: what goes where, why, for whom, and what each answer does."""
    asked = [region for region in record.regions if region.phase is not Phase.NOT_ASKED]
    facts = [
        ("Change request", record.change_request),
        ("Reason", record.reason),
        ("Asked for by", record.requested_by),
        ("On failure", record.on_failure.replace("_", " ")),
        ("Plan", getattr(record, "plan", None)),
        ("Outside the windows because", record.window_override),
    ]
    lines = [f"**{escaped(record.service)} {escaped(record.build)}**", ""]
    lines += [f"- {escaped(r.name)}: {escaped(r.old_build)} → {escaped(r.new_build)}" for r in asked]
    lines += [f"- {label}: {escaped(value)}" for label, value in facts if value]
    lines += [f"- ⚠️ {escaped(warning)}" for warning in record.warnings[:10]]
    return "\n".join([*lines, "", *_meanings(approval_meanings(about)), "", _ends(question)])


def failure(name: str, why: str) -> str:
    """The question about a place that failed."""
    return f"{plain(f'{name} failed at {why}', _SUBJECT)}. What shall become of it?"


def failure_body(record: ReleaseRecord, question: Question, meanings: dict[str, str]) -> str:
    """What failed, and what each choice would do. Airflow keeps the first body of a step's questions."""
    lines = [
        f"**{escaped(record.service)} {escaped(record.build)}: {escaped(question.text, 900)}**",
        "",
        *_meanings(meanings),
        "",
        _ends(question),
        "",
        "Where the step fails again, it asks again with this same text; its log, Slack and the record say "
        "what failed last.",
    ]
    return "\n".join(lines)


def _meanings(meanings: dict[str, str]) -> list[str]:
    return [f"- **{option}**: {escaped(text)}." for option, text in meanings.items()]


def _ends(question: Question) -> str:
    who = f"{', '.join(map(escaped, question.who))} may answer" if question.who else "Answer"
    ends = f"{question.until[:16].replace('T', ' ')} UTC"
    return f"{who} until {escaped(ends)}; then it is **{question.otherwise}**."
