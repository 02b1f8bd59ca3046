"""Text for a terminal: what others wrote has no power to steer it; moments and times in words."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_STEERING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that show nothing, end a line or turn the text around."""


def plain(text: object, longest: int = 2000) -> str:
    """One line without control characters, so that no text from outside moves the cursor or hides another."""
    shown = "".join(
        " " if char in "\n\r\t" else char if unicodedata.category(char) not in _STEERING else "?"
        for char in str(text)[: longest + 1]
    )
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def plain_lines(text: object, longest: int = 8000) -> str:
    """The same for text of several lines; those after the first are set in, so that none poses as ours."""
    first, *more = str(text)[:longest].split("\n")
    return "\n".join([plain(first), *(f"    {plain(line).strip()}" for line in more)])


_MARKS = re.compile(r"\\([\\`*_{}\[\]()<>#+!|~&-])|\*\*|`")


def unmarked(text: str) -> str:
    """Markdown without its escapes and its signs for bold and code, which a terminal does not read."""
    return _MARKS.sub(lambda found: found[1] or "", text)


def moment(at: datetime) -> str:
    """``2026-11-03 20:00 UTC``."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """``8 s``, ``2 min 5 s``, ``3 h 4 min``, ``2 d 3 h``."""
    whole = max(round(seconds), 0)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(whole: int, large: int, large_word: str, small: int, small_word: str) -> str:
    rest = whole % large // small
    return f"{whole // large} {large_word}" + (f" {rest} {small_word}" if rest else "")
