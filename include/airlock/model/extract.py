"""Taking from a page's text what it says about build, health and dependencies, as it stands there."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any

from include.airlock.model.expressions import Unreadable, look, matches
from include.airlock.model.page import Page
from include.airlock.model.status_page import JsonPage, PatternPage
from include.airlock.model.wording import shown

MAX_DEPENDENCIES = 200
# What a page may be written in. Python knows many more codecs, some of them slow on purpose-made input.
CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16"}


@dataclass(frozen=True)
class Found:
    """The values as the page has them, of whatever type; ``faults`` says what could not be found.

    ``dependencies`` are pairs of name and state; None where the page's list is not one.
    """

    build: object = None
    health: object = None
    dependencies: tuple[tuple[object, object], ...] | None = None
    faults: tuple[str, ...] = ()


def decoded(page: Page, default: str = "utf-8") -> str:
    """Give the page's text in the charset it names.

    Raises:
        Unreadable: the charset is not one of ``CHARSETS`` or the bytes are not of it.
    """
    charset = default
    for parameter in page.content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip("\"'").lower()
    if charset not in CHARSETS:
        raise Unreadable(f"its charset {shown(charset)} is not read here")
    try:
        return page.body.decode("utf-8-sig" if charset in ("utf-8", "utf8") else charset)
    except UnicodeDecodeError:
        raise Unreadable(f"its bytes are not {charset}") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key stands there twice")
    return mapping


def from_json(page: Page, where: JsonPage) -> Found:
    """Take the values from a JSON page.

    Raises:
        Unreadable: it is not JSON: RFC 8259, in UTF-8, with each key once.
    """
    text = decoded(page)
    try:
        content = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"it is not JSON ({shown(str(error))[1:-1]})") from None
    faults: list[str] = []

    def value(name: str, expression: str) -> object:
        try:
            return look(expression, content)
        except Unreadable as error:
            faults.append(f"{name} is not readable: {error}")
            return None

    listed = value("dependencies", where.dependencies) if where.dependencies else None
    return Found(
        build=value("build", where.build),
        health=value("health", where.health),
        dependencies=_pairs(listed, where),
        faults=tuple(faults),
    )


def _pairs(listed: object, where: JsonPage) -> tuple[tuple[object, object], ...] | None:
    """Give name and state of each dependency in a list of objects or an object keyed by name."""
    if isinstance(listed, dict):
        return tuple(
            (name, _inside(where.dependency_state, item) if isinstance(item, dict) else item)
            for name, item in listed.items()
        )
    if not isinstance(listed, list):
        return None
    return tuple(
        (_inside(where.dependency_name, item), _inside(where.dependency_state, item)) for item in listed
    )


def _inside(expression: str, item: object) -> object:
    try:
        return look(expression, item)
    except Unreadable:
        return None


def from_text(page: Page, where: PatternPage) -> Found:
    """Take the values from a text or HTML page.

    Raises:
        Unreadable: its bytes are not text.
    """
    content = decoded(page)
    read = html.unescape if where.format == "html" else str
    faults: list[str] = []

    def value(group: str, pattern: str) -> object:
        found = {read(match[group] or "").strip() for match in matches(pattern, content)}
        if len(found) > 1:
            faults.append(f"{group} is found more than once, with different values")
        return found.pop() if len(found) == 1 else None

    return Found(
        build=value("build", where.build),
        health=value("health", where.health),
        dependencies=_listed(where.dependencies, content, read) if where.dependencies else None,
        faults=tuple(faults),
    )


def _listed(pattern: str, content: str, read: Any) -> tuple[tuple[object, object], ...]:
    pairs: list[tuple[object, object]] = []
    for match in matches(pattern, content):
        pairs.append((read(match["name"] or "").strip(), read(match["state"] or "").strip()))
        if len(pairs) > MAX_DEPENDENCIES:
            break
    return tuple(pairs)
