"""The JSON Schema of a spec and its reference in words, both generated from the models.

``python -m include.airlock.model.schema --write`` writes ``docs/service.schema.json``, ``docs/spec.md``
and ``docs/record.schema.json``, the schema of record files; ``--check`` says whether they are fresh and
exits 1 when they are not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from include.airlock.model.durations import EXAMPLES as EXAMPLES_OF_DURATIONS
from include.airlock.model.durations import format_duration, parse_duration
from include.airlock.model.record_file import record_schema
from include.airlock.model.reference import reference
from include.airlock.model.service import Service
from include.airlock.model.train import TrainSpec

ROOT = Path(__file__).resolve().parents[3]
SCHEMA_FILE = Path("docs/service.schema.json")
REFERENCE_FILE = Path("docs/spec.md")
RECORD_FILE = Path("docs/record.schema.json")
TRAIN_FILE = Path("docs/train.schema.json")


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema of ``dags/services/<service>.yaml``, for editors."""
    spec: TypeAdapter[Any] = TypeAdapter(Annotated[Service, Field(discriminator="strategy")])
    schema = spec.json_schema()
    # OpenAPI's word: editors choose among the strategies by their constants.
    del schema["discriminator"]
    for model in (schema, *schema["$defs"].values()):
        _write_defaults(model.get("properties", {}))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Airlock service",
        "description": "What a team writes about its service: `dags/services/<service>.yaml`.",
    }


def train_schema() -> dict[str, Any]:
    """Give the JSON Schema of ``dags/trains/<train>.yaml``, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TypeAdapter(TrainSpec).json_schema(),
        "title": "Airlock train",
        "description": "Several services that are released together: `dags/trains/<train>.yaml`.",
    }


def _write_defaults(fields: dict[str, Any]) -> None:
    """Write defaults of durations as a spec does; Pydantic writes them as ISO 8601."""
    for field in fields.values():
        if field.get("examples") == EXAMPLES_OF_DURATIONS and "default" in field:
            field["default"] = format_duration(parse_duration(field["default"]))


def files() -> dict[Path, str]:
    """Give the generated files, by their path below the project's root."""
    schema = json_schema()
    return {
        SCHEMA_FILE: _written(schema),
        REFERENCE_FILE: reference(schema),
        RECORD_FILE: _written(record_schema()),
        TRAIN_FILE: _written(train_schema()),
    }


def _written(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


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
