"""The JSON Schema of a spec and its reference in words, both generated from the models.

``python -m include.airlock.model.schema --write`` writes ``docs/service.schema.json`` and
``docs/spec.md``; ``--check`` says whether they are fresh and exits 1 when they are not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from include.airlock.model.durations import EXAMPLES as EXAMPLES_OF_DURATIONS
from include.airlock.model.durations import format_duration, parse_duration
from include.airlock.model.service import Service

ROOT = Path(__file__).resolve().parents[3]
SCHEMA_FILE = Path("docs/service.schema.json")
REFERENCE_FILE = Path("docs/spec.md")


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of ``dags/services/<service>.yaml``, for editors."""
    schema = Service.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        _write_defaults(model.get("properties", {}))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Airlock service",
        "description": "What a team writes about its service: `dags/services/<service>.yaml`.",
    }


def _write_defaults(fields: dict[str, Any]) -> None:
    """Write defaults of durations as a spec does; Pydantic writes them as ISO 8601."""
    for field in fields.values():
        if field.get("examples") == EXAMPLES_OF_DURATIONS and "default" in field:
            field["default"] = format_duration(parse_duration(field["default"]))


def reference() -> str:
    """Give the reference of all keys as Markdown."""
    schema = json_schema()
    parts = [_INTRODUCTION, _table("The service", schema, schema)]
    for name, title in _SECTIONS.items():
        parts.append(_table(title, schema["$defs"][name], schema))
    parts.append(_WORDS)
    return "\n".join(parts)


_SECTIONS = {
    "SlotRegion": "`regions[]`",
    "JsonPage": "`status_page` with `format: json`",
    "PatternPage": "`status_page` with `format: text` or `format: html`",
    "Announce": "`announce`",
    "SlackChannel": "`announce.slack`",
    "Webhook": "`announce.webhooks[]`",
    "Refresh": "`refresh`",
    "Package": "`refresh.package`",
    "Container": "`refresh.container`",
}

_INTRODUCTION = """\
# The spec of a service

<!-- Generated from the models: python -m include.airlock.model.schema --write -->

A service is described by one file, `dags/services/<service>.yaml`. It names Airflow connections
and never holds a secret. Whatever is wrong in it is said with file and line, all at once:

```text
payments.yaml:6: strategy: 'slot_swp' is not a strategy; did you mean 'slot_swap'?
payments.yaml:28: status_page: unknown key 'intervall'; did you mean 'interval'?
```

With `# yaml-language-server: $schema=../../docs/service.schema.json` as its first line, editors
that know JSON Schema complete the keys and mark faults as you type. Examples to start from:
[payments](../dags/services/payments.yaml) (JSON page, three regions, package),
[catalog](../dags/services/catalog.yaml) (HTML page, container) and
[identity](../dags/services/identity.yaml) (one region, rolled back as a whole).

Values are read by YAML 1.2's rules, so `no` and `on` are words. A spec has no anchors, aliases,
tags or merge keys, and each key stands once. **Bold** keys are required.
"""

_WORDS = """\
## How the status page is weighed

- **Healthy**: the page was read completely, the expected build answers, `health` is one of
  `healthy_values` and every dependency is connected.
- **Unhealthy**: the page says clearly that something is wrong: another build, another health, or a
  dependency that is not connected. `unhealthy_after` of these in a row fail the region at once. Another
  build alone counts only after the new one has been seen, since right after a swap the old one may
  still answer.
- **Inconclusive**: everything else. No answer, an answer other than 200, a redirect, a page that is cut
  off, larger than 256 KiB, not of its format or in another charset, a value that is absent or of a
  wrong type, an empty list of dependencies, a required one that is not listed, or a health among
  `starting_values`. It is never taken as good and fails only at the `deadline`.

`consecutive` Healthy answers in a row, each on a fresh connection, prove a slot. Any other answer
starts the row anew. An expression that gives a good answer on an empty page is refused when the
spec is read.

## How values are written

- **Durations** are `90s`, `500ms`, `5m`, `1h30m` or ISO 8601 like `PT5M`. A plain number is refused.
- **Expressions** are [JMESPath](https://jmespath.org/specification.html), at most 300 characters.
- **Patterns** are [RE2](https://github.com/google/re2/wiki/Syntax), at most 300 characters: their time grows
  with the page and nothing else. There is no look-around and no back reference.
- **Values** of a page are compared without regard to case and outer space when they are text, and
  exactly otherwise: `true` is not `"true"`.
"""


