"""The reference of a spec's keys in words, made from its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from include.airlock.model.durations import EXAMPLES as EXAMPLES_OF_DURATIONS
from include.airlock.model.service import STRATEGIES

Schema = Mapping[str, Any]


def reference(schema: Schema) -> str:
    """Give the reference of all keys as Markdown: what every service has, each strategy, then the parts."""
    services = {word: schema["$defs"][model.__name__] for word, model in STRATEGIES.items()}
    shared = _shared(list(services.values()))
    parts = [_INTRODUCTION, _table("Every service", {**schema, **shared}, schema)]
    for word, model in services.items():
        own = {key: field for key, field in model["properties"].items() if key not in shared["properties"]}
        parts.append(_table(f"`strategy: {word}`", {**model, "properties": own}, schema))
    for name, title in _SECTIONS.items():
        parts.append(_table(title, schema["$defs"][name], schema))
    parts.append(_WORDS)
    return "\n".join(parts)


def _shared(services: list[Schema]) -> dict[str, Any]:
    """Give the keys that read the same in every strategy's spec."""
    first, *rest = services
    keys = {
        key: field
        for key, field in first["properties"].items()
        if all(each["properties"].get(key) == field for each in rest)
    }
    return {"properties": keys, "required": first["required"]}


_SECTIONS = {
    "SlotRegion": "`regions[]` with `strategy: slot_swap`",
    "RollingRegion": "`regions[]` with `strategy: rolling`",
    "Farm": "`regions[].farms[]`",
    "BlueGreenRegion": "`regions[]` with `strategy: blue_green`",
    "Deploy": "`deploy`",
    "MachineAddress": "`machine`",
    "JsonPage": "`status_page` with `format: json`",
    "PatternPage": "`status_page` with `format: text` or `format: html`",
    "Window": "`windows[]`",
    "Freeze": "`freezes[]`",
    "Ask": "`ask`",
    "Approvals": "`approvals`",
    "Announce": "`announce`",
    "SlackChannel": "`announce.slack`",
    "Webhook": "`announce.webhooks[]`",
    "Scheduled": "`scheduled`",
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
[catalog](../dags/services/catalog.yaml) (HTML page, container),
[identity](../dags/services/identity.yaml) (one region, rolled back as a whole, an approval, a freeze),
[checkout](../dags/services/checkout.yaml) (two farms behind load balancers, machine by machine) and
[search](../dags/services/search.yaml) (two target groups behind one listener).

The strategy says how a region gets the new build: `slot_swap` on Azure App Service, `rolling` and
`blue_green` on EC2 machines behind load balancers. A key of another strategy is refused.

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
- **Times** are `20:00` with two digits each, **dates** `2026-11-03`; which moments they are, also where
  clocks change, is in [windows and freezes](windows.md).
- **Expressions** are [JMESPath](https://jmespath.org/specification.html), at most 300 characters.
- **Patterns** are [RE2](https://github.com/google/re2/wiki/Syntax), at most 300 characters: their time grows
  with the page and nothing else. There is no look-around and no back reference.
- **Values** of a page are compared without regard to case and outer space when they are text, and
  exactly otherwise: `true` is not `"true"`.
- **Target groups, listeners and documents** are named as AWS shows them, or by ARN. Classic load balancers
  have names only, rules ARNs only.
- **The build** is never written in a spec: `{build}` stands for it in `refresh`, and a document gets it as
  its `build_parameter`.
"""


def _table(title: str, model: Schema, schema: Schema) -> str:
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


def _meaning(field: Schema) -> str:
    return str(field.get("description", ""))


def _default(key: str, field: Schema, required: set[str]) -> str:
    if key in required or "default" not in field:
        return ""
    default = field["default"]
    if isinstance(default, list):
        return ", ".join(f"`{json.dumps(each)}`" for each in default) or "none"
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


def _value(field: Schema, schema: Schema) -> str:
    """Say in words what a key takes."""
    return ", or ".join(dict.fromkeys(_kinds(field, schema)))


def _kinds(field: Schema, schema: Schema) -> Iterator[str]:
    for each in field.get("anyOf") or field.get("oneOf") or ():
        yield from _kinds(each, schema)
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        inner = schema["$defs"][name]
        yield from _kinds(inner, schema) if "enum" in inner else (_link(name),)
    elif "enum" in field or "const" in field:
        yield " or ".join(f"`{word}`" for word in field.get("enum", [field.get("const")]))
    elif field.get("type") == "object":
        yield f"mapping of names to {_value(field['additionalProperties'], schema)}"
    elif field.get("type") == "array":
        yield f"list{_limits(field, 'Items')} of {_value(field['items'], schema)}"
    elif "type" in field:
        yield _scalar(field)


def _link(name: str) -> str:
    title = _SECTIONS[name]
    anchor = "".join(char for char in title.lower() if char.isalnum() or char in " -_").replace(" ", "-")
    return f"[{title.replace('[]', '')}](#{anchor})"


def _scalar(field: Schema) -> str:
    kinds = field["type"]
    if isinstance(kinds, list):
        return "text, whole number or boolean"
    if kinds == "integer":
        return f"{field['minimum']} to {field['maximum']}"
    if kinds == "null":
        return "`null`"
    if kinds == "boolean":
        return "`true` or `false`"
    examples = field.get("examples", ())
    if examples == EXAMPLES_OF_DURATIONS:
        return f"duration {field['$comment']}"
    like = f", like `{examples[0]}`" if examples else ""
    return f"text{_limits(field, 'Length')}{like}"


def _limits(field: Schema, what: str) -> str:
    most = field.get(f"max{what}")
    if most and most == field.get(f"min{what}"):
        return f" (exactly {most})"
    return f" (at most {most})" if most else ""
