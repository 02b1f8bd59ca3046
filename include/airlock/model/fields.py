"""The kinds of text a spec is made of, each with its limits and its own words for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from include.airlock.model.wording import fault, shown

CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
"""Characters that could break a line, turn the text around where it is shown, or hide in it."""


class Closed(BaseModel):
    """A part of a spec: unknown keys are refused, and it can't be changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class Checked:
    """A mark for ``Annotated[str, …]``: a check of the text and its JSON Schema."""

    def check(self, value: str) -> str:
        """Return the value to keep, or raise a fault."""
        raise NotImplementedError

    def json(self) -> dict[str, Any]:
        """Describe the text for editors and forms."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check after Pydantic made sure that it is text."""
        return core_schema.no_info_after_validator_function(self.check, core_schema.str_schema(strict=True))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the text for editors and forms."""
        return self.json()


@dataclass(frozen=True)
class Word(Checked):
    """Text that matches ``pattern`` as a whole; ``rule`` says the same in words."""

    pattern: str
    rule: str
    longest: int
    example: str = ""

    def check(self, value: str) -> str:
        """Refuse a value that is too long or does not match."""
        if len(value) > self.longest:
            raise fault(f"{shown(value)} has more than {self.longest} characters")
        if not re.fullmatch(self.pattern, value):
            raise fault(f"{shown(value)} is not valid: {self.rule}")
        return value

    def json(self) -> dict[str, Any]:
        """Give the pattern, anchored."""
        return {
            "type": "string",
            "pattern": f"^(?:{self.pattern})$",
            "maxLength": self.longest,
            **({"examples": [self.example]} if self.example else {}),
        }


@dataclass(frozen=True)
class Text(Checked):
    """Free text, trimmed, not blank, without control characters; tabs and line ends only where asked for."""

    longest: int
    several_lines: bool = False

    def check(self, value: str) -> str:
        """Trim, then refuse what is blank, too long or holds control characters."""
        value = value.strip()
        if not value:
            raise fault("is empty")
        if len(value) > self.longest:
            raise fault(f"has more than {self.longest} characters")
        if CONTROL.search(re.sub(r"[\t\r\n]", " ", value) if self.several_lines else value):
            raise fault(f"{shown(value)} has control characters or line ends in it")
        return value

    def json(self) -> dict[str, Any]:
        """Give the limits of length."""
        return {"type": "string", "minLength": 1, "maxLength": self.longest}


Name = Annotated[
    str,
    Word(
        r"[a-z][a-z0-9_]{0,39}",
        "a lower-case letter, then lower-case letters, digits and '_', 40 characters at most",
        longest=40,
        example="payments",
    ),
]
"""A service's name; it becomes part of DAG and task ids."""

PlaceName = Annotated[
    str,
    Word(
        r"[a-z][a-z0-9_-]{0,39}",
        "a lower-case letter, then lower-case letters, digits, '_' and '-', 40 characters at most",
        longest=40,
        example="westeurope",
    ),
]
"""A region's or farm's name; it becomes part of task ids, which may have dashes."""

ConnectionId = Annotated[
    str,
    Word(
        r"[A-Za-z0-9_][A-Za-z0-9_.-]*",
        "an Airflow connection id has letters, digits, '_', '-' and '.'",
        longest=200,
    ),
]

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST_PATTERN = rf"(?:(?:{_LABEL}\.)*{_LABEL}|\[[0-9A-Fa-f:]{{2,39}}\])(?::[0-9]{{1,5}})?"

Host = Annotated[
    str,
    Word(
        HOST_PATTERN,
        "a bare host name, with ':port' where needed; no scheme, path or user name",
        longest=259,
        example="payments.example.com",
    ),
]

# The narrow alphabet lets a build go into URLs and image tags as it is; starting with a letter or
# digit keeps it from being an option ("-x") or a path ("../x").
BUILD_PATTERN = r"[0-9A-Za-z][0-9A-Za-z._+-]{0,63}"

Build = Annotated[
    str,
    Word(
        BUILD_PATTERN,
        "a letter or digit, then letters, digits, '.', '_', '+' and '-'",
        longest=64,
        example="2026.11.2",
    ),
]
"""A build number as it may be asked for."""


MAX_PATH = 300

_PATH_TRICKS: tuple[tuple[Callable[[str], object], str], ...] = (
    (
        lambda path: "://" in path or path.startswith("//"),
        "points elsewhere; give only the path, the host is the region's own",
    ),
    (CONTROL.search, "has control characters in it"),
    (lambda path: "\\" in path, "has a '\\' in it"),
    (lambda path: re.search("@|%40", path), "has an '@' in it, which could name another host"),
    (lambda path: "#" in path, "has a '#' in it; a fragment never reaches the server"),
    (lambda path: not path.startswith("/"), "must start with '/'"),
    (lambda path: "//" in path, "has '//' in it"),
    (
        lambda path: re.search(r"/(?:\.|%2e){1,2}(?:/|\?|%2f|%5c|$)", path, re.I),
        "has a '.' or '..' step in it",
    ),
    (
        lambda path: re.search("%[01]|%2f|%5c|%7f", path, re.I),
        "has an escaped slash or control character in it",
    ),
    (
        lambda path: not re.fullmatch(r"(?:[A-Za-z0-9/._~!$&'()*+,;=:?-]|%[0-9A-Fa-f]{2})*", path),
        "has characters that a URL path can't have",
    ),
    (lambda path: len(path) > MAX_PATH, f"has more than {MAX_PATH} characters"),
)


def check_path(path: str) -> str:
    """Check the path of a status page: it stays below the region's own host, and reads one way only.

    Raises:
        PydanticCustomError: with a sentence that says what is wrong.
    """
    for trick, sentence in _PATH_TRICKS:
        if trick(path):
            raise fault(f"{shown(path)} {sentence}")
    return path


class _StatusPath(Checked):
    def check(self, value: str) -> str:
        return check_path(value)

    def json(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^/", "maxLength": MAX_PATH, "examples": ["/status"]}


StatusPath = Annotated[str, _StatusPath()]
