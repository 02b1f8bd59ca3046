"""JMESPath expressions and patterns that a spec looks into a status page with.

Both are checked when the spec is read. Patterns run on RE2 (https://github.com/google/re2/wiki/Syntax),
which takes time in proportion to the page whatever the pattern: no page can hold a worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jmespath
from jmespath.exceptions import JMESPathError

from include.airlock.model.fields import Checked
from include.airlock.model.wording import fault, one_of, shown

if TYPE_CHECKING:
    import re

LONGEST = 300


class Unreadable(ValueError):
    """An expression could not be applied to a page; the text says why."""


def look(expression: str, page: Any) -> Any:
    """Apply a JMESPath expression; what is absent gives None.

    Raises:
        Unreadable: the page's values don't suit the expression's functions.
    """
    try:
        return jmespath.search(expression, page)
    except RecursionError:
        raise Unreadable("the page is nested too deeply") from None
    # The library leaks plain errors of Python on values of an unforeseen type, e.g. a slice step of 0.
    except (JMESPathError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise Unreadable(first_line(error)) from None


def first_line(error: Exception) -> str:
    """Give the first line of an error's text, shortened."""
    lines = str(error).splitlines()
    return shown(lines[0])[1:-1] if lines else type(error).__name__


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern with RE2.

    Raises:
        Unreadable: RE2 does not accept it; look-around and back references are among what it refuses.
    """
    import re2  # type: ignore[import-untyped]  # google-re2 ships no types

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 4 << 20
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raw = error.args[0]
        detail = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
        raise Unreadable(shown(detail)[1:-1]) from None


def matches(pattern: str, page: str) -> Iterator[dict[str, str | None]]:
    """Give the named groups of each place where the pattern is found."""
    for match in compiled(pattern).finditer(page):
        yield match.groupdict()


@dataclass(frozen=True)
class Expression(Checked):
    """A JMESPath expression (https://jmespath.org/specification.html)."""

    example: str

    def check(self, value: str) -> str:
        """Refuse what JMESPath can't parse."""
        _refuse_length(value)
        try:
            jmespath.compile(value)
        except (JMESPathError, ValueError, RecursionError) as error:
            raise fault(f"{shown(value)} is not a JMESPath expression: {first_line(error)}") from None
        return value

    def json(self) -> dict[str, Any]:
        """Give length and example."""
        return {"type": "string", "minLength": 1, "maxLength": LONGEST, "examples": [self.example]}


@dataclass(frozen=True)
class Pattern(Checked):
    """An RE2 pattern with these named groups; with none named, one that must match a build as a whole."""

    groups: tuple[str, ...]
    example: str

    def check(self, value: str) -> str:
        """Refuse what RE2 can't compile, and a pattern that lacks a group."""
        _refuse_length(value)
        try:
            found = compiled(value).groupindex
        except Unreadable as error:
            raise fault(f"{shown(value)} is not a pattern: {error}") from None
        missing = [f"(?P<{group}>…)" for group in self.groups if group not in found]
        if missing:
            raise fault(f"{shown(value)} lacks the named group {' and '.join(missing)}")
        if not self.groups and "(?" in value.replace("(?:", ""):
            raise fault(
                f"{shown(value)} may group only with {one_of(['(…)', '(?:…)'])}; forms can't read the rest"
            )
        return value

    def json(self) -> dict[str, Any]:
        """Give length and example."""
        return {"type": "string", "minLength": 1, "maxLength": LONGEST, "examples": [self.example]}


def _refuse_length(value: str) -> None:
    if not value.strip():
        raise fault("is empty")
    if len(value) > LONGEST:
        raise fault(f"has more than {LONGEST} characters")
