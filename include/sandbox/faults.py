"""The faults that are set at the moment, and which of them meets a request."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from include.sandbox.fault_kinds import FAULTS, FaultKind

__all__ = ["FAULTS", "Fault", "FaultKind", "FaultRefused", "Faults"]

WHERE = ("service", "region", "slot", "machine", "group", "operation")
Word = str | Collection[str] | None
"""What a request has for a key of ``where``: a word, several that count alike, or none."""
_KEYS = ("where", "fault", "times", "after")


class FaultRefused(ValueError):
    """The request for a fault is wrong; the text says how and names the nearest valid word."""


@dataclass
class Fault:
    """One fault that was set: what, where, how often still, and how many matches it lets pass first."""

    number: int
    fault: str
    where: dict[str, str]
    params: dict[str, Any]
    times: int | None = None
    after: int = 0
    matched: int = 0
    played: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    def meets(self, request: Mapping[str, Word]) -> bool:
        """Tell whether every ``where`` of this fault is among the request's words, whatever their case."""
        return all(value.casefold() in _words(request.get(key)) for key, value in self.where.items())

    def use(self) -> bool:
        """Count one match and tell whether the fault plays on it."""
        self.matched += 1
        if self.matched <= self.after or (self.times is not None and self.played >= self.times):
            return False
        self.played += 1
        return True

    def snapshot(self) -> dict[str, Any]:
        """Return the fault as JSON, in the form it was asked for, with how often it was met and played."""
        shown = {
            "id": self.number,
            "fault": self.fault,
            "where": self.where,
            "times": self.times,
            "after": self.after,
        }
        return {**shown, **self.params, "matched": self.matched, "played": self.played}


class Faults:
    """The faults set at the moment, in the order they were set."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._number = 0

    def add(self, request: Mapping[str, Any]) -> Fault:
        """Set a fault from ``{"where": {...}, "fault": name, "times": n, "after": n, ...parameters}``.

        ``times`` omitted or null means for ever. Raises `FaultRefused` for an unknown name or key
        and for a value of the wrong kind.
        """
        if not isinstance(request, Mapping):
            raise FaultRefused("a fault is a JSON object")
        name = request.get("fault")
        if not isinstance(name, str) or name not in FAULTS:
            raise FaultRefused(_unknown("fault", name, FAULTS))
        where = _checked_where(request.get("where"))
        times, after = _count(request, "times"), _count(request, "after")
        params = _checked_params(name, request)
        self._number += 1
        fault = Fault(self._number, name, where, params, times, after or 0)
        self._faults.append(fault)
        return fault

    def match(
        self,
        fault_names: Collection[str],
        *,
        service: str | None = None,
        region: str | None = None,
        slot: str | None = None,
        machine: Word = None,
        group: Word = None,
        operation: Word = None,
    ) -> Fault | None:
        """Return the first fault of one of these names that meets the request, and use it once.

        A match that the fault lets pass (``after``) is counted, and the next fault is tried.
        """
        if not self._faults:
            return None
        request: dict[str, Word] = {"service": service, "region": region, "slot": slot}
        request |= {"machine": machine, "group": group, "operation": operation}
        for fault in self._faults:
            if fault.fault in fault_names and fault.meets(request) and fault.use():
                return fault
        return None

    def active(
        self,
        name: str,
        *,
        service: Word = None,
        region: Word = None,
        machine: Word = None,
        group: Word = None,
    ) -> Fault | None:
        """Return the first fault of this name that holds there now, without using it: a state, no event."""
        request = {"service": service, "region": region, "machine": machine, "group": group}
        return next((fault for fault in self._faults if fault.fault == name and fault.meets(request)), None)

    def clear(self, number: int | None = None) -> int:
        """Take back one fault by its number, or all; return how many were there."""
        kept = [] if number is None else [fault for fault in self._faults if fault.number != number]
        gone = len(self._faults) - len(kept)
        self._faults = kept
        return gone

    def listing(self) -> list[dict[str, Any]]:
        """Return every fault that is set, as JSON, used up or not."""
        return [fault.snapshot() for fault in self._faults]


def _words(word: Word) -> list[str]:
    words = [word or ""] if word is None or isinstance(word, str) else word
    return [each.casefold() for each in words]


def _unknown(what: str, word: object, valid: Collection[str]) -> str:
    near = difflib.get_close_matches(str(word), list(valid), n=1, cutoff=0.0)
    return f"{word!r} is no {what}; did you mean {near[0]!r}? Valid: {', '.join(sorted(valid))}"


def _checked_where(where: Any) -> dict[str, str]:
    if where is None:
        return {}
    if not isinstance(where, Mapping):
        raise FaultRefused("'where' is a JSON object")
    for key, value in where.items():
        if key not in WHERE:
            raise FaultRefused(_unknown("key of 'where'", key, WHERE))
        if not isinstance(value, str) or not value:
            raise FaultRefused(f"'where.{key}' must be a text")
    return dict(where)


def _count(request: Mapping[str, Any], key: str) -> int | None:
    value = request.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FaultRefused(f"{key!r} must be a whole number of 0 or more")
    return value


def _checked_params(name: str, request: Mapping[str, Any]) -> dict[str, Any]:
    defaults = FAULTS[name].params
    params = dict(defaults)
    for key, value in request.items():
        if key in _KEYS:
            continue
        if key not in defaults:
            raise FaultRefused(_unknown(f"key of fault {name!r}", key, (*_KEYS, *defaults)))
        _check_kind(name, key, value, defaults[key])
        params[key] = value
    return params


def _check_kind(name: str, key: str, value: Any, default: Any) -> None:
    """Numbers stay numbers, texts stay texts; a default of null takes either; null is always allowed."""
    if value is None or default is None:
        fits = value is None or isinstance(value, str | int | float)
    elif isinstance(default, bool):
        fits = isinstance(value, bool)
    elif isinstance(default, int | float):
        fits = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    else:
        fits = isinstance(value, str)
    if not fits:
        raise FaultRefused(f"{key!r} of fault {name!r} can't be {value!r}; its default is {default!r}")