def _table(title: str, model: dict[str, Any], schema: dict[str, Any]) -> str:
    required = set(model.get("required", ()))
    lines = [f"## {title}", ""]
    lines += [*model["description"].replace("``", "`").split("\n"), ""]
    lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    for key, field in sorted(model["properties"].items(), key=lambda each: each[0] not in required):
        name = f"**`{key}`**" if key in required else f"`{key}`"
        value, default = _cell(_value(field, schema)), _cell(_default(key, field, required))
        lines.append(f"| {name} | {value} | {default} | {_cell(_meaning(field))} |")
    return "\n".join([*lines, ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _meaning(field: dict[str, Any]) -> str:
    return str(field.get("description", ""))


def _default(key: str, field: dict[str, Any], required: set[str]) -> str:
    if key in required or "default" not in field:
        return ""
    default = field["default"]
    if isinstance(default, list):
        return ", ".join(f"`{json.dumps(each)}`" for each in default) or "none"
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


def _value(field: dict[str, Any], schema: dict[str, Any]) -> str:
    """Say in words what a key takes."""
    return ", or ".join(dict.fromkeys(_kinds(field, schema)))


def _kinds(field: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    for each in field.get("anyOf") or field.get("oneOf") or ():
        yield from _kinds(each, schema)
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        inner = schema["$defs"][name]
        yield from _kinds(inner, schema) if "enum" in inner else (_link(name),)
    elif "enum" in field or "const" in field:
        yield " or ".join(f"`{word}`" for word in field.get("enum", [field.get("const")]))
    elif field.get("type") == "array":
        yield f"list{_limits(field, 'Items')} of {_value(field['items'], schema)}"
    elif "type" in field:
        yield _scalar(field)


def _link(name: str) -> str:
    title = _SECTIONS[name]
    anchor = "".join(char for char in title.lower() if char.isalnum() or char in " -_").replace(" ", "-")
    return f"[{title.replace('[]', '')}](#{anchor})"


def _scalar(field: dict[str, Any]) -> str:
    kinds = field["type"]
    if isinstance(kinds, list):
        return "text, whole number or boolean"
    if kinds == "integer":
        return f"{field['minimum']} to {field['maximum']}"
    if kinds == "null":
        return "`null`"
    examples = field.get("examples", ())
    if examples == EXAMPLES_OF_DURATIONS:
        return f"duration {field['$comment']}"
    like = f", like `{examples[0]}`" if examples else ""
    return f"text{_limits(field, 'Length')}{like}"


def _limits(field: dict[str, Any], what: str) -> str:
    most = field.get(f"max{what}")
    return f" (at most {most})" if most else ""


def files() -> dict[Path, str]:
    """Give the generated files, by their path below the project's root."""
    schema = json.dumps(json_schema(), indent=2, ensure_ascii=False)
    return {SCHEMA_FILE: schema + "\n", REFERENCE_FILE: reference()}


def stale(root: Path = ROOT) -> list[Path]:
    """Give the generated files that are absent or differ from what would be written."""
    return [
        path
        for path, content in files().items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != content
    ]


def write(root: Path = ROOT) -> None:
    """Write the generated files."""
    for path, content in files().items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the generated files; the exit status is 1 when one is stale."""
    parser = argparse.ArgumentParser(prog="python -m include.airlock.model.schema", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write the files")
    what.add_argument("--check", action="store_true", help="say which files are stale")
    if parser.parse_args(arguments).write:
        write()
        return 0
    found = stale()
    for path in found:
        sys.stderr.write(f"{path} is stale: run python -m include.airlock.model.schema --write\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
