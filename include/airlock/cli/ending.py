"""How a command ends: its exit code, and the one sentence that says why."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; they are documented in docs/command-line.md and never change their meaning."""

    DONE = 0
    """Done as asked; of a release that was waited for: released."""
    FAILED = 1
    """It failed; of a release: it halted, or ended without a verdict."""
    BAD_INPUT = 2
    """What was asked for can't be; nothing was started."""
    ROLLED_BACK = 3
    """A release failed and was brought back."""
    REFUSED = 4
    """A release was refused before anything was touched."""
    NO_AIRFLOW = 5
    """Airflow can't be reached, does not answer sensibly, or does not let this user in."""
    INTERRUPTED = 130
    """Ctrl-C; a release that was started goes on."""


OUTCOMES = {
    "released": Exit.DONE,
    "halted": Exit.FAILED,
    "rolled_back": Exit.ROLLED_BACK,
    "refused": Exit.REFUSED,
    # A scheduled start that found the same build in staging and production.
    "nothing_to_release": Exit.DONE,
    "planned": Exit.DONE,
}
"""The exit code of a release, by the ``outcome`` of its verdict."""


class CannotGoOn(Exception):
    """The command ends here; the text is a sentence for people, ``code`` the exit code."""

    def __init__(self, text: str, code: Exit) -> None:
        super().__init__(text)
        self.code = code


def bad_input(text: str) -> CannotGoOn:
    """What was asked for can't be."""
    return CannotGoOn(text, Exit.BAD_INPUT)
