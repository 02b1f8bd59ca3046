"""Reading YAML into plain values that remember their lines, from events and within limits.

It reads less than YAML allows, so that a spec says one thing only: one document; no aliases,
anchors, tags or merge keys; each key once. Plain scalars follow YAML 1.2's core schema
(https://yaml.org/spec/1.2.2/#103-core-schema): ``no`` and ``on`` are words, not booleans.
PyYAML's parser written in C takes a tenth of a millisecond for a spec, where a round-trip loader
takes two; the DAG processor reads every spec every few seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,30}|[0-9]{1,30}(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

Path = tuple[str | int, ...]


@dataclass
class Tree:
    """A document: its plain value, the line of each value and key (from 1), and what was wrong in it."""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[tuple[int, Path, str]] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Give the line of a place; where it has none, that of the nearest place above it that has one.

        Parts of the path that don't stand in the file, like the tag of a union, are passed over.
        """
        here: Path = ()
        for part in path:
            if (*here, part) in self.lines:
                here = (*here, part)
        return self.lines.get(here, 1)

    def has(self, path: Path) -> bool:
        """Say whether a value stands at that place."""
        return path in self.lines


class NotYaml(ValueError):
    """The text is not YAML as it is read here; ``line`` (from 1) is where."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line


def parse(text: str) -> Tree:
    """Read one YAML document.

    Raises:
        NotYaml: a syntax error, or something that is not read here at all.
    """
    tree = Tree()
    try:
        events = iter(yaml.parse(text, Loader=_LOADER))
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if tree.lines:
                    raise NotYaml(_line(event), "a second document starts; a spec is one document")
                tree.value = _node(next(events), events, tree, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(part for part in (error.context, error.problem) if part)
        raise NotYaml(mark.line + 1 if mark else 1, f"not YAML: {problem}") from None
    except yaml.YAMLError as error:
        raise NotYaml(_reader_line(text, error), f"not YAML: {str(error).splitlines()[0]}") from None
    return tree


def _reader_line(text: str, error: yaml.YAMLError) -> int:
    """Give the line of a character that YAML does not allow; the reader tells only its position."""
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else 1


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _node(event: Any, events: Iterator[Any], tree: Tree, path: Path) -> Any:
    tree.lines.setdefault(path, _line(event))
    if len(path) > MAX_DEPTH:
        raise NotYaml(_line(event), f"nested more than {MAX_DEPTH} levels deep")
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise NotYaml(_line(event), "anchors and aliases (& and *) are not read in a spec; write it out")
    if event.tag not in (None, "!"):
        raise NotYaml(_line(event), "tags (!) are not read in a spec")
    if isinstance(event, yaml.ScalarEvent):
        return _plain(event.value) if event.implicit[0] else event.value
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(events, tree, path)
    return _mapping(events, tree, path)


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _sequence(events: Iterator[Any], tree: Tree, path: Path) -> list[Any]:
    items: list[Any] = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        items.append(_node(event, events, tree, (*path, len(items))))
    return items


def _mapping(events: Iterator[Any], tree: Tree, path: Path) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        if not isinstance(event, yaml.ScalarEvent):
            raise NotYaml(_line(event), "a key must be a word")
        key, line = event.value, _line(event)
        if key == "<<" and event.implicit[0]:
            raise NotYaml(line, "merge keys (<<) are not read in a spec; write it out")
        if key in mapping:
            tree.faults.append(
                (line, (*path, key), f"stands here twice, first in line {tree.lines[(*path, key)]}")
            )
            _node(next(events), events, Tree(), (*path, key))
            continue
        tree.lines[(*path, key)] = line
        mapping[key] = _node(next(events), events, tree, (*path, key))
    return mapping
