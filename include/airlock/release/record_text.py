"""The record file's text: YAML that a person reads.

Every value is in double quotes and on one line, so that none can fake a line, a key or a comment, and no
reader, whether it goes by YAML 1.1 or 1.2, takes a build for a number or a reason for a date.
"""

from __future__ import annotations

from typing import Any

import yaml

from include.airlock.model.record_file import TEXT_LIMIT, RecordFile

_SECTIONS = {
    "airlock_record": "The record of a release, written by Airlock from its ledger.",
    "asked": "Who asked for what, and why",
    "plan": "What was planned before anything was touched",
    "decisions": "What people were asked, and what they answered",
    "places": "How each place fared",
    "rollback": "The release undone afterwards, and the locks in its name",
    "timeline": "Every look and act, by time",
}
"""The comment above each part, by the part's first key."""


class _Dumper(yaml.SafeDumper):
    """Every text in double quotes, so that no reader takes one for a number, a date or a word of YAML."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write what appears twice twice: an alias is nothing for a person."""
        return True


class _Key(str):
    """A key of ours, which needs no quotes."""


class _OnOneLine(dict[Any, Any]):
    """One of many entries, written on a line of its own."""


def _scalar(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar(_STR, str(text), style=None if isinstance(text, _Key) else '"')


def _one_line(dumper: yaml.SafeDumper, entry: _OnOneLine) -> yaml.Node:
    return dumper.represent_mapping(_MAP, entry.items(), flow_style=True)


_STR, _MAP = "tag:yaml.org,2002:str", "tag:yaml.org,2002:map"
_WIDTH = 100 * TEXT_LIMIT
"""No text is broken over lines."""

_Dumper.add_representer(str, _scalar)
_Dumper.add_representer(_Key, _scalar)
_Dumper.add_representer(_OnOneLine, _one_line)

_ENTRIES = ("calls", "way_back", "decisions", "refused", "beforehand", "timeline")
"""Lists whose entries take a line each."""


def render(file: RecordFile) -> str:
    """The file's text: YAML, with a comment above each part."""
    parts: list[str] = []
    for key, value in file.model_dump(mode="json").items():
        if key in _SECTIONS:
            parts.append(("\n" if parts else "") + f"# {_SECTIONS[key]}\n")
        parts.append(
            yaml.dump(_keyed({key: value}), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
        )
    return "".join(parts)


def _keyed(value: Any, kind: type[dict[Any, Any]] = dict) -> Any:
    """The same with our own keys marked as such, and the entries of long lists."""
    if isinstance(value, dict):
        return kind(
            {
                _Key(key): _keyed(inner, _OnOneLine if key in _ENTRIES else dict)
                for key, inner in value.items()
            }
        )
    return [_keyed(inner, kind) for inner in value] if isinstance(value, list) else value
