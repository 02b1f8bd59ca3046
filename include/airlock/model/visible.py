"""Text of others on one visible line: what a value may hold and what is shown of it are two things."""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that show nothing or change how the text around them is shown."""


def plain(text: str | None, limit: int) -> str:
    """``text`` on one line of at most ``limit`` characters, without anything invisible.

    Control and format characters go (line ends, escape sequences, reversed text), so that a
    value can't fake a line or a word of ours.
    """
    spaced = "".join(" " if character.isspace() else character for character in text or "")
    shown = "".join(c for c in spaced if unicodedata.category(c) not in _HIDDEN)
    return clipped(" ".join(shown.split()), limit)


def line(text: str) -> str:
    """``text`` as one line of a table: its spaces stay, what would end or steer the line goes."""
    return "".join(" " if c in "\r\n\t" else c for c in text if c in "\r\n\t" or not _steers(c))


def _steers(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN


def clipped(text: str, limit: int) -> str:
    """``text``, or its beginning and an ellipsis where it is longer than ``limit``."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
