"""Durations as people write them: '90s', '500ms', '1h30m', or ISO 8601 'PT1H30M'."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from include.airlock.model.wording import fault, shown

_MILLISECONDS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_PART = r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)"
_PLAIN = re.compile(rf"(?:{_PART})+")
_ISO = re.compile(
    r"P(?:(?P<d>[0-9]{1,6})D)?"
    r"(?:T(?=[0-9])(?:(?P<h>[0-9]{1,6})H)?(?:(?P<m>[0-9]{1,6})M)?(?:(?P<s>[0-9]{1,6}(?:\.[0-9]{1,3})?)S)?)?"
)
EXAMPLES = ["2s", "90s", "5m", "1h30m", "PT5M"]
_HINT = "write '90s', '5m', '1h30m' or 'PT5M'"


def parse_duration(value: object) -> timedelta:
    """Read a duration; it is kept to the millisecond.

    A plain number is refused, since it does not say whether it means seconds or minutes.

    Raises:
        PydanticCustomError: with a sentence that shows how to write it.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise fault(f"{shown(value)} has no unit; write '{value}s' or '{value}m'")
    if not isinstance(value, str):
        raise fault(f"{shown(value)} is not a duration; {_HINT}")
    written = value.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", written):
        raise fault(f"{shown(value)} has no unit; write '{written}s' or '{written}m'")
    milliseconds = _read(written)
    if milliseconds is None:
        raise fault(f"{shown(value)} is not a duration; {_HINT}")
    return timedelta(milliseconds=round(milliseconds))


def _read(written: str) -> float | None:
    if _PLAIN.fullmatch(written):
        parts = re.findall(_PART, written)
        order = [list(_MILLISECONDS).index(unit) for _, unit in parts]
        # 1h30m, but neither 30m1h nor 5m5m: a slip of the pen is not guessed at.
        if sorted(set(order)) != order:
            return None
        return sum(float(number) * _MILLISECONDS[unit] for number, unit in parts)
    iso = _ISO.fullmatch(written)
    if iso and any(iso.groups()):
        return sum(float(number) * _MILLISECONDS[unit] for unit, number in iso.groupdict().items() if number)
    return None


def format_duration(value: timedelta) -> str:
    """Write a duration as a spec does: '1h30m', '2s', '500ms'; ``parse_duration`` reads it back."""
    left, parts = round(value.total_seconds() * 1000), []
    for unit, size in _MILLISECONDS.items():
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


@dataclass(frozen=True)
class Between:
    """Marks a ``timedelta`` field as a written duration with bounds, both of them allowed."""

    least: str
    most: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read, check and write the duration."""
        low, high = parse_duration(self.least), parse_duration(self.most)

        def read(value: object) -> timedelta:
            duration = parse_duration(value)
            if not low <= duration <= high:
                raise fault(f"{shown(value)} must be at least {self.least} and at most {self.most}")
            return duration

        return core_schema.no_info_plain_validator_function(
            read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                format_duration, return_schema=core_schema.str_schema()
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the written form."""
        return {
            "type": "string",
            "pattern": rf"^(({_PART})+|P[0-9DTHMS.]+)$",
            "examples": EXAMPLES,
            "$comment": f"from {self.least} to {self.most}",
        }
