"""How a fault in a spec or a change request is put into words.

Messages are written for the person who typed the value: where, what, and the nearest valid word.
Values are shown shortened and escaped, since they are untrusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails, PydanticCustomError

SHOWN = 60


def shown(value: object) -> str:
    """Give a value as a fault shows it: one line, quoted, escaped, at most ``SHOWN`` characters."""
    text = repr(value if isinstance(value, (str, int, float, bool)) or value is None else str(value))
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def one_of(words: Iterable[str]) -> str:
    """Give ``'a', 'b' or 'c'``."""
    quoted = [f"'{word}'" for word in words]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def nearest(word: str, valid: Iterable[str]) -> str:
    """Give the end of a fault's sentence: the nearest valid word, or all of them when none is near."""
    from difflib import get_close_matches

    known = list(valid)
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(word.lower()[:100], by_lower, n=1, cutoff=0.55)
    if close:
        return f"did you mean '{by_lower[close[0]]}'?"
    return f"valid: {one_of(known)}" if known else "none is valid here"


def fault(message: str, *at: str | int) -> PydanticCustomError:
    """Make a fault to raise in a validator; ``at`` points below the validated value, e.g. a list's item."""
    return PydanticCustomError("fault", "{message}", {"message": message, "at": at})


def place(error: ErrorDetails) -> tuple[str | int, ...]:
    """Give the full path of a validation error, with the ``at`` of a fault joined on."""
    limit = error.get("ctx", {})
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return (*error["loc"], str(limit["discriminator"]).strip("'"))
    return (*error["loc"], *limit.get("at", ()))


def _too_long(error: ErrorDetails, limit: Mapping[str, Any]) -> str:
    unit = "characters" if error["type"].startswith("string") else "items"
    if "max_length" in limit:
        return f"has more than {limit['max_length']} {unit}"
    return "is empty" if limit.get("min_length") == 1 else f"has fewer than {limit['min_length']} {unit}"


def _out_of_range(error: ErrorDetails, limit: Mapping[str, Any]) -> str:
    words = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
    bounds = [f"{words[key]} {bound}" for key, bound in limit.items() if key in words]
    return f"{shown(error['input'])} must be {' and '.join(bounds)}"


_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
}


_MISSING = {
    "dependencies": "is missing; write null for a service that has none",
    "build_parameter": "is missing; name the parameter of the document that takes the build",
}


def _wrong_type(error: ErrorDetails) -> str:
    wanted, given = _TYPES[error["type"]], error["input"]
    if given is None:
        comment = " ('#' starts a comment unless it is in quotes)" if wanted == "text" else ""
        return f"has no value; {wanted} is needed{comment}"
    if wanted == "text" and isinstance(given, (int, float)):
        return f"{shown(given)} is not text; put it in quotes"
    return f"{shown(given)} is not {wanted}"


def explain(error: ErrorDetails, valid_keys: Iterable[str] = ()) -> str:
    """Say one validation error in plain words; ``valid_keys`` are those of the mapping it stands in."""
    kind, limit = error["type"], error.get("ctx", {})
    name = str(error["loc"][-1]) if error["loc"] else ""
    if kind == "extra_forbidden":
        return f"unknown key {shown(name)}; {nearest(name, valid_keys)}"
    if kind == "missing":
        return _MISSING.get(name, "is missing")
    if kind in ("literal_error", "enum", "union_tag_invalid"):
        return _not_a_word(error, limit)
    if kind == "union_tag_not_found":
        return "is missing"
    if "max_length" in limit or "min_length" in limit:
        return _too_long(error, limit)
    if any(key in limit for key in ("ge", "le", "gt", "lt")):
        return _out_of_range(error, limit)
    if kind in _TYPES:
        return _wrong_type(error)
    return error["msg"]


def _not_a_word(error: ErrorDetails, limit: Mapping[str, Any]) -> str:
    expected = str(limit.get("expected") or limit.get("expected_tags", ""))
    words = expected.replace(" or ", ", ").replace("'", "").split(", ")
    given = limit.get("tag", error["input"])
    if not isinstance(given, str):
        return f"{shown(given)} must be {one_of(words)}"
    return f"{shown(given)} is not valid; {nearest(given, words)}"
